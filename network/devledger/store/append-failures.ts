import { messageOf, shortageOf } from './file-system.js';
import { StoreError } from './ledger-errors.js';

/** Nothing was appended; where something is short that may come back, it may be tried again. */
export function notWritten(directory: string, cause: unknown): StoreError {
  const shortage = shortageOf(cause);
  const next = shortage ?? 'check the disk and restart the ledger';
  return new StoreError(`Nothing can be written to ${directory} (${messageOf(cause)}): ${next}.`, { cause, shortage });
}

/** Whether it is on the disk is not known, and will not be. */
export function notConfirmed(path: string, cause: unknown): StoreError {
  return new StoreError(
    `The disk did not confirm a write to ${path} (${messageOf(cause)}): check the disk and restart the ledger.`,
    { cause },
  );
}
