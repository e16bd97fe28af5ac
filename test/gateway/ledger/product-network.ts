import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { pino } from 'pino';
import { openFabricLedger } from '../../../gateway/ledger/fabric-ledger.js';
import type { Ledger } from '../../../gateway/ledger/ledger.js';
import { generateMemberKeys, type UnlockedIdentity, unlockedIdentity } from '../../../gateway/identity/member-keys.js';
import { type DevLedger, startDevLedger } from '../../../network/devledger/dev-ledger.js';
import {
  chaincodeFolder,
  ensureIdentities,
  nodeFolder,
  openCertificateAuthority,
  organisationFolder,
  tlsPaths,
} from '../../../network/identities/index.js';
import { localTopology, type Organisation, type Topology } from '../../../network/topology.js';
import { freePorts } from '../../support/free-ports.js';
import { onFreePorts } from '../../network/ledger-front/front-network.js';

const CHAINCODE_DIR = join(process.cwd(), 'chaincode');
const SHIM = join(process.cwd(), 'node_modules/fabric-shim/cli.js');

/** The embedded ledger in this process, and the product's own chaincode (built) in one process per peer. */
export class ProductNetwork {
  readonly dataDir: string;
  readonly topology: Topology;
  readonly #chaincodes: ChildProcess[] = [];
  readonly #ledgers: Ledger[] = [];
  #devLedger: DevLedger | undefined;

  private constructor(dataDir: string, topology: Topology) {
    this.dataDir = dataDir;
    this.topology = topology;
  }

  static async start(): Promise<ProductNetwork> {
    const dataDir = await mkdtemp(join(tmpdir(), 'medledger-product-'));
    const topology = await freeTopology();
    await ensureIdentities(topology, dataDir);
    const network = new ProductNetwork(dataDir, topology);
    await Promise.all(topology.organisations.map((organisation) => network.#startChaincode(organisation)));
    await network.startLedger();
    return network;
  }

  async startLedger(): Promise<void> {
    const { topology, dataDir } = this;
    this.#devLedger = await startDevLedger({ topology, dataDir, log: pino({ level: 'silent' }) });
  }

  async stopLedger(): Promise<void> {
    await this.#devLedger?.stop();
    this.#devLedger = undefined;
  }

  open(): Ledger {
    const { domain, peer, mspId } = this.organisation('HospitalAMSP');
    const host = peer?.host ?? '';
    const folder = nodeFolder(organisationFolder(this.dataDir, domain), host, 'peer');
    const ledger = openFabricLedger({
      endpoint: { address: `127.0.0.1:${peer?.port}`, hostName: host, tlsRootFile: tlsPaths(folder).authority },
      peerMspId: mspId,
      channel: this.topology.channel,
      chaincode: this.topology.chaincode.name,
      policy: { mspIds: ['HospitalAMSP', 'HospitalBMSP', 'GovernmentMSP'], needed: 2 },
      outboxFile: join(this.dataDir, 'gateways', mspId, `outbox-${this.#ledgers.length}.sqlite`),
    });
    this.#ledgers.push(ledger);
    return ledger;
  }

  /** @param memberIdFor - from the SubjectPublicKeyInfo, as a patient's id is made */
  async enrol(
    mspId: string,
    who: { role: string; agencyId?: string; memberIdFor: (spki: Uint8Array) => string },
  ): Promise<UnlockedIdentity> {
    const keys = generateMemberKeys();
    const memberId = who.memberIdFor(keys.signingPublicKeySpki);
    const authority = openCertificateAuthority(this.dataDir, this.organisation(mspId).domain);
    const { role } = who;
    const staff = who.agencyId === undefined ? {} : { agencyId: who.agencyId };
    const request = { publicKeySpki: keys.signingPublicKeySpki, memberId, role, ...staff, ou: 'client' } as const;
    const certificatePem = await authority.issueMember(request);
    return unlockedIdentity({ memberId, role, ...staff, mspId, certificatePem }, keys);
  }

  organisation(mspId: string): Organisation {
    const found = this.topology.organisations.find((organisation) => organisation.mspId === mspId);
    if (found === undefined) throw new Error(`no organisation ${mspId}`);
    return found;
  }

  async stop(): Promise<void> {
    for (const ledger of this.#ledgers) await ledger.close();
    await this.stopLedger();
    for (const chaincode of this.#chaincodes) {
      const ended = once(chaincode, 'exit');
      if (chaincode.kill('SIGKILL')) await ended;
    }
    await rm(this.dataDir, { recursive: true, force: true });
  }

  async #startChaincode({ mspId, domain, peer }: Organisation): Promise<void> {
    if (peer === undefined) return;
    const address = `127.0.0.1:${peer.chaincodePort}`;
    const id = `${this.topology.chaincode.name}:${this.topology.chaincode.version}`;
    const tls = tlsPaths(chaincodeFolder(organisationFolder(this.dataDir, domain)));
    const args = [SHIM, 'server', '--chaincode-address', address, '--chaincode-id', id];
    args.push('--chaincode-tls-cert-file', tls.certificate, '--chaincode-tls-key-file', tls.key);
    args.push('--chaincode-tls-client-cacert-file', tls.authority);
    const env = { ...process.env, CORE_PEER_LOCALMSPID: mspId, CORE_CHAINCODE_LOGGING_LEVEL: 'error' };
    this.#chaincodes.push(spawn(process.execPath, args, { cwd: CHAINCODE_DIR, env, stdio: 'ignore' }));
    for (let attempt = 0; !(await isListening(peer.chaincodePort)); attempt += 1) {
      if (attempt > 2_400) throw new Error(`the chaincode of ${mspId} does not listen; is chaincode/ built?`);
      await wait(50);
    }
  }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

async function freeTopology(): Promise<Topology> {
  const topology = localTopology();
  const ports = await freePorts(topology.organisations.length * 2);
  const organisations = topology.organisations.map((organisation, at): Organisation => {
    const { peer } = organisation;
    const [port = 0, chaincodePort = 0] = ports.slice(at * 2);
    return peer === undefined ? organisation : { ...organisation, peer: { ...peer, port, chaincodePort } };
  });
  return { ...topology, ...onFreePorts(topology), batch: { ...topology.batch, timeoutMs: 20 }, organisations };
}
