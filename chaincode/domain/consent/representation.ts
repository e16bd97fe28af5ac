import type { StoredStatement } from '../answers.js';
import { type MemberId, memberId, type RepresentationId, representationId } from '../ids.js';
import { object, type Parse, timeMs } from '../shape.js';
import { standingOf } from './revocation.js';
import { parseStated, requireByPatient, requireWindow, type Stated } from './stated.js';

/**
 * Parent or carer: reads, gives and takes back as the patient, in entries that name both. Appoints nobody and signs
 * with the own key. What it gave outlives it, as what a guardian signed does.
 */
export interface RepresentationBody {
  readonly representative: MemberId;
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface Representation extends RepresentationBody {
  readonly representationId: RepresentationId;
  readonly version: number;
  readonly revoked: boolean;
}

/** @throws DomainError STATEMENT_INVALID when it is no representation statement, or another than the patient signed it */
export function parseRepresentationStatement(text: string): Stated<RepresentationBody, RepresentationId> {
  const statement = parseStated(text, { kind: 'representation', id: representationId, body: representationBody });
  requireByPatient(statement);
  return statement;
}

/** What the stored statements say now. */
export function representationOf(stored: StoredStatement): Representation {
  const said = parseRepresentationStatement(stored.statement.text);
  return {
    ...said.body,
    representationId: said.id,
    ...standingOf('representation', said, stored.revocation?.text),
  };
}

export const representationBody: Parse<RepresentationBody> = (value, pointer) => {
  const body = parseBody(value, pointer);
  requireWindow(body, pointer);
  return body;
};

const parseBody: Parse<RepresentationBody> = object({
  representative: memberId,
  fromMs: timeMs,
  untilMs: timeMs,
});
