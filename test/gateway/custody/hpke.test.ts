import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import {
  generateHpkeKeyPair,
  hpkePublicKeyOf,
  openManyWith,
  openWith,
  sealManyTo,
  sealTo,
} from '../../../gateway/custody/hpke.js';
import { drawnPairs, referenceSender } from './reference-hpke.js';

// RFC 9180 test vectors, base mode, KEM 0x0020, KDF 0x0001, AEAD 0x0002. The last value is SHAKE128 over the
// ciphertexts of 1000 drawn messages, as Go's crypto library condenses them (its testdata/rfc9180.json).
const VECTOR = {
  info: Buffer.from('4f6465206f6e2061204772656369616e2055726e', 'hex'),
  ikmE: Buffer.from('2cd7c601cefb3d42a62b04b7a9041494c06c7843818e0ce28a8f704ae7ab20f9', 'hex'),
  privateKey: Buffer.from('497b4502664cfea5d5af0b39934dac72242a74f8480451e1aee7d6a53320333d', 'hex'),
  publicKey: Buffer.from('430f4b9859665145a6b1ba274024487bd66f03a2dd577d7753c68d7d7d00c00c', 'hex'),
  encHex: '6c93e09869df3402d7bf231bf540fadd35cd56be14f97178f0954db94b7fc256',
  encryptionsHex: '1702e73e1e71705faa8241022af1deea',
};
const info = Buffer.from('medledger share');
const aad = Buffer.from('record 1');
const plaintext = Buffer.from('thirty-three bytes of a key share');

describe('RFC 9180 vectors', () => {
  it('1000 messages of the published suite open, in order', async () => {
    const sender = referenceSender(VECTOR);
    expect(sender.enc.toString('hex')).toBe(VECTOR.encHex);
    const pairs = drawnPairs(1000);
    const items = pairs.map((pair) => ({ aad: pair.aad, sealed: sender.seal(pair.aad, pair.plaintext) }));
    const all = Buffer.concat(items.map((item) => item.sealed));
    expect(createHash('shake128', { outputLength: 16 }).update(all).digest('hex')).toBe(VECTOR.encryptionsHex);
    const opened = await openManyWith({ privateKey: VECTOR.privateKey, info: VECTOR.info, enc: sender.enc, items });
    expect(
      opened.every((bytes, index) => Buffer.compare(bytes, pairs[index]?.plaintext ?? Buffer.alloc(0)) === 0),
    ).toBe(true);
  });

  it('the public key of the vector follows from its private key', () => {
    expect(Buffer.from(hpkePublicKeyOf(VECTOR.privateKey))).toEqual(VECTOR.publicKey);
  });
});

describe('sealTo and openWith', () => {
  const pair = generateHpkeKeyPair();

  it('give back the plaintext; 48 bytes are added and no two sealings are alike', async () => {
    const sealed = await sealTo({ publicKey: pair.publicKey, info, aad, plaintext });
    expect(sealed).toHaveLength(plaintext.length + 48);
    expect(await openWith({ privateKey: pair.privateKey, info, aad, sealed })).toEqual(new Uint8Array(plaintext));
    expect(await sealTo({ publicKey: pair.publicKey, info, aad, plaintext })).not.toEqual(sealed);
  });

  it.each([
    { name: 'another info', change: { info: aad } },
    { name: 'another aad', change: { aad: info } },
    { name: 'another private key', change: { privateKey: generateHpkeKeyPair().privateKey } },
    { name: 'an encapsulated key of zeros', change: { sealed: new Uint8Array(81) } },
    { name: 'nothing at all', change: { sealed: new Uint8Array() } },
  ])('refuse $name', async ({ change }) => {
    const sealed = await sealTo({ publicKey: pair.publicKey, info, aad, plaintext });
    const opening = openWith({ privateKey: pair.privateKey, info, aad, sealed, ...change });
    await expect(opening).rejects.toMatchObject({ code: 'CIPHERTEXT_INVALID' });
  });

  it('refuse a changed byte anywhere', async () => {
    const sealed = await sealTo({ publicKey: pair.publicKey, info, aad, plaintext });
    for (const index of sealed.keys()) {
      const changed = Uint8Array.from(sealed);
      changed[index] = (changed[index] ?? 0) ^ 1;
      const opening = openWith({ privateKey: pair.privateKey, info, aad, sealed: changed });
      await expect(opening).rejects.toMatchObject({ code: 'CIPHERTEXT_INVALID' });
    }
  });
});

describe('sealManyTo and openManyWith', () => {
  const pair = generateHpkeKeyPair();
  const items = Array.from({ length: 5 }, (_, index) => ({
    aad: Buffer.from(`record ${index}`),
    plaintext: Buffer.from(`share ${index}`),
  }));

  async function sealedBatch() {
    const batch = await sealManyTo({ publicKey: pair.publicKey, info, items });
    return { enc: batch.enc, items: batch.items.map((sealed, index) => ({ sealed, aad: items[index]?.aad ?? aad })) };
  }

  it('open in order under one encapsulated key', async () => {
    const opened = await openManyWith({ privateKey: pair.privateKey, info, ...(await sealedBatch()) });
    expect(opened.map((bytes) => Buffer.from(bytes).toString())).toEqual(
      items.map((item) => item.plaintext.toString()),
    );
  });

  it('refuse items out of order and name the first that fails', async () => {
    const batch = await sealedBatch();
    const [first, second, third, ...rest] = batch.items;
    const swapped = [first, third, second, ...rest].flatMap((item) => (item === undefined ? [] : [item]));
    const opening = openManyWith({ privateKey: pair.privateKey, info, enc: batch.enc, items: swapped });
    await expect(opening).rejects.toThrow('Sealed item 1 does not open');
  });
});
