import { createHash, hash } from 'node:crypto';

const DER_SEQUENCE = 0x30;
const DER_INTEGER = 0x02;
const DER_OCTET_STRING = 0x04;

export interface BlockHeader {
  readonly number: number;
  readonly previousHash: Uint8Array;
  readonly dataHash: Uint8Array;
}

/**
 * SHA-256 over the DER sequence (number, previous hash, data hash).
 *
 * @returns 32 bytes
 * @see Fabric protoutil/blockutils.go, BlockHeaderHash
 */
export function blockHeaderHash(header: BlockHeader): Buffer {
  return hash('sha256', blockHeaderBytes(header), 'buffer');
}

/** What is hashed, and what orderers sign: the DER sequence itself. */
export function blockHeaderBytes(header: BlockHeader): Buffer {
  const body = Buffer.concat([
    derElement(DER_INTEGER, derUnsigned(header.number)),
    derElement(DER_OCTET_STRING, header.previousHash),
    derElement(DER_OCTET_STRING, header.dataHash),
  ]);
  return derElement(DER_SEQUENCE, body);
}

/** SHA-256 over the envelopes, one behind the other. */
export function blockDataHash(envelopes: readonly Uint8Array[]): Buffer {
  const digest = createHash('sha256');
  for (const envelope of envelopes) digest.update(envelope);
  return digest.digest();
}

/** Short form of the length: number, two hashes and their tags stay far below 128 bytes. */
function derElement(tag: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(tag, content.length), content]);
}

function derUnsigned(value: number): Buffer {
  const hex = value.toString(16);
  const magnitude = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  // A leading zero keeps a number whose top bit is set from being read as negative.
  return magnitude.readUInt8(0) >= 0x80 ? Buffer.concat([Buffer.of(0), magnitude]) : magnitude;
}
