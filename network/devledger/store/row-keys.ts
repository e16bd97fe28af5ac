/**
 * Keys of one peer's database. The first byte names the kind of row. State keys keep Fabric's order: namespace, zero
 * byte, then the key's UTF-8 bytes; a namespace is a chaincode name and holds no zero byte.
 */
export const ROW_KINDS = {
  state: 0x73,
  history: 0x68,
  transaction: 0x74,
  block: 0x62,
  blockHash: 0x78,
  meta: 0x6d,
  /** Private values that the peer has as a member of their collection. */
  privateState: 0x70,
  /** Private writes of one transaction in one collection, as they were endorsed. */
  privateSet: 0x71,
  /** Which transactions wrote a private key, by the hash of the key. */
  privateIndex: 0x6b,
  /** Private writes that the peer should have and has not got. */
  missingSet: 0x67,
  /** Private writes of transactions that are not in a block yet. */
  transientSet: 0x72,
} as const;

export type RowKind = keyof typeof ROW_KINDS;

const SEPARATOR = Buffer.of(0);
const BLOCK_NUMBER_BYTES = 6;
const TX_NUMBER_BYTES = 4;

export const TIP_KEY = Buffer.concat([Buffer.of(ROW_KINDS.meta), Buffer.from('tip')]);
/** Private data that are to be taken out of the files, too. */
export const ERASURE_KEY = Buffer.concat([Buffer.of(ROW_KINDS.meta), Buffer.from('erasure')]);

export function stateKey(namespace: string, key: string): Buffer {
  return Buffer.concat([statePrefix(namespace), Buffer.from(key, 'utf8')]);
}

/** Bounds of a range of state keys; an empty key means no bound on that side. */
export function stateRange(
  namespace: string,
  startKey: string,
  endKey: string,
  includeEnd = false,
): { gte: Buffer; lt?: Buffer; lte?: Buffer } {
  const gte = stateKey(namespace, startKey);
  if (endKey === '') return { gte, lt: endOf(namespace) };
  return includeEnd ? { gte, lte: stateKey(namespace, endKey) } : { gte, lt: stateKey(namespace, endKey) };
}

export function parseStateKey(row: Buffer): { namespace: string; key: string } {
  const separator = row.indexOf(0, 1);
  return { namespace: row.toString('utf8', 1, separator), key: row.toString('utf8', separator + 1) };
}

/** All modifications of one key, oldest first in byte order. */
export function historyRange(namespace: string, key: string): { gte: Buffer; lt: Buffer } {
  const prefix = historyPrefix(namespace, key);
  return { gte: prefix, lt: Buffer.concat([prefix, Buffer.alloc(BLOCK_NUMBER_BYTES + TX_NUMBER_BYTES + 1, 0xff)]) };
}

export function historyKey(namespace: string, key: string, blockNumber: number, txNumber: number): Buffer {
  return Buffer.concat([historyPrefix(namespace, key), encodeVersion(blockNumber, txNumber)]);
}

/** Block and transaction at the end of a history key, or at the start of a state row's payload. */
export function readVersion(bytes: Buffer, offset: number): { blockNumber: number; txNumber: number } {
  return {
    blockNumber: bytes.readUIntBE(offset, BLOCK_NUMBER_BYTES),
    txNumber: bytes.readUInt32BE(offset + BLOCK_NUMBER_BYTES),
  };
}

export const VERSION_BYTES = BLOCK_NUMBER_BYTES + TX_NUMBER_BYTES;

export function encodeVersion(blockNumber: number, txNumber: number): Buffer {
  const bytes = Buffer.alloc(VERSION_BYTES);
  bytes.writeUIntBE(blockNumber, 0, BLOCK_NUMBER_BYTES);
  bytes.writeUInt32BE(txNumber, BLOCK_NUMBER_BYTES);
  return bytes;
}

export function transactionKey(txId: string): Buffer {
  return Buffer.concat([Buffer.of(ROW_KINDS.transaction), Buffer.from(txId, 'utf8')]);
}

export function blockKey(blockNumber: number): Buffer {
  const bytes = Buffer.alloc(1 + BLOCK_NUMBER_BYTES, ROW_KINDS.block);
  bytes.writeUIntBE(blockNumber, 1, BLOCK_NUMBER_BYTES);
  return bytes;
}

export function blockHashKey(headerHash: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(ROW_KINDS.blockHash), headerHash]);
}

/** Every row of one kind. */
export function kindRange(kind: RowKind): { gte: Buffer; lt: Buffer } {
  return { gte: Buffer.of(ROW_KINDS[kind]), lt: Buffer.of(ROW_KINDS[kind] + 1) };
}

/** A row's key in words, for errors and findings. */
export function describeRowKey(row: Buffer): string {
  switch (row[0]) {
    case ROW_KINDS.state: {
      const { namespace, key } = parseStateKey(row);
      return `state ${namespace}/${printable(key)}`;
    }
    case ROW_KINDS.history:
      return `history ${printable(row.toString('utf8', 1, row.length - VERSION_BYTES))}`;
    case ROW_KINDS.transaction:
      return `transaction ${printable(row.toString('utf8', 1))}`;
    case ROW_KINDS.block:
      return `index of block ${row.length === 1 + BLOCK_NUMBER_BYTES ? row.readUIntBE(1, BLOCK_NUMBER_BYTES) : '?'}`;
    case ROW_KINDS.blockHash:
      return `block hash ${row.toString('hex', 1)}`;
    case ROW_KINDS.privateState:
    case ROW_KINDS.privateSet:
    case ROW_KINDS.privateIndex:
    case ROW_KINDS.missingSet:
    case ROW_KINDS.transientSet:
      return `private data ${row.toString('hex')}`;
    default:
      return `row ${row.toString('hex')}`;
  }
}

/** Composite keys hold zero bytes and U+10FFFF: shown as escapes, so that a finding can be read and copied. */
export function printable(key: string): string {
  return JSON.stringify(key).replaceAll('\u{10ffff}', '\\u{10ffff}');
}

function statePrefix(namespace: string): Buffer {
  return Buffer.concat([Buffer.of(ROW_KINDS.state), Buffer.from(namespace, 'utf8'), SEPARATOR]);
}

function endOf(namespace: string): Buffer {
  return Buffer.concat([Buffer.of(ROW_KINDS.state), Buffer.from(namespace, 'utf8'), Buffer.of(1)]);
}

function historyPrefix(namespace: string, key: string): Buffer {
  const encoded = Buffer.from(key, 'utf8');
  // The length keeps the histories of a key and of a longer key that begins with it apart.
  const length = Buffer.alloc(4);
  length.writeUInt32BE(encoded.length, 0);
  return Buffer.concat([Buffer.of(ROW_KINDS.history), Buffer.from(namespace, 'utf8'), SEPARATOR, length, encoded]);
}
