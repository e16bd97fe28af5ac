import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureIdentities } from '../../network/identities/index.js';
import { DEVLEDGER, type LedgerChoice, type LedgerKind } from '../start/ledger-choice.js';
import { untilServing } from '../start/ledger-view.js';
import { BenchFailure } from './bench-failure.js';
import { openBareClient } from './baseline/bare-gateway-client.js';
import { startBareChaincodes, startBenchLedger } from './bench-ledger.js';
import { type BenchMembers, type BenchPatient, makeMembers } from './bench-members.js';
import { type BenchNetwork, requireComplete, startBenchNetwork } from './bench-network.js';
import type { BenchPlace } from './bench-place.js';
import { BARE_CHAINCODE, benchTopology, freePortBase, withPeer } from './bench-ports.js';
import { type BenchProcesses, benchProcesses, ledgerPlan } from './bench-processes.js';
import type { Figure } from './figure.js';
import { measureBatchCpu } from './figures/batch-cpu.js';
import { measureChaincodeCpu } from './figures/chaincode-cpu.js';
import { measureCommitLatency } from './figures/commit-latency.js';
import { measureDecision } from './figures/decision.js';
import { measureGatewayCpu } from './figures/gateway-cpu.js';
import { measureLedgerMemory } from './figures/ledger-memory.js';
import { type FreshLedger, measureLedger } from './figures/ledger-own.js';
import { checkShareLine, measureNonce } from './figures/nonce.js';
import { measureReaders, READERS } from './figures/readers.js';
import { measureSaturatedRate, patientsNeeded, rateLines } from './figures/saturated-rate.js';
import { peerEndpoint } from './peer-endpoint.js';
import { compareBoots, compareRates } from './figures/two-ledgers.js';

/**
 * `ledger` and `memory` are the embedded one by itself and `ledgers` needs real Fabric, whatever the ledger is;
 * `chaincode`, `gateway`, `decision` and `nonce` need no ledger.
 */
export const FIGURES = [
  'latency',
  'chaincode',
  'gateway',
  'batch',
  'decision',
  'readers',
  'nonce',
  'rate',
  'ledger',
  'memory',
  'ledgers',
] as const;
export type FigureName = (typeof FIGURES)[number];

/** What is measured where nothing was asked for. */
export const USUAL_FIGURES: Readonly<Record<LedgerKind, readonly FigureName[]>> = {
  devledger: ['latency', 'chaincode', 'gateway', 'batch', 'decision', 'readers', 'nonce'],
  fabric: ['latency', 'rate', 'ledgers'],
};

export interface BenchOptions {
  readonly projectDir: string;
  readonly rounds: number;
  readonly only: readonly FigureName[];
  readonly ledger: LedgerChoice;
  readonly say: (line: string) => void;
  readonly onFigure: (figure: Figure) => void;
  /** Ends the run's processes early. */
  readonly signal: AbortSignal;
}

/** Figures for which a network is started that no other figure uses. */
const OF_THEIR_OWN: readonly FigureName[] = ['ledger', 'memory', 'ledgers'];
const PATIENTS = 16;

/**
 * Measures the figures that were asked for, one after the other, on ports and in a folder of its own, and leaves
 * nothing behind.
 *
 * @throws BenchFailure when an answer was wrong
 */
export async function runBench(options: BenchOptions): Promise<void> {
  const { only, ledger } = options;
  const isOnLedger = only.some((name) => !OF_THEIR_OWN.includes(name));
  const patients = only.includes('rate') ? patientsNeeded(options.rounds) : PATIENTS;
  if (isOnLedger) await withBenchPlace({ ...options, patients }, (run) => measure(options, run));
  if (only.includes('ledger')) await measureEmbedded(options);
  if (only.includes('memory')) await measureMemory(options);
  if (!only.includes('ledgers')) return;
  if (ledger.kind !== 'fabric')
    throw new BenchFailure('The figure ledgers compares with real Fabric: add --ledger fabric.');
  await measureBoots(options, ledger);
  await measureTwo(options, ledger);
}

interface Run {
  readonly place: BenchPlace;
  readonly processes: BenchProcesses;
  readonly members: BenchMembers;
}

type PlaceOptions = Pick<BenchOptions, 'projectDir' | 'ledger' | 'signal'> & { readonly patients: number };

async function withBenchPlace<T>(
  { projectDir, ledger, signal, patients }: PlaceOptions,
  action: (run: Run) => Promise<T>,
): Promise<T> {
  const dataDir = await mkdtemp(join(tmpdir(), 'medledger-bench-'));
  const portBase = await freePortBase();
  const place = { projectDir, dataDir, portBase, ledger, topology: benchTopology(portBase) };
  const processes = benchProcesses(place);
  const stopEarly = () => void processes.stopAll();
  signal.addEventListener('abort', stopEarly, { once: true });
  try {
    await ensureIdentities(place.topology, dataDir);
    return await action({ place, processes, members: await makeMembers(place, patients) });
  } finally {
    signal.removeEventListener('abort', stopEarly);
    await processes.stopAll();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function measureEmbedded(options: BenchOptions): Promise<void> {
  await withFreshLedger(options, async (fresh) => {
    for (const line of await measureLedger(fresh, options.rounds)) options.say(line);
  });
}

async function measureMemory(options: BenchOptions): Promise<void> {
  await withFreshLedger(options, async (fresh) => {
    options.onFigure(await measureLedgerMemory(fresh));
  });
}

/** The embedded ledger with nothing but the baseline's chaincode. */
async function withFreshLedger(options: BenchOptions, action: (fresh: FreshLedger) => Promise<void>): Promise<void> {
  await withBenchPlace({ ...options, ledger: DEVLEDGER, patients: 0 }, async ({ place, processes, members }) => {
    const { topology, dataDir } = place;
    const [home] = withPeer(topology);
    if (home === undefined) throw new Error('invariant failed: a topology has peers');
    await startBareChaincodes(place, processes);
    const startedMs = performance.now();
    const ledgerPid = await processes.start(ledgerPlan(place));
    const readyMs = performance.now() - startedMs;
    const endpoint = peerEndpoint(place, home);
    const bare = openBareClient({
      ...endpoint,
      ...members.admin,
      channel: topology.channel,
      chaincode: BARE_CHAINCODE,
    });
    await action({ bare, ledgerPid, dataDir, batchTimeoutMs: topology.batch.timeoutMs, readyMs });
    bare.close();
  });
}

async function measureBoots(options: BenchOptions, fabric: LedgerChoice): Promise<void> {
  const boot = (ledger: LedgerChoice) => () =>
    withBenchPlace({ ...options, ledger, patients: 0 }, async ({ place, processes }) => {
      const startedMs = performance.now();
      await startBenchLedger(place, processes);
      await untilServing(place.topology, place.dataDir);
      return performance.now() - startedMs;
    });
  options.onFigure(await compareBoots({ embedded: boot(DEVLEDGER), fabric: boot(fabric) }, options.rounds));
}

async function measureTwo(options: BenchOptions, fabric: LedgerChoice): Promise<void> {
  const onLedger = { ...options, patients: patientsNeeded(options.rounds) };
  await withBenchPlace({ ...onLedger, ledger: DEVLEDGER }, (ours) =>
    withBenchPlace({ ...onLedger, ledger: fabric }, async (theirs) => {
      const [embedded, real] = [await started(ours), await started(theirs)];
      const { figure, embeddedAdded, fabricAdded } = await compareRates({ embedded, fabric: real }, options.rounds);
      options.onFigure(figure);
      await requireAdded(embedded.network, ours, embeddedAdded);
      await requireAdded(real.network, theirs, fabricAdded);
      await embedded.network.stop();
      await real.network.stop();
    }),
  );
}

async function started({ place, processes, members }: Run) {
  return { network: await startBenchNetwork(place, processes, members), patients: members.patients };
}

async function measure(options: BenchOptions, run: Run): Promise<void> {
  const { only, rounds, onFigure } = options;
  const wants = (name: FigureName) => only.includes(name);
  if (wants('latency') || wants('batch') || wants('rate')) await measureOnLedger(options, run);
  if (wants('gateway')) {
    const [patient] = run.members.patients;
    if (patient !== undefined) onFigure(await measureGatewayCpu(run.place, run.processes, { patient, rounds }));
  }
  const addCpuUs = wants('chaincode') ? await measureChaincode(options, run) : undefined;
  if (wants('decision')) onFigure(await measureDecision(run.place, run.processes, { ...run, rounds }));
  if (wants('readers')) onFigure(await measureOnePatient(options, run));
  if (wants('nonce')) await measureSolving(options, addCpuUs);
}

async function measureChaincode({ rounds, onFigure }: BenchOptions, run: Run): Promise<number | undefined> {
  const { figures, addCpuUs } = await measureChaincodeCpu(run.place, run.processes, { ...run, rounds });
  for (const figure of figures) onFigure(figure);
  return addCpuUs;
}

async function measureSolving({ rounds, onFigure, say }: BenchOptions, addCpuUs: number | undefined): Promise<void> {
  onFigure(await measureNonce({ rounds }));
  if (addCpuUs !== undefined) say(checkShareLine(addCpuUs));
}

/** On a ledger of its own: it takes more patients than the others. */
async function measureOnePatient({ rounds }: BenchOptions, { place, processes }: Run): Promise<Figure> {
  const dataDir = await mkdtemp(join(place.dataDir, 'readers-'));
  const own = { ...place, dataDir };
  await ensureIdentities(own.topology, dataDir);
  const members = await makeMembers(own, READERS + 1);
  const network = await startBenchNetwork(own, processes, members);
  const figure = await measureReaders(network, { patients: members.patients, rounds });
  await network.stop();
  return figure;
}

async function measureOnLedger(options: BenchOptions, { place, processes, members }: Run): Promise<void> {
  const patients = members.patients.slice(0, PATIENTS);
  const network = await startBenchNetwork(place, processes, members);
  const expected: Expected = new Map(members.patients.map(({ patientId }) => [patientId, { entries: 1, records: 0 }]));
  await measureTransactions(options, { network, place, patients, expected });
  if (options.only.includes('rate')) {
    const rate = await measureSaturatedRate(network, { patients: members.patients, rounds: options.rounds });
    for (const line of rateLines(rate)) options.say(line);
    for (const [{ patientId }, added] of rate.addedOf) expectMore(expected, patientId, added, added);
  }
  await requireComplete(network, place, patients, expected);
  await network.stop();
}

async function measureTransactions(
  { only, rounds, onFigure }: BenchOptions,
  on: {
    readonly network: BenchNetwork;
    readonly place: BenchPlace;
    readonly patients: readonly BenchPatient[];
    readonly expected: Expected;
  },
): Promise<void> {
  const { network, place, patients, expected } = on;
  if (only.includes('latency')) {
    const batchTimeoutMs = place.topology.batch.timeoutMs;
    const { figure, addedOf } = await measureCommitLatency(network, { patients, rounds, batchTimeoutMs });
    onFigure(figure);
    for (const [{ patientId }, added] of addedOf) expectMore(expected, patientId, added, added);
  }
  if (only.includes('batch')) {
    const { figure, addedPerPatient } = await measureBatchCpu(network, { patients, rounds });
    onFigure(figure);
    const { transactions, records } = addedPerPatient;
    for (const { patientId } of patients) expectMore(expected, patientId, transactions, records);
  }
}

type Expected = Map<BenchPatient['patientId'], { readonly entries: number; readonly records: number }>;

function expectMore(
  expected: Expected,
  patientId: BenchPatient['patientId'],
  transactions: number,
  records: number,
): void {
  const before = expected.get(patientId) ?? { entries: 1, records: 0 };
  expected.set(patientId, { entries: before.entries + transactions, records: before.records + records });
}

/** Of some of the patients: each has its lane walked on every peer. */
async function requireAdded(
  network: BenchNetwork,
  { place, members }: Run,
  addedOf: ReadonlyMap<BenchPatient, number>,
): Promise<void> {
  const patients = members.patients.slice(0, PATIENTS);
  const expected: Expected = new Map();
  for (const patient of patients) {
    const added = addedOf.get(patient) ?? 0;
    expected.set(patient.patientId, { entries: 1 + added, records: added });
  }
  await requireComplete(network, place, patients, expected);
}
