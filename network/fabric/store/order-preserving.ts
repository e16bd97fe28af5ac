/**
 * Fabric's form of numbers in keys and versions: a count of bytes, then as many big-endian bytes without leading zeros.
 *
 * @see Fabric common/ledger/util/util.go, EncodeOrderPreservingVarUint64
 */
export function encodeOrderPreserving(value: number): Buffer {
  if (value === 0) return Buffer.of(0);
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return Buffer.concat([Buffer.of(bytes.length), bytes]);
}

/** Block and transaction that wrote a value. */
export interface Height {
  readonly blockNumber: number;
  readonly txNumber: number;
}

const NUMBER_BYTES_MAX = 6;

/**
 * @returns undefined for what is no version
 * @see Fabric core/ledger/internal/version/version.go
 */
export function decodeHeight(bytes: Buffer): Height | undefined {
  const block = decodeAt(bytes, 0);
  const tx = block && decodeAt(bytes, block.nextAt);
  if (block === undefined || tx?.nextAt !== bytes.length) return undefined;
  return { blockNumber: block.value, txNumber: tx.value };
}

export function encodeHeight({ blockNumber, txNumber }: Height): Buffer {
  return Buffer.concat([encodeOrderPreserving(blockNumber), encodeOrderPreserving(txNumber)]);
}

function decodeAt(bytes: Buffer, at: number): { value: number; nextAt: number } | undefined {
  const length = bytes[at];
  if (length === undefined || length > NUMBER_BYTES_MAX || at + 1 + length > bytes.length) return undefined;
  return { value: length === 0 ? 0 : bytes.readUIntBE(at + 1, length), nextAt: at + 1 + length };
}
