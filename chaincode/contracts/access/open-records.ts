import { type ItemOutcome, type Outcome, setsOf } from '../../domain/index.js';
import type { Reads, Rule } from '../../state/extend-lane.js';
import { recordSetKey } from '../../state/keys.js';
import { actorOf, loadConsents } from '../../state/load-consents.js';
import { decideRecords, wholeOf } from './decide-records.js';

export const openReads: Reads<'access:open'> = ({ recordIds }) => setsOf(recordIds).map(recordSetKey);

/** Decides each record for itself and writes every decision. The answer holds pointers and digests, no key. */
export const openRecords: Rule<'access:open'> = async ({ state, actor, input, timeMs }) => {
  const { patientId, purpose, recordIds } = input;
  const consents = await loadConsents(state, { patientId, actor });
  const common = { actor: actorOf(actor), patientId, action: 'read', purpose, atMs: timeMs } as const;
  const { items, records, spending } = await decideRecords(state, { common, recordIds }, consents);
  return {
    outcome: { action: 'open', ...wholeOf(items), purpose, items, ...representationIn(items) },
    records,
    writes: () => spending,
  };
};

/** Entries of a representative name both: the lane the person, the outcome by which right it acts. */
function representationIn(items: readonly ItemOutcome[]): Pick<Outcome, 'representationId'> {
  for (const item of items)
    if (item.outcome === 'permit' && item.basis.kind === 'representation')
      return { representationId: item.basis.representationId };
  return {};
}
