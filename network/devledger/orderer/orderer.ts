import type { BlocksPlace } from '../commit/block-donors.js';
import type { BlockSource } from '../commit/deliver-blocks.js';
import type { FileSystem } from '../store/file-system.js';
import type { StoreError } from '../store/ledger-errors.js';
import type { BlockSealing } from './seal-block.js';

export interface BatchRules {
  /** How long the oldest waiting envelope waits for others before a block is cut. */
  readonly timeoutMs: number;
  readonly maxMessageCount: number;
  /** A block may be larger only when one envelope alone is. */
  readonly preferredMaxBytes: number;
}

export interface OrdererOptions {
  readonly directory: string;
  readonly batch: BatchRules;
  /** Serialised block 0. */
  readonly genesis: Uint8Array;
  /** Told once when the orderer can no longer write; it takes no more envelopes until it is opened again. */
  readonly onFailure?: (error: StoreError) => void;
  /** Where peers keep their blocks: what is lost here is taken back from them. Default: nobody does. */
  readonly peers?: readonly BlocksPlace[];
  /** Told in a sentence what was found damaged and what was done about it. */
  readonly onIncident?: (sentence: string) => void;
  /** Of blocks and of the log of what was accepted; default 64 MiB and 16 MiB. */
  readonly fileSizeMaxBytes?: number;
  /** Told of each block that was cut how long it had been filling. */
  readonly onCut?: ((fillMs: number) => void) | undefined;
  /** What blocks are signed with; left out for a ledger that was made before orderers signed. */
  readonly sealing?: BlockSealing | undefined;
  /** Default: the disk. */
  readonly files?: FileSystem;
}

export interface Orderer extends BlockSource {
  /**
   * Durable on return: the envelope will be in a block, also after a crash. Safe to call from many places at once;
   * envelopes keep the order in which they were submitted.
   *
   * @throws StoreError when it was not accepted. After a failure of the disk it may be ordered all the same: ask for
   * its status before giving it up.
   */
  submit(envelope: Uint8Array): Promise<void>;
  /**
   * Does something while no block is being written: what it decides counts from the block that comes next.
   *
   * @param work - must not wait for anything; gets the number of that block
   */
  betweenBlocks<Result>(work: (nextBlockNumber: number) => Result): Promise<Result>;
  /** Why it takes nothing at the moment, or orders nothing, in a sentence; undefined when all is well. */
  trouble(): string | undefined;
  /** Waits for writes under way. Envelopes not in a block yet are ordered after the next start. */
  close(): Promise<void>;
}
