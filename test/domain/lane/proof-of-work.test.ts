import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import {
  bytesToHex,
  entryHash,
  isValidProof,
  meetsDifficulty,
  puzzleBytes,
  sha256Hex,
  targetOf,
  utf8ToBytes,
} from '@medledger/chaincode/domain';
import fc from 'fast-check';
import { sampleHeader, solvedNonce } from './sample-lane.js';
import { headerHash, hexToBytes } from '@medledger/chaincode/domain';

const toHex = (value: bigint): string => value.toString(16).padStart(64, '0');

describe('SHA-256', () => {
  // FIPS 180-4 example values (NIST CSRC, "SHA256.pdf").
  it.each([
    { message: 'abc', digest: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad' },
    {
      message: 'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
      digest: '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    },
    { message: '', digest: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' },
  ])('of "$message" is the one of FIPS 180-4', ({ message, digest }) => {
    expect(sha256Hex(utf8ToBytes(message))).toBe(digest);
  });
});

describe('entryHash', () => {
  it('is what node:crypto computes over tag, header hash and nonce', () => {
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
    fc.assert(
      fc.property(bytes(32), bytes(8), (hash, nonce) => {
        const expected = createHash('sha256').update('medl/e/1').update(hash).update(nonce).digest('hex');
        expect(entryHash(hash, nonce)).toBe(expected);
      }),
    );
  });

  it('is one block: its bytes leave room for exactly the padding of SHA-256', () => {
    const bytes = puzzleBytes(new Uint8Array(32));
    expect(bytes.length).toBeLessThanOrEqual(64 - 9);
    expect(sha256Hex(bytes)).toBe(entryHash(new Uint8Array(32), new Uint8Array(8)));
  });
});

describe('meetsDifficulty', () => {
  it.each([1, 2, 3, 256, 4096, 2 ** 20])('refuses a hash exactly at the target of difficulty %d', (difficulty) => {
    const target = 2n ** 256n / BigInt(difficulty);
    expect(targetOf(difficulty)).toBe(target);
    expect(meetsDifficulty(toHex(target - 1n), difficulty)).toBe(true);
    expect(meetsDifficulty(toHex(target).slice(-64), difficulty)).toBe(difficulty === 1);
    expect(meetsDifficulty('f'.repeat(64), difficulty)).toBe(difficulty === 1);
  });

  it('asks for leading zeros: twelve bits at difficulty 2^12', () => {
    expect(meetsDifficulty(`000f${'f'.repeat(60)}`, 4096)).toBe(true);
    expect(meetsDifficulty(`0010${'0'.repeat(60)}`, 4096)).toBe(false);
  });

  it('lets through about one hash in `difficulty`', () => {
    const difficulty = 16;
    const passed = Array.from({ length: 4096 }, (_, index) => sha256Hex(utf8ToBytes(`${index}`))).filter((hash) =>
      meetsDifficulty(hash, difficulty),
    );
    expect(passed.length).toBeGreaterThan(180);
    expect(passed.length).toBeLessThan(340);
  });
});

describe('isValidProof', () => {
  const header = sampleHeader();
  const nonce = hexToBytes(solvedNonce(header));
  const hash = headerHash(header);
  const proof = { headerHash: hash, nonce, entryHash: entryHash(hash, nonce), difficulty: header.difficulty };

  it('holds for a solved nonce', () => {
    expect(isValidProof(proof)).toBe(true);
  });

  it('fails for a hash that starts with zeros but is not the recomputed one', () => {
    expect(isValidProof({ ...proof, entryHash: '0'.repeat(64) })).toBe(false);
  });

  it('fails for the right hash of a nonce that solves nothing', () => {
    const lazy = new Uint8Array(8).fill(255);
    expect(meetsDifficulty(entryHash(hash, lazy), header.difficulty)).toBe(false);
    expect(isValidProof({ ...proof, nonce: lazy, entryHash: entryHash(hash, lazy) })).toBe(false);
  });

  it('fails when one bit of header hash or nonce is another', () => {
    fc.assert(
      fc.property(fc.nat({ max: 40 * 8 - 1 }), (bit) => {
        const bytes = new Uint8Array([...hash, ...nonce]);
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const flipped = { ...proof, headerHash: bytes.slice(0, 32), nonce: bytes.slice(32) };
        expect(bytesToHex(bytes)).not.toBe(bytesToHex(new Uint8Array([...hash, ...nonce])));
        expect(isValidProof(flipped)).toBe(false);
      }),
    );
  });
});
