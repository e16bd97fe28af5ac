import { shortageOf } from '../store/file-system.js';
import { StoreError } from '../store/ledger-errors.js';

/** @param what - that the orderer cannot do, as in *cannot accept transactions* */
export function writeFailure(what: string, cause: unknown): StoreError {
  const shortage = cause instanceof StoreError ? cause.shortage : shortageOf(cause);
  const next = shortage === undefined ? 'check the disk and restart the ledger' : `${shortage}; it goes on by itself`;
  return new StoreError(`The orderer cannot ${what}: ${next}.`, { cause, shortage });
}
