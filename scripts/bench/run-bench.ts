import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureIdentities } from '../../network/identities/index.js';
import { localTopology } from '../../network/topology.js';
import type { BenchMembers } from './bench-members.js';
import { makeMembers } from './bench-members.js';
import { requireComplete, startBenchNetwork } from './bench-network.js';
import type { BenchPlace } from './bench-place.js';
import { freePortBase } from './bench-ports.js';
import { type BenchProcesses, benchProcesses } from './bench-processes.js';
import type { Figure } from './figure.js';
import { measureBatchCpu } from './figures/batch-cpu.js';
import { measureChaincodeCpu } from './figures/chaincode-cpu.js';
import { measureCommitLatency } from './figures/commit-latency.js';
import { measureDecision } from './figures/decision.js';
import { measureGatewayCpu } from './figures/gateway-cpu.js';
import { checkShareLine, measureNonce } from './figures/nonce.js';
import { measureReaders, READERS } from './figures/readers.js';

export const FIGURES = ['latency', 'chaincode', 'gateway', 'batch', 'decision', 'readers', 'nonce'] as const;
export type FigureName = (typeof FIGURES)[number];

export interface BenchOptions {
  readonly projectDir: string;
  readonly rounds: number;
  readonly only: readonly FigureName[];
  readonly say: (line: string) => void;
  readonly onFigure: (figure: Figure) => void;
  /** Ends the run's processes early. */
  readonly signal: AbortSignal;
}

const PATIENTS = 16;

/**
 * Measures the figures that were asked for, one after the other, on ports and in a folder of its own, and leaves
 * nothing behind.
 *
 * @throws BenchFailure when an answer was wrong
 */
export async function runBench(options: BenchOptions): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'medledger-bench-'));
  const portBase = await freePortBase();
  const place = { projectDir: options.projectDir, dataDir, portBase, topology: localTopology(portBase) };
  const processes = benchProcesses(place);
  const stopEarly = () => void processes.stopAll();
  options.signal.addEventListener('abort', stopEarly, { once: true });
  try {
    await ensureIdentities(place.topology, dataDir);
    await measure(options, { place, processes, members: await makeMembers(place, PATIENTS) });
  } finally {
    options.signal.removeEventListener('abort', stopEarly);
    await processes.stopAll();
    await rm(dataDir, { recursive: true, force: true });
  }
}

interface Run {
  readonly place: BenchPlace;
  readonly processes: BenchProcesses;
  readonly members: BenchMembers;
}

async function measure(options: BenchOptions, run: Run): Promise<void> {
  const { only, rounds, onFigure } = options;
  const wants = (name: FigureName) => only.includes(name);
  if (wants('latency') || wants('batch')) await measureOnLedger(options, run);
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
  const { only, rounds, onFigure } = options;
  const { patients } = members;
  const network = await startBenchNetwork(place, processes, members);
  const expected = new Map(patients.map(({ patientId }) => [patientId, { entries: 1, records: 0 }]));
  const expectMore = (patientId: (typeof patients)[number]['patientId'], transactions: number, records: number) => {
    const before = expected.get(patientId) ?? { entries: 1, records: 0 };
    expected.set(patientId, { entries: before.entries + transactions, records: before.records + records });
  };
  if (only.includes('latency')) {
    const batchTimeoutMs = place.topology.batch.timeoutMs;
    const { figure, addedOf } = await measureCommitLatency(network, { patients, rounds, batchTimeoutMs });
    onFigure(figure);
    for (const [{ patientId }, added] of addedOf) expectMore(patientId, added, added);
  }
  if (only.includes('batch')) {
    const { figure, addedPerPatient } = await measureBatchCpu(network, { patients, rounds });
    onFigure(figure);
    const { transactions, records } = addedPerPatient;
    for (const { patientId } of patients) expectMore(patientId, transactions, records);
  }
  await requireComplete(network, place, patients, expected);
  await network.stop();
}
