import {
  decideListing,
  type Grant,
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
import { readGrantsFor } from '../../state/grant-store.js';
import { readSetsOf } from '../../state/record-store.js';
import type { WorldState } from '../../state/world-state.js';

/** Whose records these are; ids that are not stored are left out. */
export async function locateRecords({ state, input }: Question<'records:locate'>): Promise<LocateAnswer> {
  const records = await readNamed(state, input.recordIds);
  return records.map(({ recordId, patientId }) => ({ recordId, patientId }));
}

/** Metadata of the named records that the caller may list or has written itself; others are left out. */
export async function describeRecords(
  question: Question<'records:metadata'> & { readonly actor: Member },
): Promise<MetadataAnswer> {
  const { state, actor, input, claimedMs } = question;
  const grants = new Map<PatientId, readonly Grant[]>();
  const described: RecordMetadata[] = [];
  for (const record of await readNamed(state, input.recordIds)) {
    const { patientId, authorId } = record;
    const given = grants.get(patientId) ?? (await readGrantsFor(state, patientId, actor));
    grants.set(patientId, given);
    const isListed = decideListing({ actor, patientId, record, atMs: claimedMs }, given);
    if (isListed || authorId === actor.memberId) described.push(record);
  }
  return described;
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
