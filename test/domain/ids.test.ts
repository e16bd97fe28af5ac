import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import {
  agencyId,
  cid,
  grantId,
  memberId,
  mspId,
  patientIdOf,
  placeOf,
  recordClass,
  recordId,
  recordIdOf,
  requestId,
  setId,
  shownName,
  toBase64url,
} from '@medledger/chaincode/domain';
import fc from 'fast-check';

const hex32 = '0123456789abcdef'.repeat(2);

describe('ids', () => {
  it.each([
    { parse: memberId, good: ['a', '0', 'dr-a', 'p-1', 'a'.repeat(64)] },
    { parse: agencyId, good: ['a', 'city-hospital'] },
    { parse: mspId, good: ['HospitalAMSP', 'Org1.example-MSP'] },
    { parse: setId, good: [hex32] },
    { parse: recordId, good: [`${hex32}0f`] },
    { parse: grantId, good: [`g${hex32}`] },
    { parse: requestId, good: [`q${hex32}`] },
    { parse: cid, good: ['bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi'] },
    { parse: recordClass, good: ['Observation', 'DocumentReference'] },
    { parse: shownName, good: ['Krankenhaus Süd', 'x', '病院'] },
  ])('are taken as they are: $good', ({ parse, good }) => {
    expect(good.map((value) => parse(value, ''))).toEqual(good);
  });

  it.each([
    { parse: memberId, bad: ['', '-', '-a', 'a-', 'A', 'a_b', 'a~b', 'a.b', 'é', 'a\n', 'a'.repeat(65), 1, null] },
    { parse: agencyId, bad: ['', 'a~b', 'x/y', 'a b'] },
    { parse: mspId, bad: ['', '1Org', 'Org~', 'O'.repeat(65), 'Org\n'] },
    { parse: setId, bad: [hex32.slice(1), hex32.toUpperCase(), `${hex32}0`] },
    { parse: recordId, bad: [hex32, `${hex32}0F`, `${hex32}00a`] },
    { parse: grantId, bad: [hex32, `q${hex32}`, `g${hex32}0`] },
    { parse: requestId, bad: [hex32, `g${hex32}`] },
    {
      parse: cid,
      bad: ['Qm'.padEnd(46, 'a'), 'b', 'bAFY'.padEnd(59, 'a'), `b${'a'.repeat(128)}`, 'b1'.padEnd(59, 'a')],
    },
    { parse: recordClass, bad: ['observation', 'O', 'Obs1', 'Obs-x', `O${'a'.repeat(64)}`] },
    { parse: shownName, bad: ['', 'a\nb', 'a\u0000', 'x'.repeat(201)] },
  ])('refuse $bad', ({ parse, bad }) => {
    for (const value of bad) expect(() => parse(value, '/id')).toThrow('INPUT_INVALID: /id must be');
  });
});

describe('recordIdOf', () => {
  it('and placeOf are inverse for every place of a set', () => {
    const set = setId(hex32, '');
    fc.assert(
      fc.property(fc.nat({ max: 255 }), (index) => {
        const record = recordIdOf(set, index);
        expect(recordId(record, '')).toBe(record);
        expect(placeOf(record)).toEqual({ setId: set, index });
      }),
    );
  });
});

describe('patientIdOf', () => {
  const salt = toBase64url(new Uint8Array(16));
  const signingKey = toBase64url(new Uint8Array(91));

  it('is a member id, and another for another key or salt', () => {
    const id = patientIdOf({ signingKey, salt });
    expect(memberId(id, '')).toBe(id);
    expect(id).toHaveLength(42);
    expect(patientIdOf({ signingKey, salt: toBase64url(new Uint8Array(16).fill(1)) })).not.toBe(id);
    expect(patientIdOf({ signingKey: toBase64url(new Uint8Array(91).fill(1)), salt })).not.toBe(id);
  });

  it('is the hash of tag, key and salt with their lengths', () => {
    const framed = (part: Buffer) => Buffer.concat([Buffer.of(0, 0, 0, part.length), part]);
    const parts = [Buffer.from('medledger/patient-id/v1'), Buffer.alloc(91), Buffer.alloc(16)].map(framed);
    const hash = createHash('sha256').update(Buffer.concat(parts)).digest('hex');
    expect(patientIdOf({ signingKey, salt })).toBe(`p-${hash.slice(0, 40)}`);
  });
});
