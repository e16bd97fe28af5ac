import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';

/**
 * One record of an append-only file: magic (4 bytes), sequence number (8), payload length (4), CRC-32 of these 16,
 * SHA-256 over the same 16 and the SHA-256 of the payload (32), payload. Numbers are big-endian. The CRC lets a reader walk from
 * header to header without reading payloads; the SHA-256 is what a payload is trusted by.
 */
export const FRAME_HEADER_BYTES = 52;
const MAGIC = 0x4d4c4631;
const CHECKED_BYTES = 16;
const CRC_OFFSET = 16;
const DIGEST_OFFSET = 20;
/** Above the largest block: preferred block size plus one message of the largest size a peer takes. */
export const FRAME_PAYLOAD_MAX_BYTES = 64 * 1024 * 1024;

export interface FrameHeader {
  readonly sequence: number;
  readonly payloadBytes: number;
}

export function encodeFrameHeader(sequence: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  header.writeUInt32BE(MAGIC, 0);
  header.writeBigUInt64BE(BigInt(sequence), 4);
  header.writeUInt32BE(payload.length, 12);
  header.writeUInt32BE(crc32(header.subarray(0, CHECKED_BYTES)), CRC_OFFSET);
  frameDigest(header, payload).copy(header, DIGEST_OFFSET);
  return header;
}

/** @returns undefined when these bytes are no frame header */
export function readFrameHeader(bytes: Buffer, offset = 0): FrameHeader | undefined {
  if (bytes.length - offset < FRAME_HEADER_BYTES || bytes.readUInt32BE(offset) !== MAGIC) return undefined;
  const checked = bytes.subarray(offset, offset + CHECKED_BYTES);
  if (bytes.readUInt32BE(offset + CRC_OFFSET) !== crc32(checked)) return undefined;
  const payloadBytes = checked.readUInt32BE(12);
  if (payloadBytes > FRAME_PAYLOAD_MAX_BYTES) return undefined;
  return { sequence: Number(checked.readBigUInt64BE(4)), payloadBytes };
}

/**
 * @param frame - header and payload, nothing behind them
 * @returns undefined when sequence, length or digest do not fit
 */
export function openFrame(frame: Buffer, sequence: number): Uint8Array | undefined {
  const header = readFrameHeader(frame);
  if (header === undefined || header.sequence !== sequence) return undefined;
  if (header.payloadBytes !== frame.length - FRAME_HEADER_BYTES) return undefined;
  const payload = frame.subarray(FRAME_HEADER_BYTES);
  const stored = frame.subarray(DIGEST_OFFSET, FRAME_HEADER_BYTES);
  return frameDigest(frame, payload).equals(stored) ? payload : undefined;
}

/** First place at or behind `from` where a frame header stands; -1 when there is none. */
export function findFrameHeader(bytes: Buffer, from: number): number {
  const magic = Buffer.alloc(4);
  magic.writeUInt32BE(MAGIC, 0);
  let offset = bytes.indexOf(magic, from);
  while (offset !== -1 && readFrameHeader(bytes, offset) === undefined) offset = bytes.indexOf(magic, offset + 1);
  return offset;
}

function frameDigest(header: Buffer, payload: Uint8Array): Buffer {
  // Hashing the payload's hash with the header spares a copy of the payload.
  const payloadDigest = hash('sha256', payload, 'buffer');
  return hash('sha256', Buffer.concat([header.subarray(0, CHECKED_BYTES), payloadDigest]), 'buffer');
}
