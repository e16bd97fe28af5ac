import type {
  AccessRequest,
  Consents,
  Delegation,
  Exclusion,
  Grant,
  Grantee,
  Scope,
} from '@medledger/chaincode/domain';
import { emergencyWord } from './model-emergency.js';

/** What stands in the way of a rule that names actor, action and record. */
type Missing = 'purpose' | 'later' | 'over' | 'notice' | 'uses';

interface Rule {
  readonly word: string;
  readonly id: string;
  readonly untilMs: number;
  readonly isCounted: boolean;
  readonly missing: readonly Missing[];
}

/**
 * The rules again, from docs/decisions/0007 and not from the code: slow, one condition at a time, without a shared line.
 *
 * @returns `permit <kind> <id>` or `deny <code>`
 */
export function modelDecision(asked: AccessRequest, said: Consents): string {
  const steps = [ownWord, exclusionWord, representativeWord, roleWord];
  for (const step of steps) {
    const word = step(asked, said);
    if (word !== undefined) return word;
  }
  const emergency = emergencyWord(asked, said);
  if (emergency?.startsWith('permit') === true) return emergency;
  const given = [...grantRules(asked, said), ...childRules(asked, said)];
  const byDefault = defaultRules(asked, said);
  const best = bestOf(given) ?? bestOf(byDefault);
  return best === undefined ? (emergency ?? `deny ${nearest([...given, ...byDefault])}`) : `permit ${best.word}`;
}

const ownWord = ({ actor, patientId }: AccessRequest) => (actor.memberId === patientId ? 'permit own' : undefined);

function exclusionWord(asked: AccessRequest, said: Consents): string | undefined {
  const hit = exclusionsOf(said).some((given) => isNamed(given.who, asked, said) && isKept(given, asked));
  return hit ? 'deny EXCLUDED' : undefined;
}

const exclusionsOf = ({ policy }: Consents): readonly Exclusion[] => (policy === undefined ? [] : policy.exclusions);

/** In an exclusion absent labels mean every label. */
const isKept = ({ scope }: Exclusion, { record }: AccessRequest) => isIn({ labels: ['N', 'R', 'V'], ...scope }, record);

function representativeWord({ actor, action, atMs }: AccessRequest, said: Consents): string | undefined {
  if (action === 'share') return undefined;
  const mine = said.representations.filter(({ representative }) => representative === actor.memberId);
  const [first] = mine
    .filter((given) => timeMissing(given, atMs).length === 0)
    .sort((a, b) => b.untilMs - a.untilMs || a.representationId.localeCompare(b.representationId));
  return first === undefined ? undefined : `permit representation ${first.representationId}`;
}

const roleWord = ({ actor }: AccessRequest) =>
  ['admin', 'auditor'].includes(actor.role) ? 'deny NO_GRANT' : undefined;

/** Uncounted first, then the longest lasting, then the lowest id. */
function bestOf(rules: readonly Rule[]): Rule | undefined {
  const free = rules.filter(({ missing }) => missing.length === 0);
  const uncounted = free.filter(({ isCounted }) => !isCounted);
  const pool = uncounted.length > 0 ? uncounted : free;
  return [...pool].sort((a, b) => b.untilMs - a.untilMs || a.id.localeCompare(b.id))[0];
}

function nearest(rules: readonly Rule[]): string {
  const inTime = ({ missing }: Rule) => !missing.includes('later') && !missing.includes('over');
  const fitting = rules.filter(({ missing }) => !missing.includes('purpose'));
  const lacks = (what: Missing) => fitting.some((rule) => inTime(rule) && rule.missing.includes(what));
  const comes = fitting.some(({ missing }) => missing.includes('later') && !missing.includes('over'));
  const otherwise = fitting.length === 0 && rules.some(inTime) ? 'PURPOSE_NOT_GRANTED' : 'GRANT_ENDED';
  const codes = [
    rules.length === 0 ? 'NO_GRANT' : '',
    lacks('notice') ? 'NOTICE_MISSING' : '',
    lacks('uses') ? 'USES_SPENT' : '',
    comes ? 'GRANT_NOT_STARTED' : '',
  ];
  return codes.find((code) => code !== '') ?? otherwise;
}

function isIn(scope: Scope, record: AccessRequest['record']): boolean {
  const { classes, records, labels, dataFromMs, dataUntilMs } = scope;
  const id = 'recordId' in record ? record.recordId : undefined;
  return ![
    classes !== undefined && !classes.includes(record.class),
    records !== undefined && !records.some((named) => named === id),
    !(labels === undefined ? record.label === 'N' : labels.includes(record.label)),
    dataFromMs !== undefined && record.dateMs < dataFromMs,
    dataUntilMs !== undefined && record.dateMs >= dataUntilMs,
  ].includes(true);
}

function isNamed(who: Grantee, { actor }: AccessRequest, said: Consents): boolean {
  if (who.kind === 'role') return who.id === actor.role && [undefined, actor.agencyId].includes(who.agencyId);
  if (who.kind === 'agency') return `${who.id}` === `${actor.agencyId}`;
  if (who.kind !== 'group') return `${who.id}` === `${actor.memberId}`;
  const members = said.groups.filter(({ groupId }) => groupId === who.id).flatMap((group) => group.members);
  return members.includes(actor.memberId);
}

/** A trusted group's member must be one that the patient knew: by the register it saw, or by a notice. */
function noticeMissing(to: Grantee, seen: number | undefined, { actor }: AccessRequest, said: Consents): Missing[] {
  if (to.kind !== 'agency' && to.kind !== 'role') return [];
  const told = new Map(Object.entries(said.noticed)).get(actor.memberId) ?? 0;
  const joined = actor.registerVersion ?? Number.POSITIVE_INFINITY;
  return joined <= (seen ?? 0) || joined <= told ? [] : ['notice'];
}

function timeMissing(given: { revoked: boolean; fromMs: number; untilMs: number }, atMs: number): Missing[] {
  const time: Missing[] = atMs < given.fromMs ? ['later'] : [];
  const isOver = given.revoked || (time.length === 0 && atMs >= given.untilMs);
  return isOver ? [...time, 'over'] : time;
}

const isGiven = (grant: Grant, { patientId, action, record }: AccessRequest) =>
  ![grant.patientId === patientId, grant.actions.some((one) => one === action), isIn(grant.scope, record)].includes(
    false,
  );

const isCountedFor = ({ uses }: Grant, { action }: AccessRequest) => uses !== undefined && action === 'read';

function usesMissing(grant: Grant, asked: AccessRequest, said: Consents): Missing[] {
  const used = said.used[grant.grantId] ?? 0;
  return isCountedFor(grant, asked) && used >= (grant.uses ?? 0) ? ['uses'] : [];
}

function grantRules(asked: AccessRequest, said: Consents): Rule[] {
  return said.grants
    .filter((grant) => isGiven(grant, asked) && isNamed(grant.grantee, asked, said))
    .map((grant) => ({
      word: `grant ${grant.grantId}`,
      id: grant.grantId,
      untilMs: grant.untilMs,
      isCounted: isCountedFor(grant, asked),
      missing: [
        ...(grant.purpose === asked.purpose ? [] : (['purpose'] as const)),
        ...timeMissing(grant, asked.atMs),
        ...noticeMissing(grant.grantee, grant.registerVersion, asked, said),
        ...usesMissing(grant, asked, said),
      ],
    }));
}

/** A child stands only on a parent that would still let its holder have the same, and pass it on. */
function isChildOf(child: Delegation, parent: Grant, asked: AccessRequest, said: Consents): boolean {
  const holder = { ...asked, actor: { memberId: child.delegateId, role: 'patient' as const } };
  const byName = exclusionsOf(said).filter(({ who }) => ['person', 'delegate'].includes(who.kind));
  return ![
    parent.grantId === child.parentId,
    parent.grantee.kind === 'delegate' && `${parent.grantee.id}` === `${child.delegateId}`,
    parent.actions.includes('share'),
    parent.purpose === child.purpose,
    isGiven(parent, asked),
    !byName.some((given) => isNamed(given.who, holder, said) && isKept(given, asked)),
  ].includes(false);
}

function childRules(asked: AccessRequest, said: Consents): Rule[] {
  return said.delegations
    .filter(({ actions, grantee, scope }) =>
      [actions.some((one) => one === asked.action), isNamed(grantee, asked, said), isIn(scope, asked.record)].every(
        Boolean,
      ),
    )
    .flatMap((child) =>
      said.grants.filter((parent) => isChildOf(child, parent, asked, said)).map((parent) => ({ child, parent })),
    )
    .map(({ child, parent }) => {
      const untilMs = Math.min(child.untilMs, parent.untilMs);
      const fromMs = Math.max(child.fromMs, parent.fromMs);
      const time = timeMissing({ revoked: child.revoked || parent.revoked, fromMs, untilMs }, asked.atMs);
      return {
        word: `delegation ${child.delegationId}`,
        id: child.delegationId,
        untilMs,
        isCounted: isCountedFor(parent, asked),
        missing: [
          ...(child.purpose === asked.purpose ? [] : (['purpose'] as const)),
          ...time,
          ...noticeMissing(child.grantee, child.registerVersion, asked, said),
          ...usesMissing(parent, asked, said),
        ],
      };
    });
}

/** Reading of what is labelled N, for the roles and purposes that the policy names. */
function defaultRules(asked: AccessRequest, said: Consents): Rule[] {
  const rule = said.policy?.defaultRule;
  if (rule?.kind !== 'permit') return [];
  const { action, record, actor, purpose } = asked;
  const fits = [action === 'read', record.label === 'N', rule.roles.includes(actor.role), isIn(rule.scope, record)];
  const staff = { kind: 'role', id: actor.role } as const;
  const missing: Missing[] = [
    ...(rule.purposes.includes(purpose) ? [] : (['purpose'] as const)),
    ...noticeMissing(staff, rule.registerVersion, asked, said),
  ];
  return fits.includes(false) ? [] : [{ word: 'policy', id: '', untilMs: 0, isCounted: false, missing }];
}
