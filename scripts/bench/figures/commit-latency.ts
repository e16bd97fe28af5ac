import type { BenchPatient } from '../bench-members.js';
import type { BenchNetwork } from '../bench-network.js';
import { requireThat } from '../bench-failure.js';
import { type Figure, figureOf, interleave, keepInFlight } from '../figure.js';
import { cpuMsOf, ownCpuMs } from '../process-cpu.js';
import { oneRecord } from '../sample-records.js';
import { median } from '../statistics.js';

const TARGET = 1.1;
const PER_ROUND = 16;
/** Many at once: processes that have just started would otherwise be measured while they are being compiled. */
const WARM_UP_EACH = 40;
const BARE_KEY = 'bench';
/** On Fabric a peer that lags endorses an older head now and then, and the same call is made again. */
const RETRIED_MAX = 0.02;

/**
 * Median time to commit of records:add, its head read and its nonce solved each time, over that of a put of one key by
 * a bare shim and a bare client on the same ledger. One at a time: what is left is BatchTimeout and the way there.
 */
export async function measureCommitLatency(
  network: BenchNetwork,
  options: { readonly patients: readonly BenchPatient[]; readonly rounds: number; readonly batchTimeoutMs: number },
): Promise<{ readonly figure: Figure; readonly addedOf: ReadonlyMap<BenchPatient, number> }> {
  const { patients } = options;
  const addedOf = new Map<BenchPatient, number>();
  const cpuMs = { add: 0, put: 0 };
  let adds = 0;
  let retries = 0;
  let puts = 0;
  const addFor = async (patient: BenchPatient) => {
    const { identity, patientId } = patient;
    // A chain that has seen nothing yet asks for the head.
    const chain = network.newChain();
    const business = await oneRecord(patient);
    const { answer } = await chain.transact({ identity, name: 'records:add', patientId, business });
    requireThat(answer.outcome.outcome === 'permit', 'a records:add was not permitted');
    retries += chain.metrics.retries;
    addedOf.set(patient, (addedOf.get(patient) ?? 0) + 1);
  };
  const add = async () => {
    const patient = patients[adds % patients.length];
    adds += 1;
    if (patient !== undefined) await addFor(patient);
  };
  const put = async () => {
    puts += 1;
    await network.bare.submit('put', BARE_KEY, String(puts));
  };
  const side = (kind: 'add' | 'put') => async () => {
    const { ledger, chaincode, bare } = network.pids;
    const pids = [...Object.values(ledger), ...chaincode, ...bare];
    const cpuNow = () => cpuMsOf(pids) + ownCpuMs();
    const beforeMs = cpuNow();
    const p50Ms = await p50Of(PER_ROUND, kind === 'add' ? add : put);
    cpuMs[kind] += cpuNow() - beforeMs;
    return p50Ms;
  };
  const warmUp = { count: patients.length * WARM_UP_EACH, inFlight: patients.length };
  await Promise.all(
    patients.map((patient) => keepInFlight({ count: WARM_UP_EACH, inFlight: 1 }, () => addFor(patient))),
  );
  await keepInFlight(warmUp, put);
  const rounds = await interleave(options.rounds, { measured: side('add'), baseline: side('put') });
  requireThat((await network.bare.evaluate('get', BARE_KEY)) === String(puts), 'the last put is not there');
  const all = [...addedOf.values()].reduce((sum, added) => sum + added, 0);
  requireThat(retries <= all * RETRIED_MAX, `${retries} of ${all} records:add were made again`);
  const addedMs = median(rounds.map(({ measured, baseline }) => measured - baseline));
  const count = options.rounds * PER_ROUND;
  const figure = figureOf({
    title: `commit, records:add / put of one key, BatchTimeout ${options.batchTimeoutMs} ms`,
    unit: 'ms p50',
    target: { comparison: 'at most', value: TARGET },
    names: { measured: 'records:add, head read and solving counted', baseline: 'put' },
    rounds,
    notes: [
      `added: ${addedMs.toFixed(1)} ms; CPU of all processes: ${(cpuMs.add / count).toFixed(2)} ms, put ${(cpuMs.put / count).toFixed(2)} ms`,
      `one at a time, ${PER_ROUND} a round; ${retries} of all ${all} were made again`,
    ],
  });
  return { figure, addedOf };
}

async function p50Of(count: number, work: () => Promise<void>): Promise<number> {
  const durationsMs: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const startedMs = performance.now();
    await work();
    durationsMs.push(performance.now() - startedMs);
  }
  return median(durationsMs);
}
