import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { binariesMissing, findBinaries } from '../../network/fabric/binaries.js';
import { bringUpChannel } from '../../network/fabric/bring-up.js';
import { chaincodePackage } from '../../network/fabric/chaincode-package.js';
import { type NodeProcess, nodeProcesses } from '../../network/fabric/node-processes.js';
import { prepareNetwork } from '../../network/fabric/prepare-network.js';
import { CONSENSUS } from '../support/running-network.js';
import { ChaincodeProcesses } from './chaincode-processes.js';
import type { Topology } from '../../network/topology.js';
import { COLLECTIONS, collectionJson } from './conformance-collections.js';
import {
  calleePortOf,
  chaincodeTlsFolder,
  conformanceMembers,
  type NetworkOptions,
  peerOrganisationOf,
} from './conformance-members.js';
import { CALLEE, type LedgerUnderTest, PEERS } from './ledger-under-test.js';
import { connectMember, type StubCall } from './member-client.js';

const NODE_READY_MS = 30_000;
const NETWORK_READY_MS = 60_000;
const POLL_MS = 100;

/**
 * Real Hyperledger Fabric from the programs in FABRIC_BIN: its orderers, as MEDLEDGER_CONSENSUS says, and three peers,
 * with the conformance chaincode as the chaincode of its channel.
 */
export async function startFabricUnderTest(options?: NetworkOptions): Promise<LedgerUnderTest> {
  const { topology, dataDir, revoked } = await conformanceMembers(CONSENSUS, options);
  const binaries = findBinaries({ env: process.env, downloaded: join(dataDir, 'nowhere') });
  if (binaries === undefined) throw binariesMissing();
  const collectionsFile = join(dataDir, 'collections.json');
  writeFileSync(collectionsFile, JSON.stringify(COLLECTIONS.map(collectionJson)));
  const place = { topology, dataDir, binaries, collectionsFile };
  await prepareNetwork(place);
  const nodes = nodeProcesses(place).map((node) => startNode(node, dataDir));
  // However the test run ends, the nodes must not stay behind.
  process.once('exit', () => {
    for (const node of nodes) node.kill('SIGKILL');
  });
  const chaincodes = new ChaincodeProcesses(
    PEERS.map((mspId) => {
      const { domain, peer } = peerOrganisationOf(topology, mspId);
      const packageId = chaincodePackage(topology, peer).id;
      return { mspId, port: peer.chaincodePort, packageId, tlsFolder: chaincodeTlsFolder(dataDir, domain) };
    }),
  );
  const second = { topology: withCallee(topology), dataDir, binaries };
  const callees = new ChaincodeProcesses(
    PEERS.map((mspId) => {
      const { peer } = peerOrganisationOf(second.topology, mspId);
      return { mspId, port: peer.chaincodePort, packageId: chaincodePackage(second.topology, peer).id };
    }),
  );
  const ledger: LedgerUnderTest = {
    name: `Fabric, orderers by ${topology.consensus}`,
    topology,
    dataDir,
    revoked,
    endpointOf(mspId) {
      const { peer } = peerOrganisationOf(topology, mspId);
      return { address: `127.0.0.1:${peer.port}`, host: peer.host };
    },
    stopChaincode: (mspId) => chaincodes.stop(mspId),
    startChaincode: (mspId) => chaincodes.start(mspId),
    async stop() {
      await Promise.all(nodes.map(endNode));
      await Promise.all([chaincodes.stopAll(), callees.stopAll()]);
      if (process.env.KEEP_FABRIC_DATA === undefined) await rm(dataDir, { recursive: true, force: true });
    },
  };
  try {
    await Promise.all([chaincodes.startAll(), callees.startAll()]);
    await Promise.all(nodeProcesses(place).map(listening));
    await bringUpChannel(place, (_what, work) => work());
    await bringUpChannel(second, (_what, work) => work());
    await untilEndorsedByAll(ledger);
    return ledger;
  } catch (error) {
    await ledger.stop();
    throw error;
  }
}

/** The same channel with the second chaincode in the first one's place. */
function withCallee(topology: Topology): Topology {
  return {
    ...topology,
    chaincode: { name: CALLEE, version: '1.0' },
    organisations: topology.organisations.map((organisation) =>
      organisation.peer === undefined
        ? organisation
        : {
            ...organisation,
            peer: { ...organisation.peer, chaincodePort: calleePortOf(topology, organisation.mspId) },
          },
    ),
  };
}

/** Peers learn of each other, and of a chaincode definition, some time after they were told. */
async function untilEndorsedByAll(ledger: LedgerUnderTest): Promise<void> {
  const untilMs = Date.now() + NETWORK_READY_MS;
  for (const at of PEERS) {
    const client = await connectMember(ledger, at);
    const call: StubCall = ['invoke', CALLEE, ['run', '[]']];
    const endorsed = () => client.endorse([call], { endorsingOrganizations: [...PEERS] });
    while (!(await succeeds(endorsed, untilMs))) await wait(POLL_MS);
    client.close();
  }
}

/** @throws what the attempt threw, when it is too late for another */
async function succeeds(attempt: () => Promise<unknown>, untilMs: number): Promise<boolean> {
  try {
    await attempt();
    return true;
  } catch (error) {
    if (Date.now() > untilMs) throw error;
    return false;
  }
}

function startNode({ name, program, args, cwd, env }: NodeProcess, dataDir: string): ChildProcess {
  const logs = join(dataDir, 'logs');
  mkdirSync(logs, { recursive: true });
  const log = openSync(join(logs, `${name}.log`), 'a');
  try {
    const { PATH = '', HOME = '' } = process.env;
    return spawn(program, [...args], { cwd, env: { PATH, HOME, ...env }, stdio: ['ignore', log, log] });
  } finally {
    closeSync(log);
  }
}

async function endNode(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

async function listening({ name, port }: NodeProcess): Promise<void> {
  const untilMs = Date.now() + NODE_READY_MS;
  while (!(await accepts(port))) {
    if (Date.now() > untilMs) throw new Error(`${name} does not listen on ${port}: see its log in the data folder`);
    await wait(POLL_MS);
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
