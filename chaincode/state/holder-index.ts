import type {
  DelegationId,
  Grantee,
  GrantId,
  GroupId,
  Member,
  MemberId,
  PatientId,
  RepresentationId,
} from '../domain/index.js';
import { granteeKey } from './keys.js';
import { jsonWrite, readJson } from './stored-json.js';
import type { WorldState, Write } from './world-state.js';

/**
 * Ids of what a patient's statements give to one holder. A decision reads each of them by its own key, so that it sees
 * every revocation; what is dead stays named until the next grant to the holder prunes it.
 */
export interface Holdings {
  readonly grantIds: readonly GrantId[];
  /** Passed on to the holder. */
  readonly delegationIds: readonly DelegationId[];
  /** Of which the holder, a person, is a member. */
  readonly groupIds: readonly GroupId[];
  /** By which the holder, a person, acts for the patient. Never pruned: what was signed under one outlives it. */
  readonly representationIds: readonly RepresentationId[];
}

export const NO_HOLDINGS: Holdings = { grantIds: [], delegationIds: [], groupIds: [], representationIds: [] };

export async function readHoldings(state: WorldState, patientId: PatientId, holder: Grantee): Promise<Holdings> {
  return { ...NO_HOLDINGS, ...(await readJson<Partial<Holdings>>(state, granteeKey(patientId, holder))) };
}

/** Lists that are empty take no room, but for the one of grants. */
export function holdingsWrite(patientId: PatientId, holder: Grantee, holdings: Holdings): Write {
  const { grantIds, ...others } = holdings;
  const filled = Object.entries(others).filter(([, ids]) => ids.length > 0);
  return jsonWrite(granteeKey(patientId, holder), { grantIds, ...Object.fromEntries(filled) });
}

export const person = (id: MemberId): Grantee => ({ kind: 'person', id });

/** Everything that can name this member: itself, its agency with the roles in it, its role anywhere. Groups aside. */
export function holdersOf({ memberId, role, agencyId }: Member): readonly Grantee[] {
  if (role === 'patient') return [person(memberId)];
  const agency: readonly Grantee[] = agencyId === undefined ? [] : [{ kind: 'agency', id: agencyId }];
  return [person(memberId), ...agency, { kind: 'role', id: role }];
}
