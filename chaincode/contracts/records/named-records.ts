import {
  type Consents,
  decideListing,
  type LocateAnswer,
  type Member,
  type MetadataAnswer,
  type PatientId,
  placeOf,
  type RecordId,
  type RecordMetadata,
  recordAt,
} from '../../domain/index.js';
import type { Question } from '../../state/answer-query.js';
import { actorOf, loadConsentsToList } from '../../state/load-consents.js';
import type { Proposal } from '../../state/proposal.js';
import { readSetsOf } from '../../state/record-store.js';
import type { WorldState } from '../../state/world-state.js';

export interface Asked {
  readonly actor: Member;
}

/** Whose records these are; ids that are not stored are left out. */
export async function locateRecords({ state, input }: Question<'records:locate'>): Promise<LocateAnswer> {
  const records = await readNamed(state, input.recordIds);
  return records.map(({ recordId, patientId }) => ({ recordId, patientId }));
}

/** Metadata of the named records that the caller may list or has written itself; others are left out. */
export async function describeRecords(question: Question<'records:metadata'> & Asked): Promise<MetadataAnswer> {
  return knownToCaller(question, await readNamed(question.state, question.input.recordIds));
}

/**
 * Those that the caller may list or has written itself.
 *
 * @param options.spentToo - those, too, whose grant the caller has used up: whoever made the last opening is still to
 * check who signed the record
 */
export async function knownToCaller(
  { state, actor, claimedMs }: Pick<Proposal, 'state' | 'claimedMs'> & Asked,
  records: readonly RecordMetadata[],
  options: { readonly spentToo: boolean } = { spentToo: false },
): Promise<readonly RecordMetadata[]> {
  const loaded = new Map<PatientId, Consents>();
  const known: RecordMetadata[] = [];
  for (const record of records) {
    const { patientId, authorId } = record;
    const consents = loaded.get(patientId) ?? (await loadConsentsToList(state, { patientId, actor }));
    loaded.set(patientId, consents);
    const counted = options.spentToo ? { ...consents, used: {} } : consents;
    const isListed = decideListing({ actor: actorOf(actor), patientId, record, atMs: claimedMs }, counted);
    if (isListed || authorId === actor.memberId) known.push(record);
  }
  return known;
}

async function readNamed(state: WorldState, recordIds: readonly RecordId[]): Promise<readonly RecordMetadata[]> {
  const sets = await readSetsOf(state, recordIds);
  return recordIds.flatMap((recordId) => {
    const { setId, index } = placeOf(recordId);
    const set = sets.get(setId);
    const record = set === undefined ? undefined : recordAt(set, index);
    return record === undefined ? [] : [record];
  });
}
