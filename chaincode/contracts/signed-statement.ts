import {
  DomainError,
  type Member,
  type PatientId,
  requireSignature,
  type SignedStatement,
  type Statement,
} from '../domain/index.js';
import { verifySignature } from '../state/verify-signature.js';

/** Staff has no key epochs yet: a person with a new key is a new member. */
const FIRST_KEY_EPOCH = 0;

/**
 * A statement is about this channel and this patient, says who signs it, and was signed with that one's present key.
 *
 * @throws DomainError STATEMENT_INVALID, SIGNATURE_INVALID
 */
export function requireSignedBy(
  signer: Member,
  signed: SignedStatement,
  statement: Statement<unknown>,
  about: { readonly channel: string; readonly patientId: PatientId },
): void {
  const { channel, patientId } = about;
  const by = signer.memberId === patientId ? undefined : signer.memberId;
  if (statement.channel !== channel) throw invalid('channel', statement.channel, channel);
  if (statement.patientId !== patientId) throw invalid('patientId', statement.patientId, patientId);
  if (statement.by !== by) throw invalid('by', statement.by, by);
  const keyEpoch = signer.keyEpoch ?? FIRST_KEY_EPOCH;
  if (statement.keyEpoch !== keyEpoch) throw invalid('keyEpoch', statement.keyEpoch, keyEpoch);
  requireSignature(signed, signer.signingKey, verifySignature);
}

type Stated = string | number | undefined;

function invalid(name: string, given: Stated, expected: Stated): DomainError {
  return new DomainError(
    'STATEMENT_INVALID',
    `/statement/${name} is ${given ?? 'absent'}, expected ${expected ?? 'none'}`,
  );
}

/**
 * The statement follows the stored version; the first of all is version 1.
 *
 * @throws DomainError VERSION_CONFLICT
 */
export function requireNext(statement: Statement<unknown>, storedVersion: number | undefined): void {
  const next = (storedVersion ?? 0) + 1;
  if (statement.version !== next)
    throw new DomainError('VERSION_CONFLICT', `the next version is ${next}, not ${statement.version}`);
}
