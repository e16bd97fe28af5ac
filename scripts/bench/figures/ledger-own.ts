import { existsSync, readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import type { BareClient } from '../baseline/bare-gateway-client.js';
import { requireThat } from '../bench-failure.js';
import { profileFile } from '../bench-place.js';
import { selfTimes } from '../cpu-profile.js';
import { keepInFlight } from '../figure.js';
import { cpuMsOf } from '../process-cpu.js';
import { median, spread } from '../statistics.js';

const CPU_TARGET_MS = 1.5;
const FIRST_COMMIT_TARGET_MS = 1_500;
const LATENCY_TARGET_MS = 6;
const CLIENTS = 64;
const PER_ROUND = 2_000;
const WARM_UP = 3_000;
const ONE_BY_ONE = 32;
const PROFILED = 2_000;
const PROFILE_MS = 20_000;
const POLL_MS = 20;
const SERVED_MS = 30_000;
const PLACES_SHOWN = 12;

/** The embedded ledger just after it said that it is ready. */
export interface FreshLedger {
  readonly bare: BareClient;
  readonly ledgerPid: number;
  readonly dataDir: string;
  readonly batchTimeoutMs: number;
  /** How long its process took until it was ready. */
  readonly readyMs: number;
}

/** What the ledger costs by itself: a transaction that reads one key and writes none, endorsed by two of three peers. */
export async function measureLedger(ledger: FreshLedger, rounds: number): Promise<readonly string[]> {
  const firstMs = await firstCommit(ledger.bare);
  await load(ledger, WARM_UP);
  const cpuMs: number[] = [];
  const latencyMs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    cpuMs.push(await cpuPerSubmit(ledger));
    latencyMs.push((await oneByOne(ledger)) - ledger.batchTimeoutMs);
  }
  const profile = await profiled(ledger);
  return [
    `embedded ledger by itself, ${rounds} rounds; load average now ${loadavg()[0]?.toFixed(1)}`,
    line(`CPU of its process for each no-op submit, ${CLIENTS} at once`, cpuMs, 'ms', CPU_TARGET_MS),
    line(`submit p50 above the block timeout of ${ledger.batchTimeoutMs} ms`, latencyMs, 'ms', LATENCY_TARGET_MS),
    line(
      `first commit after it was ready (ready in ${ledger.readyMs.toFixed(0)} ms)`,
      [firstMs],
      'ms',
      FIRST_COMMIT_TARGET_MS,
    ),
    ...profile,
  ];
}

function line(title: string, values: readonly number[], unit: string, target: number): string {
  const value = median(values);
  const verdict = value <= target ? 'PASS' : 'MISS';
  const around = `spread ${(spread(values) * 100).toFixed(0)} %`;
  return `  ${title}: ${value.toPrecision(3)} ${unit}, target ≤ ${target}  ${verdict}, ${around}`;
}

/**
 * Peers that have just started may still be connecting to their chaincode.
 *
 * @returns milliseconds until the first transaction was committed
 */
export async function firstCommit(bare: BareClient): Promise<number> {
  const startedMs = performance.now();
  for (;;) {
    try {
      await bare.submit('put', 'first', 'commit');
      return performance.now() - startedMs;
    } catch (error) {
      if (performance.now() - startedMs > SERVED_MS) throw error;
      await wait(POLL_MS);
    }
  }
}

function load({ bare }: FreshLedger, count: number): Promise<void> {
  return keepInFlight({ count, inFlight: CLIENTS }, () => bare.submit('get', 'first'));
}

async function cpuPerSubmit(ledger: FreshLedger): Promise<number> {
  const beforeMs = cpuMsOf([ledger.ledgerPid]);
  await load(ledger, PER_ROUND);
  return (cpuMsOf([ledger.ledgerPid]) - beforeMs) / PER_ROUND;
}

async function oneByOne({ bare }: FreshLedger): Promise<number> {
  const durationsMs: number[] = [];
  for (let index = 0; index < ONE_BY_ONE; index += 1) {
    const startedMs = performance.now();
    await bare.submit('get', 'first');
    durationsMs.push(performance.now() - startedMs);
  }
  return median(durationsMs);
}

/** Beside the rounds, as it costs time itself. */
async function profiled(ledger: FreshLedger): Promise<readonly string[]> {
  const file = profileFile(ledger.dataDir);
  process.kill(ledger.ledgerPid, 'SIGUSR2');
  await load(ledger, PROFILED);
  process.kill(ledger.ledgerPid, 'SIGUSR2');
  for (const untilMs = Date.now() + PROFILE_MS; !existsSync(file); await wait(POLL_MS)) {
    requireThat(Date.now() < untilMs, 'the ledger made no profile');
  }
  const { places, packages } = selfTimes(readFileSync(file, 'utf8'));
  const shown = (all: typeof places) =>
    all.slice(0, PLACES_SHOWN).map(({ name, share }) => `${(share * 100).toFixed(1)} % ${name}`);
  return [
    '  where its main thread spends its time, by package:',
    ...shown(packages).map((text) => `    ${text}`),
    '  by function, itself alone:',
    ...shown(places).map((text) => `    ${text}`),
  ];
}
