import { hash } from 'node:crypto';

/** SHA-256 cut to 128 bits: a second preimage stays out of reach and a row stays small. */
export const ROW_DIGEST_BYTES = 16;

/** Stored form of one database row: a digest over key and payload, then the payload. */
export function sealRow(key: Buffer, payload: Uint8Array): Buffer {
  return Buffer.concat([rowDigest(key, payload), payload]);
}

/** @returns undefined when the row was not written for this key with these bytes */
export function openRow(key: Buffer, row: Buffer): Buffer | undefined {
  if (row.length < ROW_DIGEST_BYTES) return undefined;
  const payload = row.subarray(ROW_DIGEST_BYTES);
  return rowDigest(key, payload).equals(row.subarray(0, ROW_DIGEST_BYTES)) ? payload : undefined;
}

function rowDigest(key: Buffer, payload: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(key.length, 0);
  return hash('sha256', Buffer.concat([length, key, payload]), 'buffer').subarray(0, ROW_DIGEST_BYTES);
}
