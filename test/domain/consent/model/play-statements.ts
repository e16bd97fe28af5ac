import type { Delegation, GrantBody, GroupId, Policy, RequestId } from '@medledger/chaincode/domain';
import type { ChainActor } from '../../../support/chain-actor.js';
import { modelDecision } from './model-decision.js';
import { at, DONE, type Of, type Player, REFUSED, speaks } from './player.js';
import { IDS, type Story } from './story.js';

function bodyOf(story: Story, step: Of<'grant'>): GrantBody {
  const { to, actions, scope, purpose, beginsInMs, lastsMs, uses } = step;
  const fromMs = story.timeMs + beginsInMs;
  const body = { grantee: story.named(to), actions, scope, purpose, fromMs, untilMs: fromMs + lastsMs };
  const isTrusted = to.kind === 'agency' || to.kind === 'role';
  const seenRegister = isTrusted ? { registerVersion: story.registerVersion } : {};
  return { ...body, ...seenRegister, ...(uses === undefined ? {} : { uses }) };
}

export const grant: Player<'grant'> = async (story, step, by) => {
  const body = bodyOf(story, step);
  const grantId = IDS.grant(story.nextId());
  const seen = await story.say(by, 'consents:grant', 'grant', { kind: 'grant', id: grantId, body });
  if (!story.world.mayGive(by.memberId, body, story.timeMs)) return { seen, expected: REFUSED };
  story.world.grants.push({ ...body, grantId, patientId: story.patient.memberId, version: 1, revoked: false });
  return { seen, expected: DONE };
};

export const alter: Player<'alter'> = async (story, { nth, scope, lastsMs }, by) => {
  const { world } = story;
  const stored = at(world.grants, nth);
  if (stored === undefined) return undefined;
  const { grantId: id, patientId: _patient, version: before, revoked, ...body } = stored;
  const next = { ...body, scope, untilMs: Math.max(story.timeMs, body.fromMs) + lastsMs };
  const version = before + 1;
  const seen = await story.say(by, 'consents:alter', 'grant', { kind: 'grant', id, version, body: next });
  const isOver = revoked || story.timeMs >= stored.untilMs;
  if (isOver || !world.mayGive(by.memberId, next, story.timeMs)) return { seen, expected: REFUSED };
  world.grants = world.grants.map((given) => (given === stored ? { ...stored, ...next, version } : given));
  return { seen, expected: DONE };
};

export const revoke: Player<'revoke'> = async (story, { what, nth }, by) => {
  const { world } = story;
  const found = {
    grant: () =>
      at(
        world.grants.map((given) => ({ given, id: given.grantId, own: '' })),
        nth,
      ),
    delegation: () =>
      at(
        world.delegations.map((given) => ({ given, id: given.delegationId, own: given.delegateId })),
        nth,
      ),
    representation: () =>
      at(
        world.representations.map((given) => ({ given, id: given.representationId, own: given.representative })),
        nth,
      ),
  }[what]();
  if (found === undefined) return undefined;
  const { given, id, own } = found;
  const version = given.version + 1;
  const seen = await story.say(by, 'consents:revoke', 'revocation', { kind: 'revocation', id, version, body: {} });
  const isPatient = by.memberId === world.patientId;
  const isOthers = what === 'representation' ? isPatient : speaks(story, by);
  if (given.revoked || !(own === by.memberId || isOthers)) return { seen, expected: REFUSED };
  const taken = <T extends object>(items: T[]) =>
    items.map((item) => ((item as object) === given ? { ...item, version, revoked: true } : item));
  world.grants = taken(world.grants);
  world.delegations = taken(world.delegations);
  world.representations = taken(world.representations);
  return { seen, expected: DONE };
};

export const delegate: Player<'delegate'> = async (story, { nth, to, scope, lastsMs }, by) => {
  const { world } = story;
  const held = world.grants.filter(({ grantee }) => grantee.kind === 'delegate');
  const parent = at(held, nth);
  if (parent === undefined) return undefined;
  const { grantId: parentId, purpose } = parent;
  const fromMs = Math.max(story.timeMs, parent.fromMs);
  const seenRegister = to.kind === 'agency' ? { registerVersion: story.registerVersion } : {};
  const actions: Delegation['actions'] = ['read'];
  const window = { fromMs, untilMs: Math.min(fromMs + lastsMs, Math.max(parent.untilMs, fromMs + 1)) };
  const body = { parentId, grantee: story.named(to), actions, scope, purpose, ...window, ...seenRegister };
  const delegationId = IDS.delegation(story.nextId());
  const seen = await story.say(by, 'consents:delegate', 'delegation', { kind: 'delegation', id: delegationId, body });
  const child: Delegation = { ...body, delegationId, delegateId: by.memberId, version: 1, revoked: false };
  if (!world.mayPassOn(child, story.timeMs)) return { seen, expected: REFUSED };
  world.delegations.push(child);
  return { seen, expected: DONE };
};

export const policy: Player<'policy'> = async (story, step, by) => {
  const { world } = story;
  const exclusions = step.exclude.map(({ who, scope }) => ({ who: story.named(who), scope }));
  const given = { roles: ['doctor'], purposes: ['TREAT'], scope: {}, registerVersion: story.registerVersion } as const;
  const body = {
    defaultRule: step.byDefault ? ({ kind: 'permit', ...given } as const) : ({ kind: 'deny' } as const),
    emergency: step.emergency,
    exclusions,
  };
  const version = (world.policy?.version ?? 0) + 1;
  const seen = await story.say(by, 'consents:setPolicy', 'policy', { kind: 'policy', id: IDS.policy, version, body });
  const next: Policy = { ...body, version };
  const areThere = exclusions.every(({ who }) => who.kind !== 'group' || world.takes(who));
  if (!speaks(story, by) || !areThere || !keepsOwn(story, by, next)) return { seen, expected: REFUSED };
  world.policy = next;
  return { seen, expected: DONE };
};

/** What keeps a representative out stays as it is in a policy of its own. */
function keepsOwn({ world }: Story, { memberId }: ChainActor, next: Policy): boolean {
  if (memberId === world.patientId) return true;
  const actor = world.actor(memberId);
  const everything = { patientId: world.patientId, action: 'read', purpose: 'TREAT', atMs: 0, actor } as const;
  const record = { class: 'Observation', label: 'N', dateMs: 0 } as const;
  const bites = (who: Policy['exclusions'][number]['who']) => {
    const alone: Policy = { ...next, exclusions: [{ who, scope: {} }] };
    return modelDecision({ ...everything, record }, { ...world.consents(), policy: alone }) === 'deny EXCLUDED';
  };
  const mine = (world.policy?.exclusions ?? []).filter(({ who }) => bites(who));
  const kept = next.exclusions.map((exclusion) => sorted(exclusion));
  return mine.every((exclusion) => kept.includes(sorted(exclusion)));
}

const sorted = ({ who, scope }: Policy['exclusions'][number]): string =>
  JSON.stringify([Object.entries(who).sort(), Object.entries(scope).sort()]);

export const group: Player<'group'> = async (story, step, by) => {
  const { world } = story;
  const groupId: GroupId = IDS.group(1);
  const members = step.members.map((who) => story.idOf(who));
  const stored = world.groups.find((known) => known.groupId === groupId);
  const version = (stored?.version ?? 0) + 1;
  const seen = await story.say(by, 'consents:setGroup', 'group', {
    kind: 'group',
    id: groupId,
    version,
    body: { members },
  });
  const known = stored?.members ?? [];
  const isOneself = by.memberId !== world.patientId && known.includes(by.memberId) && !members.includes(by.memberId);
  const joining = members.filter((id) => !known.includes(id));
  const areTaken = joining.every((id) => world.takes({ kind: 'person', id }));
  if (!speaks(story, by) || isOneself || !areTaken) return { seen, expected: REFUSED };
  world.groups = [{ groupId, members, version }];
  return { seen, expected: DONE };
};

export const appoint: Player<'appoint'> = async (story, { who, lastsMs }, by) => {
  const { world } = story;
  const representative = story.idOf(who);
  const body = { representative, fromMs: story.timeMs, untilMs: story.timeMs + lastsMs };
  const representationId = IDS.representation(story.nextId());
  // Only the patient appoints: its statement names nobody as signer.
  const stating = { kind: 'representation', id: representationId, body } as const;
  const seen = await story.say(by, 'consents:appoint', 'representation', stating);
  const isTaken = body.untilMs > story.timeMs && world.takes({ kind: 'person', id: representative });
  if (by.memberId !== world.patientId || !isTaken) return { seen, expected: REFUSED };
  world.representations.push({ ...body, representationId, version: 1, revoked: false });
  return { seen, expected: DONE };
};

export const request: Player<'request'> = async (story, step, by) => {
  const { world } = story;
  const requestId = `q${story.nextId().toString(16).padStart(32, '0')}` as RequestId;
  const untilMs = story.timeMs + step.lastsMs;
  const seen = await story.request(by, step, requestId, untilMs);
  const { memberId, role } = world.actor(by.memberId);
  const isStaff = ['doctor', 'nurse', 'government'].includes(role);
  if (!isStaff || untilMs <= story.timeMs) return { seen, expected: REFUSED };
  const { scope, purpose } = step;
  const asked = {
    requestId,
    patientId: world.patientId,
    requesterId: memberId,
    actions: ['read'],
    scope,
    purpose,
  } as const;
  world.requests.push({
    ...asked,
    untilMs,
    reasonSha256: '',
    reasonCid: '',
    requestedAtMs: story.timeMs,
    status: 'pending',
  });
  return { seen, expected: DONE };
};

export const answer: Player<'answer'> = async (story, { nth, how }, by) => {
  const { world } = story;
  const asked = at(world.requests, nth);
  if (asked === undefined) return undefined;
  const { requestId, requesterId, scope, purpose, actions } = asked;
  const grantee = { kind: 'person', id: requesterId } as const;
  const untilMs = Math.max(asked.untilMs, story.timeMs + 1) + (how === 'widen' ? 1 : 0);
  const body = { grantee, actions, scope, purpose, fromMs: story.timeMs, untilMs, requestId };
  const grantId = IDS.grant(story.nextId());
  const said = { kind: 'grant', id: grantId, body, extra: { requestId } } as const;
  const { patientId } = world;
  const seen =
    how === 'refuse'
      ? await story.submit(by, 'consents:refuse', { patientId, requestId })
      : await story.say(by, 'consents:approve', 'grant', said);
  const isOpen = asked.status === 'pending' && story.timeMs < asked.untilMs;
  if (!speaks(story, by) || !isOpen || how === 'widen') return { seen, expected: REFUSED };
  const status = how === 'refuse' ? 'refused' : 'approved';
  world.requests = world.requests.map((known) => (known === asked ? { ...known, status } : known));
  if (how === 'approve') world.grants.push({ ...body, grantId, patientId, version: 1, revoked: false });
  return { seen, expected: DONE };
};
