import { createHash } from 'node:crypto';
import { entryHash, hexToBytes, meetsDifficulty, solve } from '@medledger/chaincode/domain';
import { tryNaively } from '../baseline/naive-solver.js';
import { requireThat } from '../bench-failure.js';
import { type Figure, figureOf, interleave } from '../figure.js';
import { ownCpuMs } from '../process-cpu.js';

const TARGET = 4;
const CHECK_SHARE_MAX = 0.01;
/** No nonce of a run is expected to meet it, so that every attempt is made: 2^52. */
const UNREACHABLE_DIFFICULTY = 2 ** 52;
const ATTEMPTS = 1_000_000;
const NAIVE_ATTEMPTS = 200_000;
const CHECKS = 20_000;
const CHECK_DIFFICULTY = 2 ** 12;
/** As long as a lane header's text. */
const NAIVE_HEADER = { patientId: 'p-'.padEnd(42, '0'), businessDigest: '0'.repeat(64), previous: '1'.repeat(64) };

/** Attempts per CPU second: the product's solver over the loop of the source papers. */
export async function measureNonce(options: { readonly rounds: number }): Promise<Figure> {
  solveInVain(0);
  tryNaively(NAIVE_HEADER, NAIVE_ATTEMPTS);
  requireSolves();
  let round = 0;
  const rounds = await interleave(options.rounds, {
    measured: async () => {
      round += 1;
      return perCpuSecond(ATTEMPTS, () => solveInVain(round));
    },
    baseline: async () => perCpuSecond(NAIVE_ATTEMPTS, () => tryNaively(NAIVE_HEADER, NAIVE_ATTEMPTS)),
  });
  return figureOf({
    title: 'nonce, solver / naive loop',
    unit: 'attempts per CPU second',
    target: { comparison: 'at least', value: TARGET },
    names: { measured: 'solver', baseline: 'naive loop' },
    rounds,
  });
}

/** @returns one line: how much of a transaction's chaincode CPU goes into checking its nonce */
export function checkShareLine(addCpuUs: number): string {
  const checkUs = checkCpuUs();
  const share = checkUs / addCpuUs;
  const verdict = share <= CHECK_SHARE_MAX ? 'PASS' : 'MISS';
  return (
    `nonce, check / chaincode CPU of records:add: ${(share * 100).toFixed(2)} %, target ≤ ` +
    `${CHECK_SHARE_MAX * 100} %  ${verdict} (${checkUs.toFixed(2)} of ${addCpuUs.toFixed(0)} µs)`
  );
}

function checkCpuUs(): number {
  const { headerHash, nonceHex } = solvedPuzzle(0);
  let met = 0;
  const check = () => {
    for (let index = 0; index < CHECKS; index += 1)
      if (meetsDifficulty(entryHash(headerHash, hexToBytes(nonceHex)), CHECK_DIFFICULTY)) met += 1;
  };
  check();
  const beforeMs = ownCpuMs();
  check();
  const checkUs = ((ownCpuMs() - beforeMs) * 1000) / CHECKS;
  requireThat(met === 2 * CHECKS, 'the check refuses a nonce that solves its header');
  return checkUs;
}

/** What is fast must also be right: OpenSSL's hash of every solution is below the target, and no earlier nonce's is. */
function requireSolves(): void {
  for (let seed = 0; seed < 8; seed += 1) {
    const { headerHash, nonceHex, attempts } = solvedPuzzle(seed);
    const found = BigInt(`0x${nonceHex}`);
    requireThat(found === BigInt(attempts - 1), 'the solver passed over nonces');
    for (let nonce = 0n; nonce <= found; nonce += 1n)
      requireThat(solves(headerHash, nonce) === (nonce === found), `nonce ${nonce} was taken for what it is not`);
  }
}

function solves(headerHash: Uint8Array, nonce: bigint): boolean {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(nonce);
  const hash = createHash('sha256').update('medl/e/1').update(headerHash).update(bytes).digest('hex');
  return BigInt(`0x${hash}`) < (1n << 256n) / BigInt(CHECK_DIFFICULTY);
}

function solvedPuzzle(seed: number): { headerHash: Uint8Array; nonceHex: string; attempts: number } {
  const headerHash = headerHashOf(seed);
  const solution = solve({ headerHash, difficulty: CHECK_DIFFICULTY, attemptsMax: CHECK_DIFFICULTY * 64 });
  requireThat(solution !== undefined, 'the solver found no nonce');
  return { headerHash, ...solution };
}

function solveInVain(seed: number): void {
  const solution = solve({
    headerHash: headerHashOf(seed),
    difficulty: UNREACHABLE_DIFFICULTY,
    attemptsMax: ATTEMPTS,
  });
  requireThat(solution === undefined, 'the solver claims a solution that nobody can have found');
}

function headerHashOf(seed: number): Uint8Array {
  return new Uint8Array(createHash('sha256').update(`header ${seed}`).digest());
}

function perCpuSecond(count: number, work: () => void): number {
  const beforeMs = ownCpuMs();
  work();
  return (count * 1000) / (ownCpuMs() - beforeMs);
}
