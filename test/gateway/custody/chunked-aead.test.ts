import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import {
  type ChunkScheme,
  chunksSizeBytes,
  decryptChunks,
  deriveMessageKeys,
  encryptChunks,
} from '../../../gateway/custody/chunked-aead.js';

const COBBLESTONE_256: ChunkScheme = {
  label: 'c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM',
  chunkSizeBytes: 16384,
};
const EMPTY = new Uint8Array();

type Vector = {
  tcId: number;
  comment: string;
  key: string;
  ctx: string;
  ct: string;
  result: string;
  msgSha512?: string;
};

// The published vectors are not part of this repository. WYCHEPROOF_VECTORS names the folder testvectors_v1 of a
// copy of C2SP/wycheproof; without it these cases are skipped and the properties below remain.
const vectorFile = join(process.env.WYCHEPROOF_VECTORS ?? '', 'c2sp_chunked_encryption_aes_256_gcm_test.json');
const vectors = existsSync(vectorFile) ? parseVectors(readFileSync(vectorFile, 'utf8')) : [];

function parseVectors(json: string): Vector[] {
  const file = JSON.parse(json) as { testGroups: { tests: Vector[] }[] };
  return file.testGroups.flatMap((group) => group.tests);
}

function openVector(vector: Vector): Uint8Array {
  const ciphertext = inflateSync(Buffer.from(vector.ct, 'hex'));
  const keys = deriveMessageKeys({
    scheme: COBBLESTONE_256,
    inputKey: Buffer.from(vector.key, 'hex'),
    salt: ciphertext.subarray(0, 24),
    context: Buffer.from(vector.ctx, 'hex'),
  });
  if (Buffer.compare(keys.commitment, ciphertext.subarray(24, 56)) !== 0) throw new Error('commitment');
  const message = decryptChunks({ scheme: COBBLESTONE_256, keys, chunks: ciphertext.subarray(56) });
  const again = Buffer.alloc(chunksSizeBytes(COBBLESTONE_256, message.length));
  encryptChunks({ scheme: COBBLESTONE_256, keys, head: EMPTY, body: message, output: again, offset: 0 });
  if (Buffer.compare(again, ciphertext.subarray(56)) !== 0) throw new Error('encrypts to something else');
  return message;
}

(vectors.length === 0 ? describe.skip : describe)('C2SP chunked-encryption vectors', () => {
  it.each(vectors)('$tcId $comment: $result', (vector) => {
    if (vector.result !== 'valid') {
      expect(() => openVector(vector)).toThrow();
      return;
    }
    expect(createHash('sha512').update(openVector(vector)).digest('hex')).toBe(vector.msgSha512);
  });
});

describe('encryptChunks and decryptChunks', () => {
  const scheme: ChunkScheme = { label: 'test', chunkSizeBytes: 32 };
  const keys = deriveMessageKeys({ scheme, inputKey: randomBytes(32), salt: randomBytes(24), context: EMPTY });

  it('give back head and body for every length over three chunks, wherever the border between them lies', () => {
    for (let sizeBytes = 0; sizeBytes < 100; sizeBytes += 1) {
      const message = randomBytes(sizeBytes);
      for (const headSizeBytes of [0, 1, 31].filter((size) => size <= sizeBytes)) {
        const output = new Uint8Array(5 + chunksSizeBytes(scheme, sizeBytes));
        const head = message.subarray(0, headSizeBytes);
        encryptChunks({ scheme, keys, head, body: message.subarray(headSizeBytes), output, offset: 5 });
        const opened = decryptChunks({ scheme, keys, chunks: output.subarray(5) });
        expect(Buffer.compare(opened, message)).toBe(0);
      }
    }
  });

  it('never use a nonce twice over 600 chunks', () => {
    const output = new Uint8Array(chunksSizeBytes(scheme, 600 * 32));
    encryptChunks({ scheme, keys, head: EMPTY, body: new Uint8Array(600 * 32), output, offset: 0 });
    const starts = Array.from({ length: 600 }, (_, index) => Buffer.from(output.subarray(index * 48, index * 48 + 16)));
    expect(new Set(starts.map((bytes) => bytes.toString('hex'))).size).toBe(600);
  });
});
