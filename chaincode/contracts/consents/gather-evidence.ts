import {
  type EvidenceAnswer,
  type GrantId,
  type GroupId,
  grantOf,
  type Grantee,
  type Member,
  type MemberId,
  mspId as parseMspId,
  parsePolicyStatement,
  parseStatement,
  type PatientId,
  type RepresentationId,
  type SignedRegister,
  type SignedStatement,
  type StoredEmergency,
  type StoredGrant,
  type StoredStatement,
} from '../../domain/index.js';
import type { Question } from '../../state/answer-query.js';
import { readEmergency } from '../../state/emergency-store.js';
import { readGrant, storedOf } from '../../state/grant-store.js';
import { person, readHoldings } from '../../state/holder-index.js';
import { readNoticed } from '../../state/notice-store.js';
import { readMember, readOrganisation, readRegisterDocument, requireRegistered } from '../../state/register-store.js';
import {
  readDelegation,
  readGroup,
  readPolicy,
  readRepresentation,
  type StatementRow,
  statementsOf,
} from '../../state/statement-store.js';
import { readUsed } from '../../state/use-store.js';
import type { WorldState } from '../../state/world-state.js';
import { requireSpeaker } from './speaker.js';

/**
 * What a custodian checks a permit against: statements and documents with their signatures, as this peer holds them.
 *
 * @throws DomainError NOT_THE_PATIENT, CALLER_UNKNOWN
 */
export async function gatherEvidence(question: Question<'consents:evidence'>): Promise<EvidenceAnswer> {
  const { state, input, claimedMs } = question;
  await requireConcerned(question);
  const { patientId, memberId, grantIds } = input;
  const grants = await gather(grantIds, async (grantId) =>
    entryOf(grantId, await readGrant(state, patientId, grantId)),
  );
  const stored = grants.flatMap((entry) => entry.stored ?? []);
  const policy = (await readPolicy(state, patientId))?.statement;
  const groups = await groupsOf(state, patientId, { stored, policy });
  const delegations = await present(input.delegationIds, (id) => readDelegation(state, patientId, id));
  const asked = { ...(policy === undefined ? {} : { policy }), grants, groups, delegations };
  const signed = [...(policy === undefined ? [] : [policy]), ...groups, ...statementsIn(stored, delegations)];
  const signerIds = [...new Set(signed.flatMap(({ text }) => signerOf(text)))];
  const patient = await readMember(state, patientId);
  const noticed = await readNoticed(state, patientId, memberId);
  return {
    ...(patient === undefined ? {} : { patient }),
    ...(await describeActor(state, memberId)),
    ...asked,
    representations: await representationsOf(state, patientId, { ids: input.representationIds, signerIds }),
    emergencies: await emergenciesOf(state, patientId, input.emergencyIds),
    signers: await describeSigners(state, signerIds),
    used: await readUsed(state, patientId, grantIds),
    ...(noticed === undefined ? {} : { noticed }),
    timeMs: claimedMs,
  };
}

/**
 * A policy says whom the patient keeps out, which is nobody's business whose organisation holds no copy of it anyway:
 * of such an organisation only who speaks for the patient is answered, and who asks about itself.
 */
async function requireConcerned({ state, input, caller, claimedMs }: Question<'consents:evidence'>): Promise<void> {
  const asker = caller();
  if (asker.memberId === input.memberId) return;
  const organisation = await readOrganisation(state, parseMspId(asker.mspId, '/mspId'));
  if (organisation?.custodianKey !== undefined) return;
  const actor = await requireRegistered(state, asker);
  await requireSpeaker({ state, patientId: input.patientId, actor, timeMs: claimedMs });
}

async function gather<Id, T>(ids: readonly Id[], read: (id: Id) => Promise<T>): Promise<readonly T[]> {
  const found: T[] = [];
  for (const id of ids) found.push(await read(id));
  return found;
}

function entryOf(grantId: GrantId, row: Awaited<ReturnType<typeof readGrant>>): EvidenceAnswer['grants'][number] {
  return row === undefined ? { grantId } : { grantId, stored: storedOf(row) };
}

/** What is not there is left out. */
async function present<Id>(
  ids: readonly Id[],
  read: (id: Id) => Promise<StatementRow | undefined>,
): Promise<readonly StoredStatement[]> {
  const rows = await gather(ids, read);
  return rows.flatMap((row) => (row === undefined ? [] : [statementsOf(row)]));
}

/** Groups that the grants give to, and those that the policy excludes: without their statements nobody knows whom. */
async function groupsOf(
  state: WorldState,
  patientId: PatientId,
  given: { stored: readonly StoredGrant[]; policy: SignedStatement | undefined },
): Promise<readonly SignedStatement[]> {
  const exclusions = given.policy === undefined ? [] : parsePolicyStatement(given.policy.text).body.exclusions;
  const grantees = [...given.stored.map((stored) => grantOf(stored).grantee), ...exclusions.map(({ who }) => who)];
  const groupIds = [...new Set(grantees.flatMap(groupIdOf))];
  return (await present(groupIds, (id) => readGroup(state, patientId, id))).map(({ statement }) => statement);
}

function groupIdOf(grantee: Grantee): readonly GroupId[] {
  return grantee.kind === 'group' ? [grantee.id] : [];
}

function statementsIn(
  stored: readonly StoredGrant[],
  delegations: readonly StoredStatement[],
): readonly SignedStatement[] {
  const given = stored.map(({ grant, revocation }) => ({ statement: grant, revocation }));
  return [...given, ...delegations].flatMap(({ statement, revocation }) =>
    revocation === undefined ? [statement] : [statement, revocation],
  );
}

/** @returns who signed, where it was not the patient */
function signerOf(statementText: string): readonly MemberId[] {
  const { by } = parseStatement(statementText, (body) => body);
  return by === undefined ? [] : [by];
}

async function representationsOf(
  state: WorldState,
  patientId: PatientId,
  asked: { ids: readonly RepresentationId[]; signerIds: readonly MemberId[] },
): Promise<readonly StoredStatement[]> {
  const held = await gather(asked.signerIds, (id) => readHoldings(state, patientId, person(id)));
  const ids = new Set([...asked.ids, ...held.flatMap(({ representationIds }) => representationIds)]);
  return present([...ids], (id) => readRepresentation(state, patientId, id));
}

async function emergenciesOf(
  state: WorldState,
  patientId: PatientId,
  ids: Question<'consents:evidence'>['input']['emergencyIds'],
): Promise<readonly StoredEmergency[]> {
  const rows = await gather(ids, (id) => readEmergency(state, patientId, id));
  return rows.flatMap((row) => row ?? []);
}

async function describeActor(
  state: WorldState,
  memberId: MemberId,
): Promise<{ readonly actor?: Member; readonly register?: SignedRegister }> {
  const actor = await readMember(state, memberId);
  if (actor === undefined) return {};
  return { actor, ...(await documentOf(state, actor)) };
}

async function describeSigners(state: WorldState, ids: readonly MemberId[]): Promise<EvidenceAnswer['signers']> {
  const members = await gather(ids, (id) => readMember(state, id));
  return gather(
    members.flatMap((member) => member ?? []),
    async (member) => ({ member, ...(await documentOf(state, member)) }),
  );
}

async function documentOf(state: WorldState, { registerDigest }: Member): Promise<{ register?: SignedRegister }> {
  const register = registerDigest === undefined ? undefined : await readRegisterDocument(state, registerDigest);
  return register === undefined ? {} : { register };
}
