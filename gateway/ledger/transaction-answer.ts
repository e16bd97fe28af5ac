import { limits, shape, type TransactionAnswer } from '@medledger/chaincode/domain';
import { LedgerFailure } from './ledger-failure.js';

const tip = shape.object({
  sequence: shape.integer({ min: 0, max: 2 ** 40 }),
  previous: shape.hex(32),
  root: shape.hex(32),
  // A tip is solved against: nobody may make this gateway solve for ever.
  difficulty: shape.integer({ min: limits.DIFFICULTY_MIN, max: limits.DIFFICULTY_MAX }),
});

/** @throws LedgerFailure LEDGER_REFUSED when the endorsed answer is none that this product gives */
export function parseTransactionAnswer(json: string): TransactionAnswer {
  try {
    const answer = JSON.parse(json) as TransactionAnswer;
    tip(answer.tip, '/tip');
    if (typeof answer.outcome.action !== 'string' || !Number.isSafeInteger(answer.entry.timeMs))
      throw new Error('outcome or entry is missing');
    return answer;
  } catch (cause) {
    throw new LedgerFailure('LEDGER_REFUSED', 'the answer of the transaction has a shape that is not documented', {
      cause,
    });
  }
}
