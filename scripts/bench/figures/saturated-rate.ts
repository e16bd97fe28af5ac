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
/** Another step is tried as long as the last one brought this much. */
const RISE_MIN = 1.05;

/** What a ledger does in a closed loop: every client sends its next transaction when it has the answer to the last. */
export interface SaturatedRate {
  /** Where more clients brought no more. */
  readonly clients: number;
  /** records:add a second, by round. */
  readonly rounds: readonly number[];
  /** CPU time for each transaction in microseconds, by process, of all rounds together. */
  readonly cpuUsByProcess: Readonly<Record<string, number>>;
  /** How many records were added for each patient. */
  readonly addedOf: ReadonlyMap<BenchPatient, number>;
}

/** A loop of clients at one ledger, with what it has added so far. */
export class ClosedLoop {
  readonly #network: BenchNetwork;
  readonly #patients: readonly BenchPatient[];
  readonly addedOf = new Map<BenchPatient, number>();

  /** @param patients - one is one client, with a lane of its own */
  constructor(network: BenchNetwork, patients: readonly BenchPatient[]) {
    this.#network = network;
    this.#patients = patients;
  }

  /** @returns records:add a second */
  async rate(clients: number): Promise<number> {
    const active = this.#patients.slice(0, clients);
    const startedMs = performance.now();
    await Promise.all(
      active.map((patient) => keepInFlight({ count: PER_CLIENT, inFlight: 1 }, () => this.#add(patient))),
    );
    return (active.length * PER_CLIENT * 1000) / (performance.now() - startedMs);
  }

  /** Doubles the clients until the rate stops rising. @returns how many clients the best rate had */
  async saturation(): Promise<number> {
    await this.rate(CLIENTS_FIRST);
    let best = { clients: CLIENTS_FIRST, rate: await this.rate(CLIENTS_FIRST) };
    for (let clients = CLIENTS_FIRST * 2; clients <= this.#patients.length; clients *= 2) {
      const rate = await this.rate(clients);
      if (rate < best.rate * RISE_MIN) return rate > best.rate ? clients : best.clients;
      best = { clients, rate };
    }
    return best.clients;
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
  const before = cpuByProcess(network);
  const rounds: number[] = [];
  for (let round = 0; round < options.rounds; round += 1) rounds.push(await loop.rate(clients));
  const after = cpuByProcess(network);
  const transactions = options.rounds * clients * PER_CLIENT;
  const cpuUsByProcess = Object.fromEntries(
    [...after].map(([name, ms]) => [name, ((ms - (before.get(name) ?? 0)) * 1000) / transactions]),
  );
  return { clients, rounds, cpuUsByProcess, addedOf: loop.addedOf };
}

/** As lines for people. */
export function rateLines({ clients, rounds, cpuUsByProcess }: SaturatedRate): readonly string[] {
  const shown = Object.entries(cpuUsByProcess).map(([name, us]) => `${name} ${Math.round(us)}`);
  const sum = Object.values(cpuUsByProcess).reduce((total, us) => total + us, 0);
  return [
    `saturated rate, records:add in a closed loop: ${median(rounds).toFixed(0)} a second with ${clients} clients, spread ${(spread(rounds) * 100).toFixed(0)} %`,
    `  CPU of each in µs: ${shown.join(', ')}; together ${Math.round(sum)}`,
  ];
}

/** In milliseconds so far. This process is the gateway's part: lanes, nonces, the ledger's client. */
function cpuByProcess({ pids }: BenchNetwork): ReadonlyMap<string, number> {
  const named = Object.entries(pids.ledger).map(([name, pid]) => [name, cpuMsOf([pid])] as const);
  return new Map([...named, ['chaincode', cpuMsOf(pids.chaincode)], ['client', ownCpuMs()]]);
}
