import { createHash } from 'node:crypto';
import { MedledgerError } from '../medledger-error.js';

const CHARACTERS_MAX = 255;
const TOKEN = "[\\w!#$%&'*+.^`|~-]+";
const QUOTED = '"(?:[\\t \\x21\\x23-\\x5b\\x5d-\\x7e]|\\\\[\\t \\x21-\\x7e])*"';
/** media-type of RFC 9110 section 8.3.1, without obs-text. */
const MEDIA_TYPE = new RegExp(`^${TOKEN}/${TOKEN}(?:[ \\t]*;[ \\t]*${TOKEN}=(?:${TOKEN}|${QUOTED}))*$`);

/**
 * The type a record is added with; it is sent back as it is.
 *
 * @throws MedledgerError INPUT_INVALID
 */
export function parseContentType(header: string | undefined): string {
  if (header !== undefined && isMediaType(header)) return header;
  throw new MedledgerError(
    'INPUT_INVALID',
    `/content-type must be a media type of at most ${CHARACTERS_MAX} characters, e.g. application/pdf`,
    { extra: { pointer: '/content-type', in: 'header' } },
  );
}

/**
 * Headers for somebody else's bytes. Whatever they claim to be, a browser saves them and runs nothing of them with
 * the rights of this origin, where the portal keeps its session.
 */
export function contentHeaders(input: {
  content: Uint8Array;
  contentType: string;
  recordId: string;
  transactionId: string;
  authorId: string;
  authorOrganisation: string;
  version: number;
}): { [name: string]: string } {
  const digest = createHash('sha256').update(input.content).digest('base64');
  return {
    'content-type': isMediaType(input.contentType) ? input.contentType : 'application/octet-stream',
    // RFC 9530 section 2: a byte sequence of structured fields.
    'content-digest': `sha-256=:${digest}:`,
    'content-disposition': `attachment; filename="${input.recordId}"`,
    'content-security-policy': "sandbox; default-src 'none'",
    'x-content-type-options': 'nosniff',
    'x-transaction-id': input.transactionId,
    // The author's signature over the record was checked before it was shown.
    'x-author': `${input.authorId}@${input.authorOrganisation}`,
    'x-record-version': String(input.version),
    'cache-control': 'no-store',
  };
}

function isMediaType(value: string): boolean {
  return value.length <= CHARACTERS_MAX && MEDIA_TYPE.test(value);
}
