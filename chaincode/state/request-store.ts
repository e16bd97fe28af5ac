import {
  DomainError,
  type MemberId,
  type Page,
  type PatientId,
  type RequestId,
  type StoredAccessRequest,
} from '../domain/index.js';
import { requesterKey, requesterPrefix, requestKey, requestOwnerKey, requestsPrefix } from './keys.js';
import { jsonWrite, parseStored, readJson } from './stored-json.js';
import type { WorldState, Write } from './world-state.js';

interface Owner {
  readonly patientId: PatientId;
}

export const readRequest = (
  state: WorldState,
  patientId: PatientId,
  requestId: RequestId,
): Promise<StoredAccessRequest | undefined> => readJson(state, requestKey(patientId, requestId));

export async function readRequestOwner(state: WorldState, requestId: RequestId): Promise<PatientId | undefined> {
  return (await readJson<Owner>(state, requestOwnerKey(requestId)))?.patientId;
}

export function requestWrite(request: StoredAccessRequest): Write {
  return jsonWrite(requestKey(request.patientId, request.requestId), request);
}

/** A new request: itself, whose it is, and its place in the list of the one who asks. */
export function newRequestWrites(request: StoredAccessRequest): readonly Write[] {
  const { patientId, requestId, requesterId } = request;
  const owner: Owner = { patientId };
  return [
    requestWrite(request),
    jsonWrite(requestOwnerKey(requestId), owner),
    jsonWrite(requesterKey(requesterId, requestId), owner),
  ];
}

/** Requests to a patient, in order of id. For queries only. */
export async function listRequestsTo(
  state: WorldState,
  patientId: PatientId,
  page: { limit: number; cursor?: string },
): Promise<Page<StoredAccessRequest>> {
  const prefix = requestsPrefix(patientId);
  const rows = await state.page(prefix, page);
  const items = rows.items.map(({ place, text }) => parseStored<StoredAccessRequest>(`${prefix}${place}`, text));
  return rows.next === undefined ? { items } : { items, next: rows.next };
}

/** Requests that a member made, in order of id. For queries only. */
export async function listRequestsOf(
  state: WorldState,
  memberId: MemberId,
  page: { limit: number; cursor?: string },
): Promise<Page<StoredAccessRequest>> {
  const prefix = requesterPrefix(memberId);
  const rows = await state.page(prefix, page);
  const items: StoredAccessRequest[] = [];
  for (const { place, text } of rows.items) {
    const key = `${prefix}${place}`;
    const { patientId } = parseStored<Owner>(key, text);
    const request = await readRequest(state, patientId, parseRequestPlace(place));
    if (request === undefined) throw new DomainError('STATE_CORRUPT', `${key} names a request that is not there`);
    items.push(request);
  }
  return rows.next === undefined ? { items } : { items, next: rows.next };
}

/** The key was built from a parsed request id. */
function parseRequestPlace(place: string): RequestId {
  return place as RequestId;
}
