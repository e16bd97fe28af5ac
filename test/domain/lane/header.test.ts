import { describe, expect, it } from '@jest/globals';
import {
  bytesToHex,
  headerBytes,
  headerHash,
  type LaneEntry,
  type LaneHeader,
  linkOf,
  type MemberId,
  sealEntry,
} from '@medledger/chaincode/domain';
import fc from 'fast-check';
import { sampleHeader } from './sample-lane.js';

const digests = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(bytesToHex);
const texts = fc.string({ unit: 'grapheme', maxLength: 20 });
const headers: fc.Arbitrary<LaneHeader> = fc.record({
  channel: texts,
  transaction: texts,
  businessDigest: digests,
  memberId: texts.map((text) => text as MemberId),
  keyHash: digests,
  patientId: texts.map((text) => text as MemberId),
  sequence: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  previous: digests,
  root: digests,
  difficulty: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
});
const fields = Object.keys(sampleHeader()) as (keyof LaneHeader)[];

describe('headerHash', () => {
  it('changes with every field', () => {
    fc.assert(
      fc.property(headers, headers, fc.constantFrom(...fields), (header, other, field) => {
        fc.pre(header[field] !== other[field]);
        const changed = { ...header, [field]: other[field] };
        expect(bytesToHex(headerHash(changed))).not.toBe(bytesToHex(headerHash(header)));
      }),
      { numRuns: 300 },
    );
  });

  it('tells headers apart whose fields read alike one after the other', () => {
    const left = sampleHeader({ channel: 'ab', transaction: 'c' });
    const right = sampleHeader({ channel: 'a', transaction: 'bc' });
    const swapped = sampleHeader({ memberId: 'p-1' as MemberId, patientId: 'doctor-a' as MemberId });
    expect(bytesToHex(headerBytes(left))).not.toBe(bytesToHex(headerBytes(right)));
    expect(bytesToHex(headerBytes(swapped))).not.toBe(bytesToHex(headerBytes(sampleHeader())));
  });

  it('is over bytes that no other header has', () => {
    fc.assert(
      fc.property(headers, headers, (left, right) => {
        const alike = fields.every((field) => left[field] === right[field]);
        expect(bytesToHex(headerBytes(left)) === bytesToHex(headerBytes(right))).toBe(alike);
      }),
    );
  });
});

describe('linkOf', () => {
  const sealed = sealEntry({
    header: sampleHeader(),
    nonce: '00'.repeat(8),
    outcome: '{}',
    txId: 'cd'.repeat(32),
    timeMs: 1,
  });

  it.each<Partial<LaneEntry>>([
    { entryHash: 'ee'.repeat(32) },
    { outcome: '{"a":1}' },
    { txId: 'ce'.repeat(32) },
    { timeMs: 2 },
  ])('changes with %j', (change) => {
    expect(linkOf({ ...sealed, ...change })).not.toBe(sealed.link);
  });
});
