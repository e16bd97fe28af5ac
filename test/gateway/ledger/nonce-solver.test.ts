import { randomBytes } from 'node:crypto';
import { entryHash, hexToBytes, meetsDifficulty } from '@medledger/chaincode/domain';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createNonceSolver, type NonceSolver } from '../../../gateway/ledger/nonce-solver.js';

let solver: NonceSolver;
afterEach(() => solver.close());

describe('createNonceSolver', () => {
  it.each([
    { name: 'inline', difficulty: 2 ** 8 },
    { name: 'in a thread', difficulty: 2 ** 12 },
  ])('$name: nonces that meet the difficulty', async ({ difficulty }) => {
    solver = createNonceSolver({ threads: 2 });
    const hashes = Array.from({ length: 8 }, () => new Uint8Array(randomBytes(32)));
    const solved = await Promise.all(hashes.map((hash) => solver.solve(hash, difficulty)));
    for (const [index, { nonceHex }] of solved.entries()) {
      const hash = hashes[index] ?? new Uint8Array();
      expect(meetsDifficulty(entryHash(hash, hexToBytes(nonceHex)), difficulty)).toBe(true);
    }
  });

  it('leaves the event loop free', async () => {
    solver = createNonceSolver({ threads: 1 });
    await solver.solve(new Uint8Array(32), 2 ** 9);
    const hard = solver.solve(new Uint8Array(randomBytes(32)), 2 ** 20);
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    }, 1);
    const startedMs = performance.now();
    await hard;
    clearInterval(timer);
    const elapsedMs = performance.now() - startedMs;
    // Two cores shared by others: a tenth of the turns is enough to tell, where a blocked loop has none.
    expect(turns).toBeGreaterThanOrEqual(Math.floor(elapsedMs / 20));
  });

  it('refuses what does not fit into the queue, and what is left at the end', async () => {
    solver = createNonceSolver({ threads: 1, queuedMax: 1 });
    const hash = new Uint8Array(32);
    const running = solver.solve(hash, 2 ** 20);
    const queued = solver.solve(hash, 2 ** 20);
    const outcomes = Promise.allSettled([running, queued]);
    await expect(solver.solve(hash, 2 ** 20)).rejects.toMatchObject({ code: 'OVERLOADED' });
    await solver.close();
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await expect(solver.solve(hash, 2 ** 20)).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' });
  });
});
