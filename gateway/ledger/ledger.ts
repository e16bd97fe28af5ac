import type { LedgerBlock, LedgerTransaction } from './ledger-block.js';

/** Who calls. The signer takes the whole message, hashes it with SHA-256 and answers ASN.1 DER with a low S. */
export interface LedgerIdentity {
  readonly mspId: string;
  readonly certificatePem: string;
  readonly sign: (message: Uint8Array) => Promise<Uint8Array>;
}

export interface CallTarget {
  /**
   * Exactly these organisations' peers, and no others: a custodian asks its own. Absent, the peer that is connected
   * chooses, and where a peer turns out to be attacked the others are asked.
   */
  readonly endorsingOrganizations?: readonly string[];
}

export interface Committed {
  readonly transactionId: string;
  readonly blockNumber: number;
  /** What the chaincode answered, endorsed by all. */
  readonly result: string;
}

export interface CommitStatus {
  readonly transactionId: string;
  readonly blockNumber: number;
  /** Fabric's name; only VALID changed anything. */
  readonly validationCode: string;
}

/** A transaction of an earlier run of this process, and how it ended. */
export interface RecoveredTransaction {
  readonly transactionId: string;
  /** Absent when it is still not known; the next call tries again. */
  readonly status?: CommitStatus;
}

/**
 * The channel, as one organisation's peer shows it. Safe to call at once from many places. Retries what is safe to
 * retry by itself: calls that changed nothing, and the same signed envelope.
 */
export interface Ledger {
  readonly channel: string;
  /** MSP of the peer that is connected. */
  readonly peerMspId: string;

  /**
   * Asks one peer; nothing is written.
   *
   * @param name - contract and function, e.g. `records:list`
   * @throws LedgerFailure with the chaincode's code, CHAIN_BROKEN or STATE_CORRUPT when every peer that may be asked
   * is attacked, LEDGER_UNAVAILABLE
   */
  evaluate(identity: LedgerIdentity, name: string, args: readonly string[], target?: CallTarget): Promise<string>;

  /**
   * One transaction, committed on the connected peer when this returns. The signed envelope is on disk before it is
   * sent; when a reply is lost the same envelope is sent again, never a second transaction.
   *
   * @throws LedgerFailure with the chaincode's code; LEDGER_CONFLICT (nothing changed, `conflict` says why);
   * LEDGER_UNAVAILABLE (nothing changed); LEDGER_REFUSED; OUTCOME_UNKNOWN (`recoverOutbox` finds out)
   */
  submit(identity: LedgerIdentity, name: string, args: readonly string[], target?: CallTarget): Promise<Committed>;

  /**
   * Waits until the connected peer has committed the transaction.
   *
   * @throws LedgerFailure BLOCK_UNKNOWN when it has not within the deadline, LEDGER_UNAVAILABLE when it does not answer
   */
  commitStatusOf(
    identity: LedgerIdentity,
    transactionId: string,
    options?: { readonly deadlineMs?: number },
  ): Promise<CommitStatus>;

  /**
   * A committed transaction as the connected peer's own block file holds it: no other organisation is asked.
   *
   * @throws LedgerFailure BLOCK_UNKNOWN when that peer has no such transaction or does not show it to this identity
   */
  transactionById(identity: LedgerIdentity, transactionId: string): Promise<LedgerTransaction>;

  /** Number of blocks that the connected peer has committed. */
  height(identity: LedgerIdentity): Promise<number>;

  /**
   * Waits, for a bounded time, until the connected peer has what any reachable peer of the channel had when this was
   * called. Never rejects: a peer that stays behind is asked as it is.
   */
  catchUp(identity: LedgerIdentity): Promise<void>;

  /**
   * Blocks in order from `startBlock`, those still to come included. Reconnects by itself; ends when the signal is
   * given.
   *
   * @throws LedgerFailure NO_PEER when the peer gives this identity no blocks
   */
  blocks(options: {
    readonly identity: LedgerIdentity;
    readonly startBlock: number;
    readonly signal: AbortSignal;
    readonly onInterrupted?: (reason: string) => void;
  }): AsyncIterable<LedgerBlock>;

  /**
   * Finishes what an earlier run had signed and not seen the end of: sends the same envelopes again and learns their
   * status. Call it at start, and later for outcomes that stayed unknown; what is in flight is left alone.
   */
  recoverOutbox(identity: LedgerIdentity): Promise<readonly RecoveredTransaction[]>;

  close(): Promise<void>;
}
