/** One thing in a peer's folder that is not as the blocks say. */
export interface Finding {
  /** MSP id. */
  readonly peer: string;
  readonly kind: 'block' | 'state' | 'index';
  /** Block number with file and byte, or namespace and key. */
  readonly where: string;
  readonly detail: string;
}

/** What the check of one peer came to. */
export interface PeerVerification {
  readonly peer: string;
  /** Number of blocks in the files. */
  readonly height: number;
  readonly stateRows: number;
  /** Private values that the peer has. */
  readonly privateRows: number;
  readonly transactions: number;
  readonly findings: readonly Finding[];
  /** By block number; undefined where the block cannot be read. */
  readonly blocks: readonly (BlockHashes | undefined)[];
}

export interface BlockHashes {
  readonly headerHashHex: string;
  /** As stored in the block; empty for block 0. */
  readonly commitHashHex: string;
}
