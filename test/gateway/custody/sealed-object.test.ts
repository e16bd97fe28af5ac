import { createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CustodyError } from '../../../gateway/custody/custody-errors.js';
import { recordContext } from '../../../gateway/custody/framed-bytes.js';
import { keyCommitmentOf, matchesKey, openObject, sealObject } from '../../../gateway/custody/sealed-object.js';

const CHUNK_SIZE_BYTES = 262_144;
const HEADER_SIZE_BYTES = 64;
const CONTENT_TYPE = 'application/fhir+json';
// One byte of length, the content type and the 32-byte commitment salt go before the plaintext.
const PREAMBLE_SIZE_BYTES = 1 + CONTENT_TYPE.length + 32;
const dataKey = new Uint8Array(32).fill(7);
const context = recordContext({ channel: 'medledger', recordId: 'r-1', version: 1 });

function seal(plaintext: Uint8Array, contentType = CONTENT_TYPE) {
  return sealObject({ plaintext, contentType, dataKey, context, random: randomBytes });
}

function open(
  ciphertext: Uint8Array,
  expectedCommitmentHex: string,
  change: { dataKey?: Uint8Array; context?: Uint8Array } = {},
) {
  return openObject({ ciphertext, dataKey, context, expectedCommitmentHex, ...change });
}

function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return error instanceof CustodyError ? error.code : `unexpected: ${String(error)}`;
  }
  return 'opened';
}

describe('sealObject and openObject', () => {
  it('gives back what was sealed, for any bytes and content type', () => {
    const contentTypes = fc.stringMatching(/^[\x20-\x7e]{1,255}$/);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), contentTypes, (plaintext, contentType) => {
        const sealed = seal(plaintext, contentType);
        expect(open(sealed.ciphertext, sealed.plaintextCommitmentHex)).toEqual({ plaintext, contentType });
      }),
      { numRuns: 100 },
    );
  });

  it.each([
    { name: 'an empty plaintext', sizeBytes: 0, chunks: 1 },
    { name: 'one byte short of a full chunk', sizeBytes: CHUNK_SIZE_BYTES - PREAMBLE_SIZE_BYTES - 1, chunks: 1 },
    { name: 'a full chunk', sizeBytes: CHUNK_SIZE_BYTES - PREAMBLE_SIZE_BYTES, chunks: 2 },
    { name: 'one byte over a full chunk', sizeBytes: CHUNK_SIZE_BYTES - PREAMBLE_SIZE_BYTES + 1, chunks: 2 },
    { name: 'three full chunks', sizeBytes: 3 * CHUNK_SIZE_BYTES - PREAMBLE_SIZE_BYTES, chunks: 4 },
  ])('$name: $chunks chunks and the same bytes back', ({ sizeBytes, chunks }) => {
    const plaintext = new Uint8Array(randomBytes(sizeBytes));
    const sealed = seal(plaintext);
    expect(sealed.sizeBytes).toBe(HEADER_SIZE_BYTES + PREAMBLE_SIZE_BYTES + sizeBytes + chunks * 16);
    expect(sealed.ciphertext).toHaveLength(sealed.sizeBytes);
    const opened = open(sealed.ciphertext, sealed.plaintextCommitmentHex).plaintext;
    expect(Buffer.compare(opened, plaintext)).toBe(0);
  });

  it('is what its documented layout says, decrypted by hand', () => {
    const { ciphertext, sha256Hex } = seal(Buffer.from('hello'));
    expect(Buffer.from(ciphertext.subarray(0, 8)).toString('hex')).toBe('4d4c534f01011200');
    const salt = ciphertext.subarray(8, 32);
    const label = Buffer.from('medledger/sealed-object/v1+AEAD_AES_256_GCM\0');
    const info = Buffer.concat([label, salt, ciphertext.subarray(0, 8), context]);
    const first = createHmac('sha512', dataKey)
      .update(Buffer.concat([info, Buffer.of(1)]))
      .digest();
    const second = createHmac('sha512', dataKey)
      .update(Buffer.concat([first, info, Buffer.of(2)]))
      .digest();
    const material = Buffer.concat([first, second]);
    expect(Buffer.compare(material.subarray(44, 76), keyCommitmentOf(ciphertext))).toBe(0);
    const decipher = createDecipheriv('aes-256-gcm', material.subarray(0, 32), material.subarray(32, 44));
    decipher.setAuthTag(ciphertext.subarray(-16));
    const message = Buffer.concat([decipher.update(ciphertext.subarray(64, -16)), decipher.final()]);
    expect(message.subarray(PREAMBLE_SIZE_BYTES).toString()).toBe('hello');
    expect(sha256Hex).toBe(createHash('sha256').update(ciphertext).digest('hex'));
  });

  it('hides content type and plaintext', () => {
    const text = Buffer.from(seal(Buffer.from('CANARY-CANARY')).ciphertext).toString('latin1');
    expect(text).not.toContain('fhir');
    expect(text).not.toContain('CANARY');
  });

  it('gives different ciphertexts and commitments for the same plaintext', () => {
    const [first, second] = [seal(Buffer.from('same')), seal(Buffer.from('same'))];
    expect(first.sha256Hex).not.toBe(second.sha256Hex);
    expect(first.plaintextCommitmentHex).not.toBe(second.plaintextCommitmentHex);
  });
});

describe('openObject refuses', () => {
  const small = seal(Buffer.from('a small record'));

  it('every flipped bit of a small ciphertext', () => {
    for (let bit = 0; bit < small.ciphertext.length * 8; bit += 1) {
      const changed = Uint8Array.from(small.ciphertext);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(refusal(() => open(changed, small.plaintextCommitmentHex))).toBe('CIPHERTEXT_INVALID');
    }
  });

  it('every truncation and an extension of a small ciphertext', () => {
    for (let sizeBytes = 0; sizeBytes < small.ciphertext.length; sizeBytes += 1) {
      const cut = small.ciphertext.subarray(0, sizeBytes);
      expect(refusal(() => open(cut, small.plaintextCommitmentHex))).toBe('CIPHERTEXT_INVALID');
    }
    const longer = Buffer.concat([small.ciphertext, Buffer.of(0)]);
    expect(refusal(() => open(longer, small.plaintextCommitmentHex))).toBe('CIPHERTEXT_INVALID');
  });

  it.each([
    { name: 'swapped chunks', order: [1, 0, 2] },
    { name: 'a repeated chunk', order: [0, 0, 1, 2] },
    { name: 'a chunk left out', order: [0, 2] },
    { name: 'a last chunk cut off at its boundary', order: [0, 1] },
    { name: 'a second last chunk', order: [0, 1, 2, 2] },
  ])('$name', ({ order }) => {
    const sealed = seal(randomBytes(2 * CHUNK_SIZE_BYTES + 100));
    const full = CHUNK_SIZE_BYTES + 16;
    const chunks = order.map((index) => sealed.ciphertext.subarray(64 + index * full, 64 + (index + 1) * full));
    const changed = Buffer.concat([sealed.ciphertext.subarray(0, 64), ...chunks]);
    expect(refusal(() => open(changed, sealed.plaintextCommitmentHex))).toBe('CIPHERTEXT_INVALID');
  });

  it.each([
    { name: 'another channel', place: { channel: 'other', recordId: 'r-1', version: 1 } },
    { name: 'another record', place: { channel: 'medledger', recordId: 'r-2', version: 1 } },
    { name: 'another version', place: { channel: 'medledger', recordId: 'r-1', version: 2 } },
    { name: 'the same letters split elsewhere', place: { channel: 'medledgerr', recordId: '-1', version: 1 } },
  ])('$name', ({ place }) => {
    const action = () => open(small.ciphertext, small.plaintextCommitmentHex, { context: recordContext(place) });
    expect(refusal(action)).toBe('CIPHERTEXT_INVALID');
  });

  it('another key, a short key and another commitment', () => {
    const { ciphertext, plaintextCommitmentHex } = small;
    const other = new Uint8Array(32).fill(8);
    expect(refusal(() => open(ciphertext, plaintextCommitmentHex, { dataKey: other }))).toBe('CIPHERTEXT_INVALID');
    const short = dataKey.subarray(1);
    expect(refusal(() => open(ciphertext, plaintextCommitmentHex, { dataKey: short }))).toBe('CIPHERTEXT_INVALID');
    expect(refusal(() => open(ciphertext, '00'.repeat(32)))).toBe('CIPHERTEXT_INVALID');
  });

  it('a content type that is empty, too long or not ASCII, before sealing', () => {
    for (const contentType of ['', 'x'.repeat(256), 'text/plain\n', 'tëxt/plain']) {
      expect(refusal(() => seal(new Uint8Array(), contentType))).toBe('CIPHERTEXT_INVALID');
    }
  });
});

describe('matchesKey', () => {
  it('is true only for the key and context of the ciphertext, by its first 64 bytes', () => {
    const ciphertext = seal(Buffer.from('x')).ciphertext.subarray(0, 64);
    expect(matchesKey({ ciphertext, dataKey, context })).toBe(true);
    expect(matchesKey({ ciphertext, dataKey: new Uint8Array(32), context })).toBe(false);
    expect(matchesKey({ ciphertext, dataKey, context: context.subarray(1) })).toBe(false);
  });
});
