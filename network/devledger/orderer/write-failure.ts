import { StoreError } from '../store/ledger-errors.js';

/** @param what - that the orderer cannot do, as in *cannot accept transactions* */
export function writeFailure(what: string, cause: unknown): StoreError {
  const diskFull = cause instanceof StoreError && cause.diskFull;
  const next = diskFull ? 'make room on the disk; it goes on by itself' : 'check the disk and restart the ledger';
  return new StoreError(`The orderer cannot ${what}: ${next}.`, { cause, diskFull });
}
