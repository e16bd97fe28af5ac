import {
  type Consents,
  DomainError,
  type Member,
  mayActFor,
  type PatientId,
  type RecordMetadata,
  type RecordSet,
  type SetId,
  type StoredRecord,
} from '../../domain/index.js';
import { actorOf } from '../../state/load-consents.js';
import { readRecord, readReplacement } from '../../state/record-store.js';
import { readMember } from '../../state/register-store.js';
import type { WorldState } from '../../state/world-state.js';

interface Relating {
  readonly state: WorldState;
  readonly actor: Member;
  readonly patientId: PatientId;
  readonly consents: Consents;
  readonly timeMs: number;
}

type NewSet = { readonly setId: SetId; readonly records: readonly StoredRecord[] };

/**
 * What each new record is to an earlier one, checked, and the versions that follow from it.
 *
 * @returns what a stored set says of its versions
 * @throws DomainError RECORD_UNKNOWN, ROLE_NOT_ALLOWED, NOT_THE_PATIENT, VERSION_CONFLICT, INPUT_INVALID
 */
export async function versionsOf(
  sets: readonly NewSet[],
  relating: Relating,
): Promise<(set: { readonly setId: SetId }) => Pick<RecordSet, 'versions'>> {
  requireReplacedOnce(sets);
  const bySet = new Map<SetId, readonly number[]>();
  for (const { setId, records } of sets) {
    const versions: number[] = [];
    for (const record of records) versions.push(await versionOf(record, relating));
    if (versions.some((version) => version > 1)) bySet.set(setId, versions);
  }
  return ({ setId }) => {
    const versions = bySet.get(setId);
    return versions === undefined ? {} : { versions };
  };
}

/** Two new versions of one record in one call: the second would hide the first. */
function requireReplacedOnce(sets: readonly NewSet[]): void {
  const relations = sets.flatMap(({ records }) => records.flatMap(({ relatesTo }) => relatesTo ?? []));
  const replaced = relations.filter(({ kind }) => kind === 'replaces').map(({ recordId }) => recordId);
  if (new Set(replaced).size !== replaced.length)
    throw new DomainError('INPUT_INVALID', '/sets replaces one record twice');
}

async function versionOf(record: StoredRecord, relating: Relating): Promise<number> {
  const { relatesTo } = record;
  if (relatesTo === undefined) return 1;
  const { state, patientId } = relating;
  const target = await readRecord(state, relatesTo.recordId);
  if (target === undefined || target.patientId !== patientId)
    throw new DomainError('RECORD_UNKNOWN', `patient ${patientId} has no record ${relatesTo.recordId}`);
  if (relatesTo.kind === 'disputes') return requireDispute(relating);
  await requireReplacement(record, target, relating);
  return target.version + 1;
}

/** The patient's own word beside somebody else's: a first version of its own. */
function requireDispute({ actor, patientId, consents, timeMs }: Relating): number {
  if (mayActFor(actorOf(actor), patientId, consents, timeMs) !== undefined) return 1;
  throw new DomainError('NOT_THE_PATIENT', `${actor.memberId} is neither patient ${patientId} nor represents it`);
}

async function requireReplacement(record: StoredRecord, target: RecordMetadata, relating: Relating): Promise<void> {
  const { state, actor } = relating;
  if (record.class !== target.class)
    throw new DomainError('INPUT_INVALID', `/record/class is ${record.class}, that of the replaced is ${target.class}`);
  if (!(await isOfSameHouse(state, actor, target)))
    throw new DomainError('ROLE_NOT_ALLOWED', `${target.recordId} is by ${target.authorId}, of another agency`);
  const newer = await readReplacement(state, target.recordId);
  if (newer !== undefined)
    throw new DomainError('VERSION_CONFLICT', `${target.recordId} was replaced by ${newer}: replace that one`);
}

/** Whoever works where the record was written mends it; what a person added itself, that person does. */
async function isOfSameHouse(state: WorldState, actor: Member, { authorId }: RecordMetadata): Promise<boolean> {
  if (actor.memberId === authorId) return true;
  const author = await readMember(state, authorId);
  return author?.agencyId !== undefined && author.agencyId === actor.agencyId;
}
