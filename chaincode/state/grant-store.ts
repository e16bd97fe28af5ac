import {
  DomainError,
  type Grant,
  type Grantee,
  type GrantAnswer,
  type GrantId,
  grantOf,
  type Page,
  type PatientId,
  type SignedStatement,
  type StoredGrant,
} from '../domain/index.js';
import { type Holdings, holdingsWrite } from './holder-index.js';
import { grantKey, grantOwnerKey, grantsPrefix } from './keys.js';
import { jsonWrite, parseStored, readJson } from './stored-json.js';
import { readUsed } from './use-store.js';
import type { WorldState, Write } from './world-state.js';

/** As it lies in state. */
export interface GrantRow extends StoredGrant {
  /** Transaction of the last change. */
  readonly txId: string;
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
  holdings: Holdings,
): readonly Write[] {
  const { patientId, grantId, grantee, statement, txId } = grant;
  return [
    grantWrite(patientId, grantId, { grant: statement, txId }),
    jsonWrite(grantOwnerKey(grantId), { patientId }),
    holdingsWrite(patientId, grantee, { ...holdings, grantIds: [...holdings.grantIds, grantId] }),
  ];
}

/**
 * Named grants of the patient, each read by its own key.
 *
 * @throws DomainError STATE_CORRUPT: grants are never deleted, so one that is gone was taken away behind the chain's back
 */
export async function readGrants(
  state: WorldState,
  patientId: PatientId,
  grantIds: readonly GrantId[],
): Promise<readonly GrantRow[]> {
  await state.readAhead(grantIds.map((grantId) => grantKey(patientId, grantId)));
  const rows: GrantRow[] = [];
  for (const grantId of grantIds) {
    const row = await readGrant(state, patientId, grantId);
    if (row === undefined) throw new DomainError('STATE_CORRUPT', `${grantKey(patientId, grantId)} is gone`);
    rows.push(row);
  }
  return rows;
}

/** @throws DomainError STATE_CORRUPT when what is stored is not the statement that was checked */
export function requireGrant(patientId: PatientId, row: GrantRow, grantId: GrantId): Grant {
  try {
    return grantOf(row);
  } catch (cause) {
    throw new DomainError('STATE_CORRUPT', `${grantKey(patientId, grantId)} holds no grant`, { cause });
  }
}

/** Every grant the patient ever gave, in order of id. For queries only. */
export async function listGrants(
  state: WorldState,
  patientId: PatientId,
  page: { limit: number; cursor?: string },
): Promise<Page<GrantAnswer>> {
  const prefix = grantsPrefix(patientId);
  const rows = await state.page(prefix, page);
  const items: GrantAnswer[] = [];
  for (const { place, text } of rows.items) {
    const grantId = parseGrantPlace(place);
    const row = parseStored<GrantRow>(`${prefix}${place}`, text);
    const { [grantId]: used } = await readUsed(state, patientId, [grantId]);
    items.push({ grantId, stored: storedOf(row), ...(used === undefined ? {} : { used }), txId: row.txId });
  }
  return rows.next === undefined ? { items } : { items, next: rows.next };
}

/** Every grant of the patient that is not taken back and has not ended. For queries only. */
export async function listHoldingGrants(
  state: WorldState,
  patientId: PatientId,
  asOf: { atMs: number; pageItems: number },
): Promise<readonly StoredGrant[]> {
  const prefix = grantsPrefix(patientId);
  const rows = await state.all(prefix, asOf.pageItems);
  return rows.flatMap(({ place, text }) => {
    const row = parseStored<GrantRow>(`${prefix}${place}`, text);
    const grant = requireGrant(patientId, row, parseGrantPlace(place));
    return grant.revoked || grant.untilMs <= asOf.atMs ? [] : [storedOf(row)];
  });
}

/** The statements alone. */
export function storedOf({ grant, revocation }: GrantRow): StoredGrant {
  return revocation === undefined ? { grant } : { grant, revocation };
}

/** The key was built from a parsed grant id. */
function parseGrantPlace(place: string): GrantId {
  return place as GrantId;
}
