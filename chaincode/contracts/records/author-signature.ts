import {
  type Member,
  type PatientId,
  recordDigest,
  recordSetStatement,
  requireSignature,
  type SetId,
  type StoredRecord,
} from '../../domain/index.js';
import { verifySignature } from '../../state/verify-signature.js';

/**
 * Who adds records signs them: readers check it when the author's organisation is gone.
 *
 * @throws DomainError SIGNATURE_INVALID
 */
export function requireAuthorSignature(
  set: { readonly setId: SetId; readonly records: readonly StoredRecord[]; readonly authorSignature: string },
  of: { readonly channel: string; readonly patientId: PatientId; readonly author: Member },
): void {
  const { setId, records, authorSignature } = set;
  const { channel, patientId, author } = of;
  const digests = records.map(recordDigest);
  const text = recordSetStatement({ channel, patientId, authorId: author.memberId, setId, digests });
  requireSignature({ text, signature: authorSignature }, author.signingKey, verifySignature);
}
