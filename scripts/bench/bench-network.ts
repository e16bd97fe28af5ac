import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { canonicalJson, type PatientId, type SignedRegister } from '@medledger/chaincode/domain';
import type { LaneActor } from '../../gateway/ledger/lane-client.js';
import { createLedgerChain, type LedgerChain } from '../../gateway/ledger/chain.js';
import { openFabricLedger } from '../../gateway/ledger/fabric-ledger.js';
import type { Ledger } from '../../gateway/ledger/ledger.js';
import { createNonceSolver, type NonceSolver } from '../../gateway/ledger/nonce-solver.js';
import { type BareClient, openBareClient } from './baseline/bare-gateway-client.js';
import { requireThat } from './bench-failure.js';
import { type LedgerPids, startBenchLedger } from './bench-ledger.js';
import type { BenchMembers, BenchPatient } from './bench-members.js';
import type { BenchPlace } from './bench-place.js';
import { BARE_CHAINCODE, withPeer } from './bench-ports.js';
import type { BenchProcesses } from './bench-processes.js';
import { keepInFlight } from './figure.js';
import { peerEndpoint } from './peer-endpoint.js';

/** A running ledger with the product's chaincode and the baseline's, and a client of each at the first peer. */
export interface BenchNetwork {
  readonly ledger: Ledger;
  readonly solver: NonceSolver;
  /** Remembers the tips of lanes. */
  readonly chain: LedgerChain;
  /** One that has seen no lane yet: its first transaction in each asks for the head. */
  newChain(): LedgerChain;
  readonly bare: BareClient;
  readonly pids: LedgerPids;
  stop(): Promise<void>;
}

const SOLVER_THREADS = 1;
const SERVED_MS = 30_000;
const SERVED_POLL_MS = 200;
const REGISTERED_AT_ONCE = 64;

/** The register and the patients are on the ledger when it resolves. */
export async function startBenchNetwork(
  place: BenchPlace,
  processes: BenchProcesses,
  members: BenchMembers,
): Promise<BenchNetwork> {
  const { topology } = place;
  const peers = withPeer(topology);
  const [home] = peers;
  if (home === undefined) throw new Error('invariant failed: a topology has peers');
  const pids = await startBenchLedger(place, processes);
  const endpoint = peerEndpoint(place, home);
  const { channel } = topology;
  const ledger = openFabricLedger({
    endpoint,
    peerMspId: home.mspId,
    channel,
    chaincode: topology.chaincode.name,
    policy: { mspIds: peers.map(({ mspId }) => mspId), needed: topology.endorsementsNeeded },
    outboxFile: join(place.dataDir, 'outbox.sqlite'),
  });
  const solver = createNonceSolver({ threads: SOLVER_THREADS });
  const newChain = () => createLedgerChain({ ledger, solver });
  const chain = newChain();
  const bareClient = openBareClient({ ...endpoint, ...members.admin, channel, chaincode: BARE_CHAINCODE });
  await untilServed(bareClient);
  await found(ledger, chain, members);
  return {
    ledger,
    solver,
    chain,
    newChain,
    bare: bareClient,
    pids,
    stop: async () => {
      bareClient.close();
      await solver.close();
      await ledger.close();
      await processes.stopAll();
    },
  };
}

/** Fabric's peers learn of each other's chaincodes some time after they were deployed. */
async function untilServed(bare: BareClient): Promise<void> {
  for (const untilMs = Date.now() + SERVED_MS; ; await wait(SERVED_POLL_MS)) {
    try {
      await bare.submit('put', 'served', 'yes');
      return;
    } catch (error) {
      if (Date.now() > untilMs) throw error;
    }
  }
}

async function found(ledger: Ledger, chain: LedgerChain, members: BenchMembers): Promise<void> {
  await submitRegister(ledger, members.admin, members.register);
  const { patients } = members;
  await keepInFlight({ count: patients.length, inFlight: REGISTERED_AT_ONCE }, async (index) => {
    const patient = patients[index];
    if (patient === undefined) return;
    const { identity, patientId, registration, firstTip } = patient;
    await chain.transact({ identity, name: 'members:registerPatient', patientId, business: registration, firstTip });
  });
}

async function submitRegister(ledger: Ledger, admin: LaneActor, register: SignedRegister): Promise<void> {
  await ledger.submit(admin, 'members:bootstrap', [canonicalJson({ register }), '']);
}

/**
 * Fast is not enough: on every peer each patient's lane must verify from its genesis to its head, and hold the entries
 * and the records that were put there.
 *
 * @param expected - by patient: entries with the registration, and records
 */
export async function requireComplete(
  { chain, ledger }: BenchNetwork,
  { topology }: BenchPlace,
  patients: readonly BenchPatient[],
  expected: ReadonlyMap<PatientId, { readonly entries: number; readonly records: number }>,
): Promise<void> {
  for (const { mspId } of withPeer(topology))
    for (const { identity, patientId } of patients) {
      const { entries, records } = expected.get(patientId) ?? { entries: 1, records: 0 };
      const whose = `of ${patientId} on the peer of ${mspId}`;
      const verified = await askPeer(ledger, identity, mspId, 'audit:verifyLane', { patientId, memberId: patientId });
      const isWhole = verified.status === 'ok' && verified.entries === entries;
      requireThat(isWhole, `the lane ${whose} should verify with ${entries} entries: ${JSON.stringify(verified)}`);
      const found = await countRecords(ledger, identity, mspId, patientId);
      requireThat(found === records, `${found} of ${records} records ${whose} are there`);
    }
  requireThat(chain.metrics.transactions > 0, 'nothing was written');
}

interface PeerAnswer {
  readonly status?: string;
  readonly entries?: number;
  readonly items?: readonly unknown[];
  readonly next?: string;
}

async function countRecords(ledger: Ledger, identity: LaneActor, mspId: string, patientId: PatientId): Promise<number> {
  let count = 0;
  let cursor: string | undefined;
  do {
    const page = cursor === undefined ? {} : { cursor };
    const answer = await askPeer(ledger, identity, mspId, 'records:list', { patientId, limit: PAGE, ...page });
    count += answer.items?.length ?? 0;
    cursor = answer.next;
  } while (cursor !== undefined);
  return count;
}

const PAGE = 200;

async function askPeer(
  ledger: Ledger,
  identity: LaneActor,
  mspId: string,
  name: string,
  input: object,
): Promise<PeerAnswer> {
  const target = { endorsingOrganizations: [mspId] };
  return parsePeerAnswer(await ledger.evaluate(identity, name, [canonicalJson(input)], target));
}

function parsePeerAnswer(answer: string): PeerAnswer {
  return JSON.parse(answer) as PeerAnswer;
}
