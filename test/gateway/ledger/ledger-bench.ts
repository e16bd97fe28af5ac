import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFabricLedger } from '../../../gateway/ledger/fabric-ledger.js';
import type { Ledger, LedgerIdentity } from '../../../gateway/ledger/ledger.js';
import type { PeerReport } from '../../../gateway/ledger/ledger-errors.js';
import type { LedgerSettings } from '../../../gateway/ledger/ledger-settings.js';
import { afterAll } from '@jest/globals';
import { signDer } from '../../../gateway/identity/signatures.js';
import {
  ensureIdentities,
  nodeFolder,
  organisationFolder,
  readIdentity,
  readTls,
  tlsPaths,
} from '../../../network/identities/index.js';
import { localTopology } from '../../../network/topology.js';
import { StubChain, type StubChaincode } from './stub-chain.js';
import { type Fault, type Stage, StubPeer } from './stub-peer.js';

const MSP_IDS = ['HospitalAMSP', 'HospitalBMSP', 'GovernmentMSP'];
const DOMAIN = 'hospital-a.medledger.example';
const HOST = `peer0.${DOMAIN}`;

/** A busy machine is no ledger that does not answer: what is to run out in a test, the test says. */
const PATIENT: Partial<LedgerSettings> = {
  evaluateMs: 60_000,
  endorseMs: 60_000,
  submitMs: 60_000,
  commitStatusMs: 60_000,
  resendMs: 60_000,
  ownPeerMs: 100,
  statusProbeMs: 200,
  unavailableMs: 120_000,
  outcomeMs: 120_000,
};
/** For a call that is never answered. */
export const BRIEF: Partial<LedgerSettings> = {
  evaluateMs: 1_000,
  endorseMs: 1_000,
  submitMs: 300,
  commitStatusMs: 1_000,
  resendMs: 1_000,
};

/** Certificates take longer to make than a test to run: one set for each test file. */
let certificates: Promise<string> | undefined;

async function certificatesFolder(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'medledger-identities-'));
  await ensureIdentities(localTopology(), directory);
  return directory;
}

afterAll(async () => {
  if (certificates !== undefined) rmSync(await certificates, { recursive: true, force: true });
});

/** One organisation's view of a stub ledger: peer, client, outbox. */
export class LedgerBench {
  readonly chain: StubChain;
  readonly peer: StubPeer;
  /** Another organisation's, on the same chain; it runs from the first `open` that names it on. */
  readonly otherPeer: StubPeer;
  readonly identity: LedgerIdentity;
  readonly attacked: PeerReport[] = [];
  /** Replace at any time. */
  fault: (stage: Stage, count: number) => Fault | undefined = () => undefined;
  /** Blocks that the peer has not committed yet; what its chaincode shows meanwhile, the test says. */
  blocksBehind = 0;
  readonly #certificates: string;
  readonly #directory = mkdtempSync(join(tmpdir(), 'medledger-ledger-'));
  readonly #opened: Ledger[] = [];

  private constructor(directory: string, chaincode: StubChaincode, cutMs: number) {
    this.#certificates = directory;
    this.chain = new StubChain({ channel: 'medledger', chaincode: 'medledger', cutMs });
    const tls = readTls(directory, DOMAIN, { kind: 'peer', host: HOST });
    const fault = (stage: Stage, count: number) => this.fault(stage, count);
    const height = () => this.chain.blocks.length - this.blocksBehind;
    this.peer = new StubPeer({ chain: this.chain, chaincode, mspIds: MSP_IDS, tls, fault, height });
    this.otherPeer = new StubPeer({ chain: this.chain, chaincode, mspIds: MSP_IDS.slice(1), tls });
    const { mspId, certificatePem, privateKey } = readIdentity(directory, DOMAIN, 'Custodian');
    this.identity = { mspId, certificatePem, sign: async (message) => signDer(privateKey, message) };
  }

  static async start(chaincode: StubChaincode, options: { cutMs?: number } = {}): Promise<LedgerBench> {
    certificates ??= certificatesFolder();
    const bench = new LedgerBench(await certificates, chaincode, options.cutMs ?? 5);
    await bench.peer.start();
    return bench;
  }

  /** As `open`, with the other peer to turn to. */
  async openBeside(settings: Partial<LedgerSettings> = {}): Promise<Ledger> {
    await this.otherPeer.start();
    return this.open(settings, [this.otherPeer]);
  }

  /** Opened again, it finds the same outbox: another run of the same gateway. */
  open(settings: Partial<LedgerSettings> = {}, others: readonly StubPeer[] = []): Ledger {
    const folder = nodeFolder(organisationFolder(this.#certificates, DOMAIN), HOST, 'peer');
    const tlsRootFile = tlsPaths(folder).authority;
    const endpointOf = ({ port }: StubPeer) => ({ address: `127.0.0.1:${port}`, hostName: HOST, tlsRootFile });
    const ledger = openFabricLedger({
      endpoint: endpointOf(this.peer),
      otherPeers: others.map(endpointOf),
      peerMspId: 'HospitalAMSP',
      channel: 'medledger',
      chaincode: 'medledger',
      policy: { mspIds: MSP_IDS, needed: 2 },
      outboxFile: join(this.#directory, 'gateway', 'outbox.sqlite'),
      settings: { ...PATIENT, ...settings },
      onPeerAttacked: (report) => this.attacked.push(report),
    });
    this.#opened.push(ledger);
    return ledger;
  }

  async stop(): Promise<void> {
    for (const ledger of this.#opened) await ledger.close();
    this.peer.kill();
    this.otherPeer.kill();
    this.chain.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
