export type IdentitiesErrorCode = 'CA_REFUSED' | 'CA_UNREACHABLE' | 'IDENTITIES_UNREADABLE' | 'MEMBER_REQUEST_INVALID';

/** The certificate folder, or what is asked of a certificate authority, is not usable. The message says what to do. */
export class IdentitiesError extends Error {
  readonly code: IdentitiesErrorCode;

  constructor(code: IdentitiesErrorCode, detail: string, options?: { cause?: unknown }) {
    super(`${code}: ${detail}`, options);
    this.name = 'IdentitiesError';
    this.code = code;
  }
}

/** One sentence for a file that stands in the way: which one, what is wrong, what to do. */
export function unreadable(path: string, what: string, cause?: unknown): IdentitiesError {
  return new IdentitiesError(
    'IDENTITIES_UNREADABLE',
    `${path} ${what}; restore it from a backup, or start with an empty data folder.`,
    cause === undefined ? undefined : { cause },
  );
}
