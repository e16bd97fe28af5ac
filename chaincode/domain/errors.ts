import { FAILURE_ERRORS } from './failure-errors.js';
import { REQUEST_ERRORS } from './request-errors.js';

/**
 * Every error code of the product, in order of precedence: where two apply, the earlier one is answered.
 * Codes are never reused or renamed; docs/errors.md has an entry for each (checked by test/architecture).
 */
export const ERRORS = { ...REQUEST_ERRORS, ...FAILURE_ERRORS };

export type ErrorCode = keyof typeof ERRORS;

/** A request that cannot be carried out as it stands. The message begins with the code: only it crosses the peer. */
export class DomainError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, detail: string, options?: { cause?: unknown }) {
    super(`${code}: ${detail}`, options);
    this.name = 'DomainError';
    this.code = code;
  }
}

/** The code a message from a peer begins with, or undefined where it is not one of ours. */
export function errorCodeOf(message: string): ErrorCode | undefined {
  const end = message.indexOf(':');
  const code = end < 0 ? message : message.slice(0, end);
  return isErrorCode(code) ? code : undefined;
}

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}

/** Fails when the code is wrong, never when the input is. */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`invariant failed: ${message}`);
}
