import { DomainError, limits, type RecordId, type RecordMetadata, type VersionsAnswer } from '../../domain/index.js';
import type { Question } from '../../state/answer-query.js';
import { listRelated, readRecord, readReplacement } from '../../state/record-store.js';
import type { WorldState } from '../../state/world-state.js';
import { type Asked, knownToCaller } from './named-records.js';

/**
 * The versions before and after one record, oldest first, each followed by what disputes it.
 *
 * @throws DomainError RECORD_UNKNOWN, also where the caller may know of none of them
 */
export async function listVersions(question: Question<'records:versions'> & Asked): Promise<VersionsAnswer> {
  const { state, input } = question;
  const named = await readRecord(state, input.recordId);
  const versions = named === undefined ? [] : await chainAround(state, named);
  const all: RecordMetadata[] = [];
  for (const version of versions) all.push(version, ...(await disputesOf(state, version)));
  const known = await knownToCaller(question, all);
  if (known.length === 0) throw new DomainError('RECORD_UNKNOWN', `no record ${input.recordId}`);
  return known;
}

async function chainAround(state: WorldState, named: RecordMetadata): Promise<readonly RecordMetadata[]> {
  const chain: RecordMetadata[] = [await firstOf(state, named)];
  for (let next = await nextOf(state, chain.at(-1)); next !== undefined; next = await nextOf(state, chain.at(-1))) {
    if (chain.length === limits.PAGE_ITEMS_MAX) break;
    chain.push(next);
  }
  return chain;
}

/** A disputing record is a first version itself: it stands beside the one it is about. */
async function firstOf(state: WorldState, record: RecordMetadata): Promise<RecordMetadata> {
  let first = record;
  for (let steps = 0; steps < limits.PAGE_ITEMS_MAX && first.relatesTo !== undefined; steps++)
    first = await requireRecord(state, first.relatesTo.recordId);
  return first;
}

async function nextOf(state: WorldState, record: RecordMetadata | undefined): Promise<RecordMetadata | undefined> {
  const next = record === undefined ? undefined : await readReplacement(state, record.recordId);
  return next === undefined ? undefined : requireRecord(state, next);
}

async function disputesOf(state: WorldState, { recordId }: RecordMetadata): Promise<readonly RecordMetadata[]> {
  const disputes: RecordMetadata[] = [];
  for (const related of await listRelated(state, recordId, { limit: limits.PAGE_ITEMS_MAX })) {
    const record = await requireRecord(state, related);
    if (record.relatesTo?.kind === 'disputes') disputes.push(record);
  }
  return disputes;
}

async function requireRecord(state: WorldState, recordId: RecordId): Promise<RecordMetadata> {
  const record = await readRecord(state, recordId);
  if (record === undefined) throw new DomainError('STATE_CORRUPT', `record ${recordId} is related to but gone`);
  return record;
}
