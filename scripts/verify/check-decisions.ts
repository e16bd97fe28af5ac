import { common } from '@hyperledger/fabric-protos';
import { readBlock } from '../../gateway/ledger/block-reader.js';
import type { LedgerTransaction } from '../../gateway/ledger/ledger-block.js';
import { BlockCorruptError } from '../../network/devledger/store/ledger-errors.js';
import { CheckLog, type CheckResult } from './finding.js';
import { isDeciding, judgeAgain } from './judge-again.js';
import { unlessInvalid } from './lane-walk.js';
import { ReplayedState } from './replayed-state.js';
import type { BlockSource } from './transaction-index.js';

/**
 * Decides every opening, emergency and addition of a peer's blocks again, each from the state as it was at its place,
 * by the same pure function: what differs was decided by something else than what had been signed.
 *
 * @param files - blocks of the peer, from the first one on
 */
export async function checkDecisions(
  files: BlockSource,
  { mspId, next }: { readonly mspId: string; readonly next: string },
): Promise<CheckResult> {
  const log = new CheckLog('decisions', mspId, next);
  const replay = new DecisionReplay(log);
  for (let number = files.firstSequence; number < files.nextSequence; number += 1) {
    const transactions = await readTransactions(files, number);
    if (transactions === undefined) {
      log.found(`block ${number}`, 'it cannot be read: what was decided from here on is not decided again');
      break;
    }
    for (const transaction of transactions) replay.step(transaction, `block ${number}`);
  }
  return log.result;
}

/** One transaction after the other, in the order of the chain. */
export class DecisionReplay {
  readonly #state = new ReplayedState();
  readonly #log: CheckLog;

  constructor(log: CheckLog) {
    this.#log = log;
  }

  /** @param where - the block, for findings */
  step(
    transaction: Pick<LedgerTransaction, 'txId' | 'validationCode' | 'transaction' | 'args' | 'writes'>,
    where: string,
  ): void {
    if (transaction.validationCode !== 'VALID') return;
    if (isDeciding(transaction)) {
      this.#log.count('decisions');
      const faults = unlessInvalid(() => judgeAgain(this.#state, transaction)) ?? [
        'its argument, its entry or a statement it rests on cannot be read',
      ];
      for (const fault of faults) this.#log.found(`${where}, transaction ${transaction.txId}`, fault);
    }
    this.#state.apply(transaction.writes);
  }
}

/** @returns undefined for a block that cannot be read */
async function readTransactions(files: BlockSource, number: number): Promise<readonly LedgerTransaction[] | undefined> {
  try {
    const bytes = await files.read(number);
    return bytes === undefined ? undefined : readBlock(common.Block.deserializeBinary(bytes)).transactions;
  } catch (error) {
    if (error instanceof BlockCorruptError) return undefined;
    throw error;
  }
}
