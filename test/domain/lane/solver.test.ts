import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { entryHash, hexToBytes, meetsDifficulty, solve } from '@medledger/chaincode/domain';
import fc from 'fast-check';

const headerHashes = fc.uint8Array({ minLength: 32, maxLength: 32 });
const startNonces = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

function nonceAt(start: bigint, offset: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt.asUintN(64, start + BigInt(offset)));
  return bytes;
}

function firstSolutionByBruteForce(input: { headerHash: Uint8Array; start: bigint; difficulty: number; max: number }) {
  for (let offset = 0; offset < input.max; offset++) {
    const nonce = nonceAt(input.start, offset);
    const hash = createHash('sha256').update('medl/e/1').update(input.headerHash).update(nonce).digest('hex');
    if (BigInt(`0x${hash}`) * BigInt(input.difficulty) < 2n ** 256n)
      return { nonceHex: nonce.toString('hex'), attempts: offset + 1 };
  }
  return undefined;
}

describe('solve', () => {
  it('finds the first nonce that node:crypto finds, whatever header and start', () => {
    fc.assert(
      fc.property(headerHashes, startNonces, fc.integer({ min: 1, max: 64 }), (headerHash, start, difficulty) => {
        const found = solve({ headerHash, difficulty, startNonce: start, attemptsMax: 60 });
        expect(found).toEqual(firstSolutionByBruteForce({ headerHash, start, difficulty, max: 60 }));
      }),
      { numRuns: 300 },
    );
  });

  it('solves real difficulties so that the chain accepts them', () => {
    fc.assert(
      fc.property(
        headerHashes,
        startNonces,
        fc.integer({ min: 256, max: 8192 }),
        (headerHash, startNonce, difficulty) => {
          const found = solve({ headerHash, difficulty, startNonce, attemptsMax: 2 ** 18 });
          const hash = entryHash(headerHash, hexToBytes(found?.nonceHex ?? ''));
          expect(meetsDifficulty(hash, difficulty)).toBe(true);
        },
      ),
      { numRuns: 50 },
    );
  });

  it.each([
    { name: 'over the end of the low word', start: 2n ** 32n - 3n },
    { name: 'over a sign change of the low word', start: 2n ** 31n - 3n },
    { name: 'over the end of all nonces', start: 2n ** 64n - 3n },
  ])('goes on $name', ({ start }) => {
    // A target that only a few of the nonces after the crossing meet, so that the search has to cross.
    const headerHash = new Uint8Array(32).fill(7);
    for (const difficulty of [2, 8, 16, 64]) {
      const expected = firstSolutionByBruteForce({ headerHash, start, difficulty, max: 1000 });
      expect(solve({ headerHash, difficulty, startNonce: start, attemptsMax: 1000 })).toEqual(expected);
    }
  });

  it('takes the start as a number too, and starts at zero without one', () => {
    const headerHash = new Uint8Array(32).fill(9);
    const atZero = solve({ headerHash, difficulty: 64, attemptsMax: 10_000 });
    expect(atZero).toEqual(firstSolutionByBruteForce({ headerHash, start: 0n, difficulty: 64, max: 10_000 }));
    expect(solve({ headerHash, difficulty: 64, startNonce: 0, attemptsMax: 10_000 })).toEqual(atZero);
  });

  it('stops at its bound, and one attempt more finds what lies there', () => {
    const headerHash = new Uint8Array(32).fill(2);
    const attempts = solve({ headerHash, difficulty: 500, attemptsMax: 100_000 })?.attempts ?? 0;
    expect(attempts).toBeGreaterThan(1);
    expect(solve({ headerHash, difficulty: 500, attemptsMax: attempts - 1 })).toBeUndefined();
    expect(solve({ headerHash, difficulty: 500, startNonce: attempts - 1, attemptsMax: 1 })?.attempts).toBe(1);
    expect(solve({ headerHash, difficulty: 1, attemptsMax: 0 })).toBeUndefined();
  });

  it('fails on a header hash of another length', () => {
    expect(() => solve({ headerHash: new Uint8Array(31), difficulty: 1, attemptsMax: 1 })).toThrow('32 bytes');
  });
});
