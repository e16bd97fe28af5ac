import { rm } from 'node:fs/promises';
import { pino } from 'pino';
import { startDevLedger } from '../../network/devledger/dev-ledger.js';
import { ChaincodeProcesses } from './chaincode-processes.js';
import { conformanceDefinition } from './conformance-collections.js';
import {
  calleePortOf,
  chaincodeTlsFolder,
  conformanceMembers,
  type NetworkOptions,
  peerOrganisationOf,
} from './conformance-members.js';
import { CALLEE, type LedgerUnderTest, PEERS } from './ledger-under-test.js';

/** The embedded ledger, in this process; its chaincode runs in processes of its own. */
export async function startDevLedgerUnderTest(options?: NetworkOptions): Promise<LedgerUnderTest> {
  const { topology, dataDir, revoked } = await conformanceMembers(undefined, options);
  const chaincodes = new ChaincodeProcesses(
    PEERS.map((mspId) => {
      const { domain, peer } = peerOrganisationOf(topology, mspId);
      const packageId = `${topology.chaincode.name}:${mspId}`;
      return { mspId, port: peer.chaincodePort, packageId, tlsFolder: chaincodeTlsFolder(dataDir, domain) };
    }),
  );
  const callees = new ChaincodeProcesses(
    PEERS.map((mspId) => ({ mspId, port: calleePortOf(topology, mspId), packageId: `${CALLEE}:${mspId}` })),
  );
  await Promise.all([chaincodes.startAll(), callees.startAll()]);
  const log = pino({ level: process.env.LEDGER_TEST_LOG ?? 'silent' });
  const ledger = await startDevLedger({
    topology,
    dataDir,
    log,
    furtherChaincodes: [
      { name: CALLEE, version: '1.0', addressOf: (mspId) => `127.0.0.1:${calleePortOf(topology, mspId)}` },
    ],
    definitions: [conformanceDefinition(topology)],
  });
  return {
    name: 'devledger',
    topology,
    dataDir,
    revoked,
    endpointOf(mspId) {
      const endpoint = ledger.endpoints.find((candidate) => candidate.mspId === mspId);
      if (endpoint === undefined) throw new Error(`${mspId} has no peer that serves`);
      return endpoint;
    },
    stopChaincode: (mspId) => chaincodes.stop(mspId),
    startChaincode: (mspId) => chaincodes.start(mspId),
    async stop() {
      await ledger.stop();
      await Promise.all([chaincodes.stopAll(), callees.stopAll()]);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
