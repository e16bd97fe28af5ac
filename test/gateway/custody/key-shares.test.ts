import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type CustodianShare, combineNaming, splitKey } from '../../../gateway/custody/key-shares.js';

const CUSTODIANS: [string, string, string] = ['HospitalAMSP', 'HospitalBMSP', 'GovernmentMSP'];
const dataKey = Uint8Array.from({ length: 32 }, (_, index) => index * 7);

function isKey(candidate: Uint8Array): boolean {
  return Buffer.compare(candidate, dataKey) === 0;
}

function without(shares: CustodianShare[], custodian: string): CustodianShare[] {
  return shares.filter((share) => share.custodian !== custodian);
}

function spoilt(
  shares: CustodianShare[],
  custodian: string,
  spoil: (share: Uint8Array) => Uint8Array,
): CustodianShare[] {
  return shares.map((held) => (held.custodian === custodian ? { custodian, share: spoil(held.share) } : held));
}

function flipped(share: Uint8Array): Uint8Array {
  const changed = Uint8Array.from(share);
  changed[3] = (changed[3] ?? 0) ^ 1;
  return changed;
}

describe('splitKey and combineNaming', () => {
  it('rebuild any key from all three shares and from any two, Buffers included', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 32, maxLength: 32 }), async (key) => {
        const shares = await splitKey(Buffer.from(key), CUSTODIANS);
        for (const leftOut of ['nobody', ...CUSTODIANS]) {
          const held = without(shares, leftOut).map((held) => ({ ...held, share: Buffer.from(held.share) }));
          const matches = (candidate: Uint8Array) => Buffer.compare(candidate, key) === 0;
          expect(await combineNaming({ shares: held, matches })).toEqual({ dataKey: key, bad: [] });
        }
      }),
      { numRuns: 20 },
    );
  });

  it('rebuilds a key that another implementation of the same field split', async () => {
    // By hand: secret 0x2a in each byte, slope 1, so the share at point x is 0x2a xor x.
    const share = (x: number) => Uint8Array.from({ length: 33 }, (_, index) => (index < 32 ? 0x2a ^ x : x));
    const shares = [1, 200].map((x) => ({ custodian: `c${x}`, share: share(x) }));
    const { dataKey: rebuilt } = await combineNaming({ shares, matches: () => true });
    expect(rebuilt).toEqual(new Uint8Array(32).fill(0x2a));
  });

  it.each(CUSTODIANS)('names %s when its share was changed', async (custodian) => {
    const shares = spoilt(await splitKey(dataKey, CUSTODIANS), custodian, flipped);
    expect(await combineNaming({ shares, matches: isKey })).toEqual({ dataKey, bad: [custodian] });
  });

  it.each([
    { name: 'cut short', spoil: (share: Uint8Array) => share.subarray(1) },
    { name: 'empty', spoil: () => new Uint8Array() },
    { name: 'for the point zero', spoil: (share: Uint8Array) => Uint8Array.from([...share.subarray(0, 32), 0]) },
  ])('names a custodian whose share is $name', async ({ spoil }) => {
    const shares = spoilt(await splitKey(dataKey, CUSTODIANS), 'HospitalBMSP', spoil);
    expect(await combineNaming({ shares, matches: isKey })).toEqual({ dataKey, bad: ['HospitalBMSP'] });
  });

  it('names a custodian that passes off the share of another as its own', async () => {
    const shares = await splitKey(dataKey, CUSTODIANS);
    const copied = spoilt(shares, 'GovernmentMSP', () => shares[0]?.share ?? new Uint8Array());
    expect((await combineNaming({ shares: copied, matches: isKey })).bad).toEqual(['GovernmentMSP']);
  });

  it.each([
    { name: 'two of three shares are wrong', wrong: ['HospitalAMSP', 'HospitalBMSP'], leftOut: 'nobody' },
    { name: 'one of two shares is wrong', wrong: ['HospitalAMSP'], leftOut: 'GovernmentMSP' },
  ])('fails with the custodians asked when $name', async ({ wrong, leftOut }) => {
    const split = await splitKey(dataKey, CUSTODIANS);
    const shares = without(
      wrong.reduce((held, custodian) => spoilt(held, custodian, flipped), split),
      leftOut,
    );
    const custodians = shares.map((share) => share.custodian);
    await expect(combineNaming({ shares, matches: isKey })).rejects.toMatchObject({
      code: 'KEY_UNRECOVERABLE',
      custodians,
    });
  });

  it('fails with one share and with none', async () => {
    const [only] = await splitKey(dataKey, CUSTODIANS);
    for (const shares of [[], only === undefined ? [] : [only]]) {
      await expect(combineNaming({ shares, matches: isKey })).rejects.toMatchObject({ code: 'KEY_UNRECOVERABLE' });
    }
  });
});
