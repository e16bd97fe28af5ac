/** Where one copy of the channel ends. */
export interface LedgerTip {
  /** Number of blocks. */
  readonly height: number;
  /** 32 bytes: hash of the newest block's header. */
  readonly headerHash: Uint8Array;
  /** Empty at height 1, otherwise 32 bytes. */
  readonly previousHash: Uint8Array;
  /** Empty at height 1 (block 0 carries none), otherwise 32 bytes. */
  readonly commitHash: Uint8Array;
}

const HEIGHT_BYTES = 6;

export function encodeTip(tip: LedgerTip): Buffer {
  const height = Buffer.alloc(HEIGHT_BYTES);
  height.writeUIntBE(tip.height, 0, HEIGHT_BYTES);
  const hashes = [tip.headerHash, tip.previousHash, tip.commitHash];
  return Buffer.concat([height, ...hashes.flatMap((hash) => [Buffer.of(hash.length), hash])]);
}

export function decodeTip(bytes: Buffer): LedgerTip {
  const hashes: Uint8Array[] = [];
  let offset = HEIGHT_BYTES;
  while (offset < bytes.length) {
    const length = bytes.readUInt8(offset);
    hashes.push(bytes.subarray(offset + 1, offset + 1 + length));
    offset += 1 + length;
  }
  const [headerHash = new Uint8Array(), previousHash = new Uint8Array(), commitHash = new Uint8Array()] = hashes;
  return { height: bytes.readUIntBE(0, HEIGHT_BYTES), headerHash, previousHash, commitHash };
}
