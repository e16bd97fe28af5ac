import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import { CustodyError } from './custody-errors.js';

export const DATA_KEY_SIZE_BYTES = 32;
export const SALT_SIZE_BYTES = 24;
export const COMMITMENT_SIZE_BYTES = 32;
const NONCE_SIZE_BYTES = 12;
const TAG_SIZE_BYTES = 16;

/** The label enters the key derivation: two schemes never share keys, whatever their inputs. */
export type ChunkScheme = { readonly label: string; readonly chunkSizeBytes: number };
export type MessageKeys = {
  readonly key: Uint8Array;
  readonly baseNonce: Uint8Array;
  readonly commitment: Uint8Array;
};

/**
 * Key, base nonce and key commitment of one message: HKDF-Expand with SHA-512 over label, salt and context.
 *
 * @param inputKey - 32 uniformly random bytes
 * @param salt - 24 bytes that never repeat for one input key
 * @param context - whatever the ciphertext is to be bound to; a different context gives a different commitment
 * @throws CustodyError CIPHERTEXT_INVALID when the key or salt has another length
 * @see C2SP chunked-encryption, "Key derivation"; the SHA-512 instantiation is its AES-256-GCM one
 */
export function deriveMessageKeys(input: {
  scheme: ChunkScheme;
  inputKey: Uint8Array;
  salt: Uint8Array;
  context: Uint8Array;
}): MessageKeys {
  if (input.inputKey.length !== DATA_KEY_SIZE_BYTES || input.salt.length !== SALT_SIZE_BYTES) {
    throw new CustodyError('CIPHERTEXT_INVALID', 'A data key has 32 bytes and a salt 24: pass them as they were made');
  }
  const info = Buffer.concat([Buffer.from(`${input.scheme.label}\0`, 'utf8'), input.salt, input.context]);
  const first = createHmac('sha512', input.inputKey).update(info).update(Buffer.of(1)).digest();
  const second = createHmac('sha512', input.inputKey).update(first).update(info).update(Buffer.of(2)).digest();
  const material = Buffer.concat([first, second]);
  const nonceEnd = DATA_KEY_SIZE_BYTES + NONCE_SIZE_BYTES;
  return {
    key: material.subarray(0, DATA_KEY_SIZE_BYTES),
    baseNonce: material.subarray(DATA_KEY_SIZE_BYTES, nonceEnd),
    commitment: material.subarray(nonceEnd, nonceEnd + COMMITMENT_SIZE_BYTES),
  };
}

/** Size of the encrypted chunks of a message: there is always one chunk shorter than full, at the end. */
export function chunksSizeBytes(scheme: ChunkScheme, messageSizeBytes: number): number {
  return messageSizeBytes + TAG_SIZE_BYTES * (Math.floor(messageSizeBytes / scheme.chunkSizeBytes) + 1);
}

/**
 * Encrypts `head ‖ body` chunk by chunk into `output` from `offset` on, without joining the two first.
 *
 * The short last chunk is the end mark: a full chunk in last place means that something was cut off, so no
 * separate flag is needed, and every message length has exactly one encoding.
 *
 * @param head - shorter than a chunk
 * @see C2SP chunked-encryption, "Message chunking" and "AEAD usage"
 */
export function encryptChunks(input: {
  scheme: ChunkScheme;
  keys: MessageKeys;
  head: Uint8Array;
  body: Uint8Array;
  output: Uint8Array;
  offset: number;
}): void {
  const { scheme, keys, head, body, output } = input;
  const chunkCount = Math.floor((head.length + body.length) / scheme.chunkSizeBytes) + 1;
  let offset = input.offset;
  for (let index = 0; index < chunkCount; index += 1) {
    const cipher = createCipheriv('aes-256-gcm', keys.key, chunkNonce(keys.baseNonce, index));
    if (index === 0) offset = write(output, cipher.update(head), offset);
    const start = Math.max(0, index * scheme.chunkSizeBytes - head.length);
    const end = (index + 1) * scheme.chunkSizeBytes - head.length;
    offset = write(output, cipher.update(body.subarray(start, end)), offset);
    cipher.final();
    offset = write(output, cipher.getAuthTag(), offset);
  }
}

/**
 * The message of a whole run of encrypted chunks.
 *
 * @throws CustodyError CIPHERTEXT_INVALID when any chunk is changed, moved, missing or added
 */
export function decryptChunks(input: {
  scheme: ChunkScheme;
  keys: MessageKeys;
  chunks: Uint8Array;
}): Uint8Array<ArrayBuffer> {
  const fullSizeBytes = input.scheme.chunkSizeBytes + TAG_SIZE_BYTES;
  const fullCount = Math.floor(input.chunks.length / fullSizeBytes);
  if (input.chunks.length - fullCount * fullSizeBytes < TAG_SIZE_BYTES) {
    throw new CustodyError('CIPHERTEXT_INVALID', 'The ciphertext was cut off: fetch it again from another vault node');
  }
  const message = unfilledBytes(input.chunks.length - (fullCount + 1) * TAG_SIZE_BYTES);
  for (let index = 0; index <= fullCount; index += 1) {
    const chunk = input.chunks.subarray(index * fullSizeBytes, (index + 1) * fullSizeBytes);
    message.set(decryptChunk(input.keys, index, chunk), index * input.scheme.chunkSizeBytes);
  }
  return message;
}

/** Memory that the caller fills to the last byte before anybody sees it: zeroing it first would be one more pass. */
export function unfilledBytes(sizeBytes: number): Uint8Array<ArrayBuffer> {
  const { buffer } = Buffer.allocUnsafeSlow(sizeBytes);
  return new Uint8Array(buffer);
}

function decryptChunk(keys: MessageKeys, index: number, chunk: Uint8Array): Uint8Array {
  const decipher = createDecipheriv('aes-256-gcm', keys.key, chunkNonce(keys.baseNonce, index), {
    authTagLength: TAG_SIZE_BYTES,
  });
  decipher.setAuthTag(chunk.subarray(chunk.length - TAG_SIZE_BYTES));
  const opened = decipher.update(chunk.subarray(0, chunk.length - TAG_SIZE_BYTES));
  try {
    decipher.final();
  } catch (cause) {
    const message = `Chunk ${index} of the ciphertext was changed: fetch it again from another vault node`;
    throw new CustodyError('CIPHERTEXT_INVALID', message, { cause });
  }
  return opened;
}

function chunkNonce(baseNonce: Uint8Array, index: number): Uint8Array {
  const nonce = new Uint8Array(baseNonce);
  const view = new DataView(nonce.buffer);
  // 2^32 chunks are far beyond what one buffer can hold, so the counter never leaves the last four bytes.
  view.setUint32(NONCE_SIZE_BYTES - 4, view.getUint32(NONCE_SIZE_BYTES - 4) ^ index);
  return nonce;
}

function write(output: Uint8Array, bytes: Uint8Array, offset: number): number {
  output.set(bytes, offset);
  return offset + bytes.length;
}
