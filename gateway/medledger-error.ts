import { ERRORS, type ErrorCode } from '@medledger/chaincode/domain';

/** A failure of a use case, ready to be told: routes turn it into a problem (RFC 9457) and nothing else does. */
export class MedledgerError extends Error {
  readonly code: ErrorCode;
  /** The committed refusal, where there is one. */
  readonly transactionId?: string;
  /** Further members of the problem, e.g. the reason of each custodian. Never health data. */
  readonly extra: { readonly [name: string]: unknown };
  readonly retryAfterS?: number;

  constructor(
    code: ErrorCode,
    detail?: string,
    options: {
      cause?: unknown;
      transactionId?: string;
      extra?: { readonly [name: string]: unknown };
      retryAfterS?: number;
    } = {},
  ) {
    super(detail ?? ERRORS[code].text, { cause: options.cause });
    this.name = 'MedledgerError';
    this.code = code;
    this.extra = options.extra ?? {};
    if (options.transactionId !== undefined) this.transactionId = options.transactionId;
    if (options.retryAfterS !== undefined) this.retryAfterS = options.retryAfterS;
  }
}
