import { DomainError } from '../errors.js';
import {
  type DelegationId,
  delegationId,
  type GrantId,
  grantId,
  type RepresentationId,
  representationId,
} from '../ids.js';
import { object, type Parse } from '../shape.js';
import { parseStatement, type Statement } from '../statement.js';
import { parseStated, type Stated } from './stated.js';

/** The statement that takes something back says nothing more than what: its id is that of what it takes. */
export const revocationBody: Parse<Record<string, never>> = object({});

const TAKEN_IDS = { grant: grantId, delegation: delegationId, representation: representationId };

/** What can be taken back. */
export type Taken = keyof typeof TAKEN_IDS;

export type Revocation = Statement<unknown> &
  (
    | { readonly takes: 'grant'; readonly id: GrantId }
    | { readonly takes: 'delegation'; readonly id: DelegationId }
    | { readonly takes: 'representation'; readonly id: RepresentationId }
  );

/** @throws DomainError STATEMENT_INVALID when it takes back nothing that can be taken back */
export function parseRevocationStatement(text: string): Revocation {
  const { id } = parseStatement(text, revocationBody);
  if (id.startsWith('g')) return { ...parseRevocationOf('grant', text), takes: 'grant' };
  if (id.startsWith('d')) return { ...parseRevocationOf('delegation', text), takes: 'delegation' };
  if (id.startsWith('r')) return { ...parseRevocationOf('representation', text), takes: 'representation' };
  throw new DomainError('STATEMENT_INVALID', `/statement/id ${id} names nothing that can be taken back`);
}

/** The revocation of a grant, a delegation or a representation, and of nothing else. */
export function parseRevocationOf<T extends Taken>(
  taken: T,
  text: string,
): Stated<unknown, ReturnType<(typeof TAKEN_IDS)[T]>> {
  const id = TAKEN_IDS[taken] as Parse<ReturnType<(typeof TAKEN_IDS)[T]>>;
  return parseStated(text, { kind: 'revocation', id, body: revocationBody });
}

/**
 * Version and end of what was said and perhaps taken back.
 *
 * @throws DomainError STATEMENT_INVALID when the revocation is of something else
 */
export function standingOf(
  taken: Taken,
  said: Statement<unknown>,
  revocationText: string | undefined,
): { readonly version: number; readonly revoked: boolean } {
  if (revocationText === undefined) return { version: said.version, revoked: false };
  const revocation = parseRevocationOf(taken, revocationText);
  if (revocation.id !== said.id || revocation.patientId !== said.patientId)
    throw new DomainError('STATEMENT_INVALID', `the revocation is of ${revocation.id}, not of ${said.id}`);
  return { version: revocation.version, revoked: true };
}
