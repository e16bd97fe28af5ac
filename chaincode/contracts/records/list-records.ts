import {
  type Consents,
  decideListing,
  DomainError,
  limits,
  type Member,
  type Page,
  type RecordMetadata,
  type RecordSet,
  recordAt,
  type SetId,
} from '../../domain/index.js';
import type { Question } from '../../state/answer-query.js';
import { actorOf, loadConsentsToList, mayHoldAnything } from '../../state/load-consents.js';
import { listRecordSets, readRecordSet } from '../../state/record-store.js';
import { requirePatient } from '../../state/register-store.js';
import type { WorldState } from '../../state/world-state.js';

type Listing = Question<'records:list'> & { readonly actor: Member };

/** `<place of the set>~<index of the next record in it>`; the place is `<time>~<set id>`. */
const CURSOR = /^(\d{13}~([0-9a-f]{32}))~(\d{1,2})$/;

/** Where a listing goes on: a set's place, and the record in it. */
interface Position {
  readonly place: string;
  readonly index: number;
}

/**
 * Metadata of the patient's records that the caller may know of, oldest first; `fromMs` counts, `toMs` does not.
 * A page may hold less than its limit, or nothing, and still name a next one: sets read per call are bounded.
 */
export async function listRecords(listing: Listing): Promise<Page<RecordMetadata>> {
  const { state, input, actor } = listing;
  const { patientId, limit } = input;
  await requirePatient(state, patientId);
  const consents = await loadConsentsToList(state, { patientId, actor });
  // For somebody to whom nothing was given the list is empty: not even a cursor tells that there is something to list.
  if (!mayHoldAnything({ patientId, actor, atMs: listing.claimedMs }, consents)) return { items: [] };
  const start = positionOf(input.cursor);
  const page = await listRecordSets(state, patientId, { limit: limits.PAGE_ITEMS_MAX, from: start.place });
  const items: RecordMetadata[] = [];
  for await (const { record, position } of recordsIn(state, page.places, start)) {
    if (items.length === limit) return { items, next: position };
    if (isWanted(listing, record, consents)) items.push(record);
  }
  return page.next === undefined ? { items } : { items, next: `${page.next}~0` };
}

/** Set by set, so that none is read after the page is full. */
async function* recordsIn(state: WorldState, places: readonly string[], start: Position) {
  for (const place of places) {
    const set = await requireListedSet(state, place);
    const first = place === start.place ? start.index : 0;
    for (let index = first; index < set.records.length; index++) {
      const record = recordAt(set, index);
      if (record !== undefined) yield { record, position: `${place}~${index}` };
    }
  }
}

function positionOf(cursor: string | undefined): Position {
  if (cursor === undefined) return { place: '', index: 0 };
  const [, place, , index] = CURSOR.exec(cursor) ?? [];
  if (place === undefined) throw new DomainError('INPUT_INVALID', '/cursor is not one that this list gave');
  return { place, index: Number(index) };
}

/** @throws DomainError STATE_CORRUPT: the index and the sets are written together and never deleted */
async function requireListedSet(state: WorldState, place: string): Promise<RecordSet> {
  const set = await readRecordSet(state, parsePlace(place));
  if (set === undefined) throw new DomainError('STATE_CORRUPT', `record set ${place} is listed but gone`);
  return set;
}

function parsePlace(place: string): SetId {
  return place.slice(place.indexOf('~') + 1) as SetId;
}

function isWanted({ input, actor, claimedMs }: Listing, record: RecordMetadata, consents: Consents): boolean {
  const { patientId, fromMs, toMs } = input;
  return (
    (input.class === undefined || record.class === input.class) &&
    (fromMs === undefined || record.dateMs >= fromMs) &&
    (toMs === undefined || record.dateMs < toMs) &&
    decideListing({ actor: actorOf(actor), patientId, record, atMs: claimedMs }, consents)
  );
}
