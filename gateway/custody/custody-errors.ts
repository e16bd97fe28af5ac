export type CustodyErrorCode = 'CIPHERTEXT_INVALID' | 'KEY_UNRECOVERABLE' | 'SHARE_CONFLICT' | 'STORE_CORRUPT';

/**
 * A failure of sealing, of key shares or of a custodian's stores.
 *
 * The message is a sentence without key material; `code` is the entry of the domain's error registry.
 * `custodians` names the holders that a share failure is about, where it is about any.
 */
export class CustodyError extends Error {
  readonly code: CustodyErrorCode;
  readonly custodians: readonly string[];

  constructor(
    code: CustodyErrorCode,
    message: string,
    options: { cause?: unknown; custodians?: readonly string[] } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CustodyError';
    this.code = code;
    this.custodians = options.custodians ?? [];
  }
}
