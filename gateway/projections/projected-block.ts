/** What the projections read of a block. The blocks of gateway/ledger have this shape, and more. */
export interface ProjectedBlock {
  readonly number: number;
  /** Header hash of the block before, hex; empty for block 0. */
  readonly previousHash: string;
  readonly dataHash: string;
  readonly headerHash: string;
  readonly transactions: readonly ProjectedTransaction[];
}

export interface ProjectedTransaction {
  readonly txId: string;
  readonly index: number;
  /** Fabric's name, e.g. VALID. */
  readonly validationCode: string;
  /** What the client claimed; any number. */
  readonly timestampMs: number;
  /** Contract and function; absent for configuration. */
  readonly transaction?: string;
  readonly creator: { readonly mspId: string; readonly memberId?: string };
  readonly endorserMspIds: readonly string[];
  readonly writes: readonly ProjectedWrite[];
}

export interface ProjectedWrite {
  readonly key: string;
  readonly isDelete: boolean;
  readonly value: string;
}

export interface BlockSource {
  /** Blocks in order from this one, those still to come included; ends when the signal is given. */
  blocksFrom(startBlock: number, signal: AbortSignal): AsyncIterable<ProjectedBlock>;
  /** Number of blocks of the chain. With it, a chain that was set back to an earlier block is noticed at start. */
  height?(): Promise<number>;
}
