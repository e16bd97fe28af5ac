import {
  DomainError,
  type Grant,
  type Grantee,
  type GrantAnswer,
  type GrantId,
  grantOf,
  type Member,
  type Page,
  type PatientId,
  type SignedStatement,
  type StoredGrant,
} from '../domain/index.js';
import { granteeKey, grantKey, grantOwnerKey, grantsPrefix } from './keys.js';
import { jsonWrite, parseStored, readJson } from './stored-json.js';
import type { WorldState, Write } from './world-state.js';

/** As it lies in state. */
export interface GrantRow extends StoredGrant {
  /** Transaction of the last change. */
  readonly txId: string;
}

/** Ids of a patient's grants to one grantee: a decision reads each by its own key, so that it sees every revocation. */
interface GranteeIndex {
  readonly grantIds: readonly GrantId[];
}

export const readGrant = (state: WorldState, patientId: PatientId, grantId: GrantId): Promise<GrantRow | undefined> =>
  readJson(state, grantKey(patientId, grantId));

export async function readGrantOwner(state: WorldState, grantId: GrantId): Promise<PatientId | undefined> {
  return (await readJson<{ patientId: PatientId }>(state, grantOwnerKey(grantId)))?.patientId;
}

export function grantWrite(patientId: PatientId, grantId: GrantId, row: GrantRow): Write {
  return jsonWrite(grantKey(patientId, grantId), row);
}

/** A new grant: itself, whose it is, and the index through which decisions find it. */
export function newGrantWrites(
  grant: { patientId: PatientId; grantId: GrantId; grantee: Grantee; statement: SignedStatement; txId: string },
  otherGrantIds: readonly GrantId[],
): readonly Write[] {
  const { patientId, grantId, grantee, statement, txId } = grant;
  const index: GranteeIndex = { grantIds: [...otherGrantIds, grantId] };
  return [
    grantWrite(patientId, grantId, { grant: statement, txId }),
    jsonWrite(grantOwnerKey(grantId), { patientId }),
    jsonWrite(granteeKey(patientId, grantee), index),
  ];
}

/** Grants of the patient that the index of this grantee names, dead ones included until the next grant prunes them. */
export async function readGrantsTo(
  state: WorldState,
  patientId: PatientId,
  grantee: Grantee,
): Promise<readonly Grant[]> {
  const index = await readJson<GranteeIndex>(state, granteeKey(patientId, grantee));
  const grants: Grant[] = [];
  for (const grantId of index?.grantIds ?? []) {
    const row = await readGrant(state, patientId, grantId);
    // Grants are never deleted: one that is gone was taken away behind the chain's back.
    if (row === undefined) throw new DomainError('STATE_CORRUPT', `${grantKey(patientId, grantId)} is gone`);
    grants.push(requireGrant(patientId, row, grantId));
  }
  return grants;
}

/** @throws DomainError STATE_CORRUPT when what is stored is not the statement that was checked */
export function requireGrant(patientId: PatientId, row: GrantRow, grantId: GrantId): Grant {
  try {
    return grantOf(row);
  } catch (cause) {
    throw new DomainError('STATE_CORRUPT', `${grantKey(patientId, grantId)} holds no grant`, { cause });
  }
}

/** All grants under which the member could act: to the person, and to its agency. None for the patient itself. */
export async function readGrantsFor(state: WorldState, patientId: PatientId, actor: Member): Promise<readonly Grant[]> {
  if (actor.memberId === patientId) return [];
  const toPerson = await readGrantsTo(state, patientId, { kind: 'person', id: actor.memberId });
  if (actor.agencyId === undefined) return toPerson;
  return [...toPerson, ...(await readGrantsTo(state, patientId, { kind: 'agency', id: actor.agencyId }))];
}

/** Every grant the patient ever gave, in order of id. For queries only. */
export async function listGrants(
  state: WorldState,
  patientId: PatientId,
  page: { limit: number; cursor?: string },
): Promise<Page<GrantAnswer>> {
  const prefix = grantsPrefix(patientId);
  const rows = await state.page(prefix, page);
  const items = rows.items.map(({ place, text }) => {
    const row = parseStored<GrantRow>(`${prefix}${place}`, text);
    return { grantId: parseGrantPlace(place), stored: storedOf(row), txId: row.txId };
  });
  return rows.next === undefined ? { items } : { items, next: rows.next };
}

/** The statements alone. */
export function storedOf({ grant, revocation }: GrantRow): StoredGrant {
  return revocation === undefined ? { grant } : { grant, revocation };
}

/** The key was built from a parsed grant id. */
function parseGrantPlace(place: string): GrantId {
  return place as GrantId;
}
