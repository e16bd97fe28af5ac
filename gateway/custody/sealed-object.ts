import { createHash, hash, timingSafeEqual } from 'node:crypto';
import {
  COMMITMENT_SIZE_BYTES,
  type ChunkScheme,
  chunksSizeBytes,
  decryptChunks,
  deriveMessageKeys,
  encryptChunks,
  type MessageKeys,
  SALT_SIZE_BYTES,
  unfilledBytes,
} from './chunked-aead.js';
import { CustodyError } from './custody-errors.js';
import { framedBytes } from './framed-bytes.js';

const MAGIC = Buffer.from('MLSO', 'ascii');
const FORMAT_VERSION = 1;
const SUITE_AES_256_GCM_HKDF_SHA512 = 1;
const CHUNK_SIZE_LOG2 = 18;
const PREFIX_SIZE_BYTES = 8;
const HEADER_SIZE_BYTES = PREFIX_SIZE_BYTES + SALT_SIZE_BYTES + COMMITMENT_SIZE_BYTES;
const PLAINTEXT_SALT_SIZE_BYTES = 32;
const CONTENT_TYPE_SIZE_BYTES_MAX = 255;

// The scheme is C2SP chunked-encryption but for the chunk size. Setting up a cipher object in Node takes as long as
// encrypting 128 KiB, so that its 16 KiB would nearly halve the speed of sealing. Another size needs another label.
const SCHEME: ChunkScheme = {
  label: 'medledger/sealed-object/v1+AEAD_AES_256_GCM',
  chunkSizeBytes: 2 ** CHUNK_SIZE_LOG2,
};

export type SealedObject = {
  readonly ciphertext: Uint8Array<ArrayBuffer>;
  readonly sha256Hex: string;
  readonly sizeBytes: number;
  readonly plaintextCommitmentHex: string;
};

/**
 * Encrypts one object for the vault.
 *
 * Layout: `"MLSO" ‖ version ‖ suite ‖ log2 of the chunk size ‖ 0 ‖ salt (24) ‖ key commitment (32) ‖ chunks`.
 * The encrypted message is `content type length (1) ‖ content type ‖ commitment salt (32) ‖ plaintext`, so the
 * content type cannot be seen from outside. The first eight bytes and the context enter the key derivation.
 *
 * @param contentType - printable ASCII, 1 to 255 bytes
 * @param dataKey - 32 random bytes
 * @param context - see recordContext
 * @param random - source of randomness: gives as many bytes as asked for
 * @returns hashes in lower-case hex; `sha256Hex` and `sizeBytes` are of the whole ciphertext
 */
export function sealObject(input: {
  plaintext: Uint8Array;
  contentType: string;
  dataKey: Uint8Array;
  context: Uint8Array;
  random: (sizeBytes: number) => Uint8Array;
}): SealedObject {
  const plaintextSalt = input.random(PLAINTEXT_SALT_SIZE_BYTES);
  const head = preamble(input.contentType, plaintextSalt);
  const salt = input.random(SALT_SIZE_BYTES);
  const prefix = headerPrefix();
  const keys = objectKeys({ prefix, salt, dataKey: input.dataKey, context: input.context });
  const messageSizeBytes = head.length + input.plaintext.length;
  const ciphertext = unfilledBytes(HEADER_SIZE_BYTES + chunksSizeBytes(SCHEME, messageSizeBytes));
  ciphertext.set(prefix);
  ciphertext.set(salt, PREFIX_SIZE_BYTES);
  ciphertext.set(keys.commitment, PREFIX_SIZE_BYTES + SALT_SIZE_BYTES);
  encryptChunks({
    scheme: SCHEME,
    keys,
    head,
    body: input.plaintext,
    output: ciphertext,
    offset: HEADER_SIZE_BYTES,
  });
  return {
    ciphertext,
    sha256Hex: hash('sha256', ciphertext, 'hex'),
    sizeBytes: ciphertext.length,
    plaintextCommitmentHex: plaintextCommitmentHex(plaintextSalt, input.contentType, input.plaintext),
  };
}

/**
 * Decrypts what sealObject made. Nothing is returned unless all of it is authentic.
 *
 * @param expectedCommitmentHex - the commitment to the plaintext that the author put on the chain
 * @throws CustodyError CIPHERTEXT_INVALID for another key, another context, any change, or another plaintext
 */
export function openObject(input: {
  ciphertext: Uint8Array;
  dataKey: Uint8Array;
  context: Uint8Array;
  expectedCommitmentHex: string;
}): { plaintext: Uint8Array<ArrayBuffer>; contentType: string } {
  const header = parseHeader(input.ciphertext);
  const keys = objectKeys({ ...header, dataKey: input.dataKey, context: input.context });
  if (!timingSafeEqual(keys.commitment, header.commitment)) {
    throw invalid('The key does not belong to this ciphertext in this place: check record, version and key');
  }
  const message = decryptChunks({ scheme: SCHEME, keys, chunks: input.ciphertext.subarray(HEADER_SIZE_BYTES) });
  const { contentType, plaintextSalt, plaintext } = parseMessage(message);
  if (plaintextCommitmentHex(plaintextSalt, contentType, plaintext) !== input.expectedCommitmentHex) {
    throw invalid('The content is not what its author committed to on the chain: do not use it');
  }
  return { plaintext, contentType };
}

/** The 32 bytes in the header that only the right key in the right context derives again. */
export function keyCommitmentOf(ciphertext: Uint8Array): Uint8Array {
  return parseHeader(ciphertext).commitment;
}

/**
 * Whether a key opens a ciphertext in a context, at the price of two short HMACs and without decrypting.
 * The first 64 bytes of the ciphertext are enough.
 */
export function matchesKey(input: { ciphertext: Uint8Array; dataKey: Uint8Array; context: Uint8Array }): boolean {
  const header = parseHeader(input.ciphertext);
  const keys = objectKeys({ ...header, dataKey: input.dataKey, context: input.context });
  return timingSafeEqual(keys.commitment, header.commitment);
}

function preamble(contentType: string, plaintextSalt: Uint8Array): Uint8Array {
  if (!/^[\x20-\x7e]+$/.test(contentType) || contentType.length > CONTENT_TYPE_SIZE_BYTES_MAX) {
    throw invalid('A content type is 1 to 255 printable ASCII characters: send one, such as application/fhir+json');
  }
  return Buffer.concat([Buffer.of(contentType.length), Buffer.from(contentType, 'ascii'), plaintextSalt]);
}

function headerPrefix(): Uint8Array {
  return Buffer.concat([MAGIC, Buffer.of(FORMAT_VERSION, SUITE_AES_256_GCM_HKDF_SHA512, CHUNK_SIZE_LOG2, 0)]);
}

function objectKeys(input: {
  prefix: Uint8Array;
  salt: Uint8Array;
  dataKey: Uint8Array;
  context: Uint8Array;
}): MessageKeys {
  const context = Buffer.concat([input.prefix, input.context]);
  return deriveMessageKeys({ scheme: SCHEME, inputKey: input.dataKey, salt: input.salt, context });
}

function plaintextCommitmentHex(plaintextSalt: Uint8Array, contentType: string, plaintext: Uint8Array): string {
  const framed = framedBytes('medledger/plaintext-commitment/v1', [plaintextSalt, contentType]);
  return createHash('sha256').update(framed).update(plaintext).digest('hex');
}

function parseHeader(ciphertext: Uint8Array): { prefix: Uint8Array; salt: Uint8Array; commitment: Uint8Array } {
  if (ciphertext.length < HEADER_SIZE_BYTES) throw invalid('The ciphertext ends inside its header: fetch it again');
  const prefix = ciphertext.subarray(0, PREFIX_SIZE_BYTES);
  if (Buffer.compare(prefix, headerPrefix()) !== 0) {
    throw invalid('The ciphertext has another format or version: open it with the release that wrote it');
  }
  const saltEnd = PREFIX_SIZE_BYTES + SALT_SIZE_BYTES;
  return {
    prefix,
    salt: ciphertext.subarray(PREFIX_SIZE_BYTES, saltEnd),
    commitment: ciphertext.subarray(saltEnd, HEADER_SIZE_BYTES),
  };
}

function parseMessage(message: Uint8Array<ArrayBuffer>): {
  contentType: string;
  plaintextSalt: Uint8Array;
  plaintext: Uint8Array<ArrayBuffer>;
} {
  const contentTypeEnd = 1 + (message[0] ?? 0);
  const saltEnd = contentTypeEnd + PLAINTEXT_SALT_SIZE_BYTES;
  if (message.length < saltEnd) throw invalid('The content has no preamble: it was sealed by something else');
  return {
    contentType: Buffer.from(message.subarray(1, contentTypeEnd)).toString('ascii'),
    plaintextSalt: message.subarray(contentTypeEnd, saltEnd),
    plaintext: message.subarray(saltEnd),
  };
}

function invalid(message: string): CustodyError {
  return new CustodyError('CIPHERTEXT_INVALID', message);
}
