import { DomainError, type Member, type Statement } from '../../domain/index.js';

/**
 * A statement is about this channel, this patient and the patient's present key.
 *
 * @throws DomainError STATEMENT_INVALID
 */
export function requireOwnStatement(
  statement: Statement<unknown>,
  expected: { readonly channel: string; readonly patient: Member },
): void {
  const { channel, patient } = expected;
  if (statement.channel !== channel) throw invalid('channel', statement.channel, channel);
  if (statement.patientId !== patient.memberId) throw invalid('patientId', statement.patientId, patient.memberId);
  if (statement.keyEpoch !== patient.keyEpoch) throw invalid('keyEpoch', statement.keyEpoch, patient.keyEpoch);
}

function invalid(name: string, given: string | number, expected: string | number | undefined): DomainError {
  return new DomainError('STATEMENT_INVALID', `/statement/${name} is ${given}, expected ${expected}`);
}
