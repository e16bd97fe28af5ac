import { DomainError } from '../errors.js';
import type { MemberId } from '../ids.js';
import type { Parse } from '../shape.js';
import { parseStatement, type Statement, type StatementKind } from '../statement.js';

/** Of one kind, with the id that this kind has. */
export type Stated<Body, Id extends string> = Statement<Body> & { readonly id: Id };

/**
 * Reads a statement of one kind; its signature is not checked here.
 *
 * @throws DomainError STATEMENT_INVALID when it is of another kind, or its id is
 */
export function parseStated<Body, Id extends string>(
  text: string,
  expected: { readonly kind: StatementKind; readonly id: Parse<Id>; readonly body: Parse<Body> },
): Stated<Body, Id> {
  const statement = parseStatement(text, expected.body);
  if (statement.kind !== expected.kind)
    throw new DomainError('STATEMENT_INVALID', `the statement is no ${expected.kind} but a ${statement.kind}`);
  return { ...statement, id: parseStatedId(statement.id, expected.id) };
}

function parseStatedId<Id extends string>(id: string, parse: Parse<Id>): Id {
  try {
    return parse(id, '/statement/id');
  } catch (cause) {
    if (!(cause instanceof DomainError)) throw cause;
    throw new DomainError('STATEMENT_INVALID', cause.message, { cause });
  }
}

/** Who signed what only somebody else than the patient says. */
export function requireBy(statement: Statement<unknown>): MemberId {
  if (statement.by === undefined || statement.by === statement.patientId)
    throw new DomainError('STATEMENT_INVALID', `/statement/by must name who signed the ${statement.kind}`);
  return statement.by;
}

/** What only the patient says, and nobody for it. */
export function requireByPatient(statement: Statement<unknown>): void {
  if (statement.by !== undefined)
    throw new DomainError('STATEMENT_INVALID', `only the patient signs a ${statement.kind}: leave /statement/by out`);
}

/** @throws DomainError INPUT_INVALID unless there is time between the two */
export function requireWindow(window: { fromMs: number; untilMs: number }, pointer: string): void {
  if (window.untilMs <= window.fromMs)
    throw new DomainError('INPUT_INVALID', `${pointer}/untilMs must be after fromMs`);
}
