import { unixfs } from '@helia/unixfs';
import { describe, expect, it } from '@jest/globals';
import { CID } from 'multiformats/cid';
import { CID_SETTINGS } from '../../../gateway/vault/cid-settings.js';
import { blocksOf, isContentOf } from '../../../gateway/vault/object-blocks.js';

function patterned(sizeBytes: number): Uint8Array {
  return Uint8Array.from({ length: sizeBytes }, (_, index) => (index * 31 + (index >> 8)) & 0xff);
}

describe('blocksOf', () => {
  it.each([
    // CIDv1, raw, SHA-256 of the bytes: computed by hand from the CID specification.
    { name: 'nothing', object: new Uint8Array(), cid: 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku' },
    {
      name: 'hello world',
      object: Buffer.from('hello world'),
      cid: 'bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e',
    },
  ])('$name has the CID of the specification', async ({ object, cid }) => {
    expect((await blocksOf(object)).cid.toString()).toBe(cid);
  });

  it.each([
    { name: 'one byte', sizeBytes: 1 },
    { name: 'a full block', sizeBytes: 1_048_576 },
  ])('$name, without the importer, has the CID that the importer gives', async ({ sizeBytes }) => {
    const object = patterned(sizeBytes);
    const blockstore = {
      put: (cid: CID) => cid,
      has: () => false,
      get: (): Generator<Uint8Array> => {
        throw new Error('unused');
      },
    };
    const imported = await unixfs({ blockstore }).addBytes(object, CID_SETTINGS);
    expect((await blocksOf(object)).cid.toString()).toBe(imported.toString());
  });

  // The expected CID was computed by hand from the dag-pb and UnixFS specifications, without these libraries.
  it('the CID of a tree of blocks is that of the specifications', async () => {
    const { cid, blocks } = await blocksOf(patterned(2_500_000));
    expect(cid.toString()).toBe('bafybeiavkpm2niczhnyyzapnxqub7fyv5xeuf34n4eifkumb26daunv3da');
    expect(blocks.map(({ bytes }) => bytes.length)).toEqual([1_048_576, 1_048_576, 402_848, 159]);
    expect(blocks.every((block) => isContentOf(block.cid, block.bytes))).toBe(true);
  });
});

describe('isContentOf', () => {
  it('is false for other bytes and for hashes that are never written', () => {
    const cid = CID.parse('bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku');
    expect(isContentOf(cid, new Uint8Array())).toBe(true);
    expect(isContentOf(cid, Buffer.of(0))).toBe(false);
    expect(isContentOf(CID.parse('bafkqaaa'), new Uint8Array())).toBe(false);
  });
});
