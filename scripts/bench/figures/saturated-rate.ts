import { limits } from '@medledger/chaincode/domain';
import type { BenchPatient } from '../bench-members.js';
import type { BenchNetwork } from '../bench-network.js';
import { requireThat } from '../bench-failure.js';
import { keepInFlight } from '../figure.js';
import { cpuMsOf, ownCpuMs } from '../process-cpu.js';
import { oneRecord } from '../sample-records.js';
import { median, spread } from '../statistics.js';

/** How many transactions each client makes in one measurement. */
const PER_CLIENT = 24;
const CLIENTS_FIRST = 8;
/** As many clients as the loop may grow to. */
export const CLIENTS_MAX = 128;
/** Another step is tried as long as the last one brought this much. */
const RISE_MIN = 1.05;
/** So that no lane is written to its first change of difficulty. */
const ROUNDS_PER_PATIENT = 2;
/** All steps of the way to the most clients, the first one twice, in rounds of CLIENTS_MAX clients. */
const ROUNDS_OF_SATURATION = 2;

/** What a ledger does in a closed loop: every client sends its next transaction when it has the answer to the last. */
export interface SaturatedRate {
  /** Where more clients brought no more. */
  readonly clients: number;
  /** records:add a second, by round. */
  readonly rounds: readonly number[];
  /** CPU time for each transaction in microseconds, by process, of all rounds together. */
  readonly cpuUsByProcess: CpuByProcess;
  /** How many cores the processes kept busy. */
  readonly busyCores: number;
  /** How many records were added for each patient. */
  readonly addedOf: ReadonlyMap<BenchPatient, number>;
}

export type CpuByProcess = Readonly<Record<string, number>>;

/** How many patients a loop needs for so many rounds. */
export function patientsNeeded(rounds: number): number {
  return Math.ceil((CLIENTS_MAX * (ROUNDS_OF_SATURATION + rounds)) / ROUNDS_PER_PATIENT);
}

/**
 * A loop of clients at one ledger, with what it has added so far. Every round takes the patients with the fewest
 * entries: a lane that is written a hundred times in a minute asks for nonces that take longer than all else, so that
 * what is measured would be the solver.
 */
export class ClosedLoop {
  readonly #network: BenchNetwork;
  readonly #patients: readonly BenchPatient[];
  readonly addedOf = new Map<BenchPatient, number>();
  #cpuMs: Record<string, number> = {};
  #elapsedMs = 0;
  #counted = 0;

  /** @param patients - as many as `patientsNeeded` */
  constructor(network: BenchNetwork, patients: readonly BenchPatient[]) {
    this.#network = network;
    this.#patients = patients;
  }

  /** @returns records:add a second */
  async rate(clients: number): Promise<number> {
    const active = this.#leastUsed(clients);
    const before = cpuByProcess(this.#network);
    const startedMs = performance.now();
    await Promise.all(
      active.map((patient) => keepInFlight({ count: PER_CLIENT, inFlight: 1 }, () => this.#add(patient))),
    );
    const elapsedMs = performance.now() - startedMs;
    this.#count(active.length * PER_CLIENT, elapsedMs, before);
    return (active.length * PER_CLIENT * 1000) / elapsedMs;
  }

  /** Doubles the clients until the rate stops rising. @returns how many clients the best rate had */
  async saturation(): Promise<number> {
    await this.rate(CLIENTS_FIRST);
    let best = { clients: CLIENTS_FIRST, rate: await this.rate(CLIENTS_FIRST) };
    for (let clients = CLIENTS_FIRST * 2; clients <= CLIENTS_MAX; clients *= 2) {
      const rate = await this.rate(clients);
      if (rate < best.rate * RISE_MIN) return rate > best.rate ? clients : best.clients;
      best = { clients, rate };
    }
    return best.clients;
  }

  /** What was counted so far belongs to no figure. */
  forgetCpu(): void {
    this.#cpuMs = {};
    this.#elapsedMs = 0;
    this.#counted = 0;
  }

  /** CPU of each transaction since `forgetCpu`, and how many cores were busy with them. */
  cpu(): Pick<SaturatedRate, 'cpuUsByProcess' | 'busyCores'> {
    const total = Object.values(this.#cpuMs).reduce((sum, ms) => sum + ms, 0);
    const each = Object.entries(this.#cpuMs).map(([name, ms]) => [name, (ms * 1000) / this.#counted] as const);
    return { cpuUsByProcess: Object.fromEntries(each), busyCores: total / this.#elapsedMs };
  }

  #leastUsed(clients: number): readonly BenchPatient[] {
    const added = (patient: BenchPatient) => this.addedOf.get(patient) ?? 0;
    const active = this.#patients.toSorted((left, right) => added(left) - added(right)).slice(0, clients);
    const fits = active.every((patient) => added(patient) + PER_CLIENT + 1 < limits.RETARGET_ENTRIES);
    requireThat(fits && active.length === clients, 'there are too few patients for so many rounds');
    return active;
  }

  #count(transactions: number, elapsedMs: number, before: ReadonlyMap<string, number>): void {
    this.#counted += transactions;
    this.#elapsedMs += elapsedMs;
    for (const [name, ms] of cpuByProcess(this.#network)) {
      this.#cpuMs[name] = (this.#cpuMs[name] ?? 0) + ms - (before.get(name) ?? 0);
    }
  }

  async #add(patient: BenchPatient): Promise<void> {
    const { identity, patientId } = patient;
    const business = await oneRecord(patient);
    const { answer } = await this.#network.chain.transact({ identity, name: 'records:add', patientId, business });
    requireThat(answer.outcome.outcome === 'permit', 'a records:add was not permitted');
    this.addedOf.set(patient, (this.addedOf.get(patient) ?? 0) + 1);
  }
}

/** The saturated rate of one ledger, and where its CPU time goes. */
export async function measureSaturatedRate(
  network: BenchNetwork,
  options: { readonly patients: readonly BenchPatient[]; readonly rounds: number },
): Promise<SaturatedRate> {
  const loop = new ClosedLoop(network, options.patients);
  const clients = await loop.saturation();
  loop.forgetCpu();
  const rounds: number[] = [];
  for (let round = 0; round < options.rounds; round += 1) rounds.push(await loop.rate(clients));
  return { clients, rounds, ...loop.cpu(), addedOf: loop.addedOf };
}

/** As lines for people. */
export function rateLines({ clients, rounds, ...cpu }: SaturatedRate): readonly string[] {
  return [
    `saturated rate, records:add in a closed loop: ${median(rounds).toFixed(0)} a second with ${clients} clients, spread ${(spread(rounds) * 100).toFixed(0)} %`,
    `  ${cpuLine(cpu)}`,
  ];
}

export function cpuLine({ cpuUsByProcess, busyCores }: Pick<SaturatedRate, 'cpuUsByProcess' | 'busyCores'>): string {
  const shown = Object.entries(cpuUsByProcess).map(([name, us]) => `${name} ${Math.round(us)}`);
  const sum = Object.values(cpuUsByProcess).reduce((total, us) => total + us, 0);
  return `CPU of each in µs: ${shown.join(', ')}; together ${Math.round(sum)}, ${busyCores.toFixed(2)} cores busy`;
}

/** In milliseconds so far. This process is the gateway's part: lanes, nonces, the ledger's client. */
function cpuByProcess({ pids }: BenchNetwork): ReadonlyMap<string, number> {
  const named = Object.entries(pids.ledger).map(([name, pid]) => [name, cpuMsOf([pid])] as const);
  return new Map([...named, ['chaincode', cpuMsOf(pids.chaincode)], ['client', ownCpuMs()]]);
}
