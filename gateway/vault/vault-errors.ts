export type VaultErrorCode = 'CONTENT_CORRUPT' | 'CONTENT_MISSING' | 'VAULT_UNAVAILABLE';

/** A vault could not keep or give content; `code` is the entry of the domain's error registry. */
export class VaultError extends Error {
  readonly code: VaultErrorCode;
  /** Names of the nodes that were asked and did not help, where any were asked. */
  readonly nodes: readonly string[];

  constructor(code: VaultErrorCode, message: string, options: { cause?: unknown; nodes?: readonly string[] } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'VaultError';
    this.code = code;
    this.nodes = options.nodes ?? [];
  }
}
