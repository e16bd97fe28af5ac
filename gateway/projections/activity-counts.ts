import type { ItemOutcome, Outcome } from '@medledger/chaincode/domain';

export interface ActivityCount {
  /** ISO date, UTC. */
  readonly day: string;
  /** FHIR resource type, EVERY_CLASS or NO_CLASS. */
  readonly class: string;
  readonly records: number;
  readonly openings: number;
  readonly refusals: number;
  readonly grants: number;
}

/** A grant whose scope names no class. */
export const EVERY_CLASS = '*';
/** A refusal that tells no class: of a record that is not there, or of an addition. */
export const NO_CLASS = '-';

type Kind = 'records' | 'openings' | 'refusals' | 'grants';

/** What one entry adds to the statistics: one count per record, or per class of a grant. */
export function activityOf(input: {
  day: string;
  outcome: Outcome;
  grantedClasses: readonly string[] | undefined;
}): readonly ActivityCount[] {
  const { day, outcome, grantedClasses } = input;
  const count = (kind: Kind, classes: readonly string[]) =>
    classes.map((name) => ({ day, class: name, records: 0, openings: 0, refusals: 0, grants: 0, [kind]: 1 }));
  if (outcome.items !== undefined)
    return [
      ...count('openings', classesOf(outcome.items, 'permit')),
      ...count('refusals', classesOf(outcome.items, 'deny')),
    ];
  if (outcome.outcome === 'deny') return count('refusals', [NO_CLASS]);
  if (outcome.action === 'add')
    return count(
      'records',
      (outcome.sets ?? []).flatMap(({ classes }) => classes),
    );
  if (outcome.action === 'grant' || outcome.action === 'approve')
    return count('grants', grantedClasses ?? [EVERY_CLASS]);
  return [];
}

function classesOf(items: readonly ItemOutcome[], decision: 'permit' | 'deny'): readonly string[] {
  return items.filter(({ outcome }) => outcome === decision).map((item) => item.class ?? NO_CLASS);
}
