import {
  type Actor,
  type Consents,
  type ConsentsAnswer,
  consentsOf,
  DomainError,
  emergencyOf,
  type Grant,
  type GrantId,
  type GroupId,
  isEmergencyLive,
  isLive,
  mayActFor,
  type Member,
  NO_CONSENTS,
  parseDelegationStatement,
  type PatientId,
  reaches,
  type RepresentationId,
  type StoredGrant,
  type StoredStatement,
} from '../domain/index.js';
import { readOwnEmergencies } from './emergency-store.js';
import { readGrants, storedOf } from './grant-store.js';
import { type Holdings, holdersOf, NO_HOLDINGS, person, readHoldings } from './holder-index.js';
import { granteeKey, policyKey } from './keys.js';
import { readNoticed } from './notice-store.js';
import {
  readDelegation,
  readGroup,
  readPolicy,
  readRepresentation,
  type StatementRow,
  statementsOf,
} from './statement-store.js';
import { readUsed } from './use-store.js';
import type { WorldState } from './world-state.js';

/** Whose consents, and who they are to concern. */
export interface Concerned {
  readonly patientId: PatientId;
  readonly actor: Member;
}

/** The actor as the rules read it: what the register says, and since when. */
export function actorOf({ memberId, role, agencyId, registerVersion }: Member): Actor {
  return {
    memberId,
    role,
    ...(agencyId === undefined ? {} : { agencyId }),
    ...(registerVersion === undefined ? {} : { registerVersion }),
  };
}

/**
 * What a patient has said that can concern one actor: three index keys, the policy, and each thing they name by its own
 * key, so that an opening endorsed before a change of any of them is invalid after it. No emergencies: who declares one
 * brings it along.
 *
 * @throws DomainError STATE_CORRUPT
 */
export async function loadConsents(state: WorldState, concerned: Concerned): Promise<Consents> {
  // The own records need nobody's consent.
  if (concerned.actor.memberId === concerned.patientId) return NO_CONSENTS;
  return withCounts(state, concerned, parseConsents(concerned, await loadStatements(state, concerned)));
}

/** The same as signed: what the actor may know of, with the counts that concern it. */
export async function loadStatementsWithCounts(state: WorldState, concerned: Concerned): Promise<ConsentsAnswer> {
  const statements = await loadStatements(state, concerned);
  const { used, noticed } = await withCounts(state, concerned, parseConsents(concerned, statements));
  return { ...statements, used, noticed };
}

/** Representations alone: who acts for the patient. */
export async function loadRepresentations(state: WorldState, concerned: Concerned): Promise<Consents> {
  const { patientId, actor } = concerned;
  const { representationIds } = await readHoldings(state, patientId, person(actor.memberId));
  const representations = await readRepresentations(state, patientId, representationIds);
  return parseConsents(concerned, { ...NO_CONSENTS, representations });
}

async function loadStatements(state: WorldState, { patientId, actor }: Concerned): Promise<ConsentsAnswer> {
  const indexKeys = holdersOf(actor).map((holder) => granteeKey(patientId, holder));
  await state.readAhead([policyKey(patientId), ...indexKeys]);
  const policy = await readPolicy(state, patientId);
  const held = await readAllHoldings(state, patientId, actor);
  const groups = await readEach(held.groupIds, (id) => readGroup(state, patientId, id));
  const grantIds = [...held.grantIds, ...(await grantsToGroups(state, patientId, held.groupIds))];
  const delegations = await readEach(held.delegationIds, (id) => readDelegation(state, patientId, id));
  const parentIds = delegations.map(({ statement }) => parseDelegationStatement(statement.text).body.parentId);
  return {
    ...NO_CONSENTS,
    ...(policy === undefined ? {} : { policy: policy.statement }),
    grants: await readStoredGrants(state, patientId, [...new Set([...grantIds, ...parentIds])]),
    delegations,
    groups: groups.map(({ statement }) => statement),
    representations: await readRepresentations(state, patientId, held.representationIds),
  };
}

async function readAllHoldings(state: WorldState, patientId: PatientId, actor: Member): Promise<Holdings> {
  let all = NO_HOLDINGS;
  for (const holder of holdersOf(actor)) {
    const held = await readHoldings(state, patientId, holder);
    all = {
      grantIds: [...all.grantIds, ...held.grantIds],
      delegationIds: [...all.delegationIds, ...held.delegationIds],
      groupIds: [...all.groupIds, ...held.groupIds],
      representationIds: [...all.representationIds, ...held.representationIds],
    };
  }
  return all;
}

async function grantsToGroups(
  state: WorldState,
  patientId: PatientId,
  groupIds: readonly GroupId[],
): Promise<readonly GrantId[]> {
  const ids: GrantId[] = [];
  for (const id of groupIds) ids.push(...(await readHoldings(state, patientId, { kind: 'group', id })).grantIds);
  return ids;
}

async function readStoredGrants(
  state: WorldState,
  patientId: PatientId,
  grantIds: readonly GrantId[],
): Promise<readonly StoredGrant[]> {
  return (await readGrants(state, patientId, grantIds)).map(storedOf);
}

function readRepresentations(
  state: WorldState,
  patientId: PatientId,
  ids: readonly RepresentationId[],
): Promise<readonly StoredStatement[]> {
  return readEach(ids, (id) => readRepresentation(state, patientId, id));
}

/** Statements are never deleted: one that an index names and that is gone was taken away behind the chain's back. */
async function readEach<Id extends string>(
  ids: readonly Id[],
  read: (id: Id) => Promise<StatementRow | undefined>,
): Promise<readonly StoredStatement[]> {
  const rows: StoredStatement[] = [];
  for (const id of ids) {
    const row = await read(id);
    if (row === undefined) throw new DomainError('STATE_CORRUPT', `statement ${id} is indexed but gone`);
    rows.push(statementsOf(row));
  }
  return rows;
}

/** @throws DomainError STATE_CORRUPT when what is stored is not what was checked when it was stored */
export function parseConsents({ patientId }: Pick<Concerned, 'patientId'>, stored: ConsentsAnswer): Consents {
  try {
    return consentsOf(stored);
  } catch (cause) {
    throw new DomainError('STATE_CORRUPT', `the stored consents of ${patientId} cannot be read`, { cause });
  }
}

/** Counters are read only where something is counted, and the notice only where the actor came after a trusted group. */
async function withCounts(state: WorldState, { patientId, actor }: Concerned, consents: Consents): Promise<Consents> {
  const counted = consents.grants.filter(isCounted).map(({ grantId }) => grantId);
  const used = await readUsed(state, patientId, counted);
  if (!needsNotice(actor, consents)) return { ...consents, used };
  const registerVersion = await readNoticed(state, patientId, actor.memberId);
  return { ...consents, used, noticed: registerVersion === undefined ? {} : { [actor.memberId]: registerVersion } };
}

function isCounted({ uses, revoked }: Grant): boolean {
  return uses !== undefined && !revoked;
}

/** Whether something trusts a group of members as it was before the actor came. */
export function needsNotice({ registerVersion }: Pick<Member, 'registerVersion'>, consents: Consents): boolean {
  if (registerVersion === undefined) return false;
  const rule = consents.policy?.defaultRule;
  const trusting = [...consents.grants, ...consents.delegations, ...(rule?.kind === 'permit' ? [rule] : [])];
  return trusting.some((given) => given.registerVersion !== undefined && given.registerVersion < registerVersion);
}

/** The same with the emergencies that the actor declared and nobody has reviewed: a listing follows those too. */
export async function loadConsentsToList(state: WorldState, concerned: Concerned): Promise<Consents> {
  const { patientId, actor } = concerned;
  const consents = await loadConsents(state, concerned);
  if (actor.memberId === patientId) return consents;
  const own = await readOwnEmergencies(state, patientId, actor.memberId);
  return { ...consents, emergencies: own.map(({ declaration }) => emergencyOf(declaration)) };
}

/** Whether anything holds by which the actor could list some record; which ones, each record is decided for. */
export function mayHoldAnything({ patientId, actor, atMs }: Concerned & { atMs: number }, consents: Consents): boolean {
  const { policy, grants, delegations, groups, emergencies } = consents;
  if (mayActFor(actor, patientId, consents, atMs) !== undefined) return true;
  const rule = policy?.defaultRule;
  return (
    (rule?.kind === 'permit' && rule.roles.includes(actor.role)) ||
    emergencies.some((emergency) => isEmergencyLive(emergency, atMs)) ||
    [...grants, ...delegations].some((given) => isLive(given, atMs) && reaches(given.grantee, actorOf(actor), groups))
  );
}
