import type { ErrorCode } from '@medledger/chaincode/domain';

/** Why the same call, sent as a new transaction, may well succeed. */
export type Conflict =
  /** The lane had moved on when a peer simulated. */
  | 'stale-head'
  /** Something that was read changed before the block; Fabric's MVCC_READ_CONFLICT. */
  | 'mvcc'
  /** Fabric's PHANTOM_READ_CONFLICT. */
  | 'phantom'
  /** Peers answered differently, as they do while one of them lags behind. */
  | 'mismatch';

export interface LedgerFailureOptions {
  readonly cause?: unknown;
  readonly transactionId?: string;
  /** Fabric's name, where the transaction is in a block. */
  readonly validationCode?: string;
  /** Present where it is worth trying again with a new transaction; nothing was changed by this one. */
  readonly conflict?: Conflict;
}

/** How a call to the ledger failed, with a code of the error registry, which the message begins with. */
export class LedgerFailure extends Error {
  readonly code: ErrorCode;
  readonly transactionId: string | undefined;
  readonly validationCode: string | undefined;
  readonly conflict: Conflict | undefined;

  constructor(code: ErrorCode, detail: string, options: LedgerFailureOptions = {}) {
    super(`${code}: ${detail}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'LedgerFailure';
    this.code = code;
    this.transactionId = options.transactionId;
    this.validationCode = options.validationCode;
    this.conflict = options.conflict;
  }
}
