import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { accumulate, append, EMPTY_ACCUMULATOR, hexToBytes, isWellFormed, rootOf } from '@medledger/chaincode/domain';
import fc from 'fast-check';

// The leaves and roots that Certificate Transparency's own tests use (certificate-transparency-go, transparency-dev/merkle).
const LEAVES_HEX = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

/** RFC 6962, section 2.1, as its text defines it. */
function merkleTreeHash(leaves: readonly Uint8Array[]): Buffer {
  const sha256 = (...parts: Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest();
  const [only] = leaves;
  if (only === undefined) return sha256();
  if (leaves.length === 1) return sha256(Buffer.of(0), only);
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return sha256(Buffer.of(1), merkleTreeHash(leaves.slice(0, split)), merkleTreeHash(leaves.slice(split)));
}

describe('the accumulator', () => {
  it.each(ROOTS.map((root, leafCount) => ({ root, leafCount })))(
    'has the root of Certificate Transparency for $leafCount leaves',
    ({ root, leafCount }) => {
      expect(rootOf(accumulate(LEAVES_HEX.slice(0, leafCount).map(hexToBytes)))).toBe(root);
    },
  );

  it('has the root of the recursive definition and one peak for each bit of the count', () => {
    const leaves = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 150 });
    fc.assert(
      fc.property(leaves, (list) => {
        const accumulator = accumulate(list);
        expect(rootOf(accumulator)).toBe(merkleTreeHash(list).toString('hex'));
        expect(list.reduce(append, EMPTY_ACCUMULATOR)).toEqual(accumulator);
        expect(accumulator.peaks.length).toBe(list.length.toString(2).replaceAll('0', '').length);
        expect(isWellFormed(accumulator)).toBe(true);
      }),
    );
  });

  it('has another root when any leaf is another', () => {
    const leaves = fc.uniqueArray(fc.uint8Array({ minLength: 1, maxLength: 4 }), {
      minLength: 2,
      maxLength: 20,
      selector: (leaf) => Buffer.from(leaf).toString('hex'),
    });
    fc.assert(
      fc.property(leaves, fc.nat(), (list, at) => {
        const [spare, ...kept] = list;
        const changed = kept.map((leaf, index) => (index === at % kept.length ? (spare ?? leaf) : leaf));
        expect(rootOf(accumulate(changed))).not.toBe(rootOf(accumulate(kept)));
      }),
    );
  });

  it('is not well-formed with a peak too many or too few', () => {
    const { leafCount, peaks } = accumulate(LEAVES_HEX.slice(0, 7).map(hexToBytes));
    expect(isWellFormed({ leafCount, peaks: peaks.slice(1) })).toBe(false);
    expect(isWellFormed({ leafCount: leafCount + 1, peaks })).toBe(false);
    expect(() => append({ leafCount: 1, peaks: [] }, new Uint8Array(1))).toThrow('invariant failed');
  });
});
