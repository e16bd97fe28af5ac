/** Codes of the error registry that this folder answers with. */
export type IdentityErrorCode =
  | 'INVALID_CREDENTIALS'
  | 'TOO_MANY_ATTEMPTS'
  | 'SESSION_ENDED'
  | 'NOT_SIGNED_IN'
  | 'MEMBER_EXISTS'
  | 'WEAK_PASSWORD'
  | 'WALLET_UNREADABLE'
  | 'STORE_CORRUPT';

/** The message begins with the code, as everywhere; it carries no password, key or token. */
export class GatewayError extends Error {
  readonly code: IdentityErrorCode;
  /** How long to wait before it is worth trying again. Only with TOO_MANY_ATTEMPTS. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: IdentityErrorCode,
    detail: string,
    options: { readonly cause?: unknown; readonly retryAfterMs?: number } = {},
  ) {
    super(`${code}: ${detail}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'GatewayError';
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }
}
