import type { PeerVerification } from '../../network/devledger/store/finding.js';
import type { CheckResult } from './finding.js';
import type { StateView } from './peer-state.js';
import type { BlockSource, TransactionIndex } from './transaction-index.js';

/** One peer whose blocks and state were looked at, on whichever ledger. */
export interface CheckedPeer {
  readonly mspId: string;
  /** What an operator does when its blocks are damaged. */
  readonly refill: string;
  readonly verification: PeerVerification;
  readonly result: CheckResult;
  readonly hasState: boolean;
  /** Number of blocks the peer has by now; a ledger that runs goes on while it is looked at. */
  heightNow(): Promise<number>;
  /** The blocks as the peer has them, for as long as the action takes. */
  withBlocks<T>(action: (blocks: BlockSource) => Promise<T>): Promise<T>;
  /** @returns undefined where the state cannot be read, which the check has said; the caller closes it */
  open(): Promise<{ readonly state: StateView; readonly index: TransactionIndex } | undefined>;
}

/** The ledger of a data folder, copied as far as it cannot be looked at where it is. */
export interface LedgerLook {
  readonly mspIds: readonly string[];
  checkPeer(mspId: string): Promise<CheckedPeer>;
  /** What peers are filled from, held against what they have. */
  checkOrderers(peers: readonly PeerVerification[]): Promise<readonly CheckResult[]>;
}
