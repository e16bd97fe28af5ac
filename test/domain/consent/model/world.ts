import {
  type AccessRequest,
  type Actor,
  type CareGroup,
  type Consents,
  type Delegation,
  type Emergency,
  type Grant,
  type GrantBody,
  type GrantId,
  type Grantee,
  type MemberId,
  type Policy,
  PURPOSES,
  type RecordFacts,
  type Representation,
  type StoredAccessRequest,
} from '@medledger/chaincode/domain';
import { modelDecision } from './model-decision.js';

const REVIEW_DUE_MS = 72 * 3_600_000;

interface Declared extends Emergency {
  readonly declaredAtMs: number;
  readonly finding?: 'justified' | 'unjustified';
}

/** What a run has said and done so far, and what the rules make of it. Plain lists; nothing is indexed or pruned. */
export class World {
  readonly actors = new Map<string, Actor>();
  records: RecordFacts[] = [];
  grants: Grant[] = [];
  delegations: Delegation[] = [];
  groups: CareGroup[] = [];
  representations: Representation[] = [];
  requests: StoredAccessRequest[] = [];
  declared: Declared[] = [];
  policy?: Policy;
  readonly used: Record<GrantId, number> = {};
  readonly noticed: Record<string, number> = {};

  constructor(readonly patientId: MemberId) {}

  actor(memberId: string): Actor {
    const actor = this.actors.get(memberId);
    if (actor === undefined) throw new Error(`nobody is called ${memberId}`);
    return actor;
  }

  consents(): Consents {
    const { grants, delegations, groups, representations, declared, used, noticed, policy } = this;
    const said = { grants, delegations, groups, representations, emergencies: declared, used, noticed };
    return policy === undefined ? said : { ...said, policy };
  }

  /** The patient itself, or a representative in its time. */
  speaks(memberId: MemberId, atMs: number): boolean {
    const acting = this.representations.some(
      (given) => given.representative === memberId && !given.revoked && atMs >= given.fromMs && atMs < given.untilMs,
    );
    return memberId === this.patientId || acting;
  }

  /** Whom anything can be given to: patients and staff, the patient's groups, agencies and roles there are. */
  takes(to: Grantee): boolean {
    if (to.kind === 'agency' || to.kind === 'role') return true;
    if (to.kind === 'group') return this.groups.some(({ groupId }) => groupId === to.id);
    const actor = this.actors.get(to.id);
    return actor !== undefined && actor.role !== 'auditor' && actor.memberId !== this.patientId;
  }

  mayGive(by: MemberId, body: GrantBody, atMs: number): boolean {
    const isDelegate = body.grantee.kind === 'delegate';
    return ![
      this.speaks(by, atMs),
      this.takes(body.grantee),
      isDelegate === body.actions.includes('share'),
      !isDelegate || body.actions.length > 1,
      body.uses === undefined || body.actions.includes('read'),
      body.untilMs > atMs,
    ].includes(false);
  }

  mayPassOn(child: Delegation, atMs: number): boolean {
    const parent = this.grants.find(({ grantId }) => grantId === child.parentId);
    if (parent === undefined) return false;
    const isSelf = child.grantee.id === child.delegateId || child.grantee.id === this.patientId;
    return ![
      parent.grantee.kind === 'delegate' && `${parent.grantee.id}` === `${child.delegateId}`,
      !parent.revoked && atMs < parent.untilMs && child.untilMs > atMs,
      child.actions.every((action) => parent.actions.includes(action)),
      isNarrower(child.scope, parent.scope),
      child.fromMs >= parent.fromMs && child.untilMs <= parent.untilMs,
      this.takes(child.grantee) && !isSelf,
    ].includes(false);
  }

  /** One word for each record; what is permitted under a counted grant is counted before the next is decided. */
  open(asked: Omit<AccessRequest, 'record'>, opened: readonly RecordFacts[]): readonly string[] {
    return opened.map((record) => {
      const word = modelDecision({ ...asked, record }, this.consents());
      const [, , id] = word.split(' ');
      const child = this.delegations.find(({ delegationId }) => delegationId === id);
      const counted = this.grants.find(
        ({ grantId, uses }) => uses !== undefined && [id, child?.parentId].includes(grantId),
      );
      if (counted !== undefined) this.used[counted.grantId] = (this.used[counted.grantId] ?? 0) + 1;
      return word;
    });
  }

  /** Why a new emergency may not begin; undefined where it may. */
  refusesEmergency(actor: Actor, atMs: number): string | undefined {
    const everything = (this.policy?.exclusions ?? []).filter(({ scope }) => Object.keys(scope).length === 0);
    const sample = { patientId: this.patientId, action: 'read', purpose: 'TREAT', atMs } as const;
    const record = { class: 'Observation', label: 'N', dateMs: 0 } as const;
    const said: Consents = {
      ...this.consents(),
      ...(this.policy && { policy: { ...this.policy, exclusions: everything } }),
    };
    const isKeptOut = modelDecision({ ...sample, actor, record }, said) === 'deny EXCLUDED';
    const mine = this.declared.filter(({ actorId, finding }) => actorId === actor.memberId && finding === undefined);
    const isOverdue = mine.some(({ declaredAtMs }) => atMs >= declaredAtMs + REVIEW_DUE_MS);
    const isAllowed = this.policy?.emergency.allowed === true && ['doctor', 'nurse'].includes(actor.role);
    const codes = [
      isKeptOut ? 'EXCLUDED' : '',
      isAllowed ? '' : 'EMERGENCY_NOT_ALLOWED',
      isOverdue ? 'REVIEW_OVERDUE' : '',
    ];
    return codes.find((code) => code !== '');
  }

  /** Records that some rule lets the actor open for some purpose, or an emergency that waits for its review. */
  lists(actor: Actor, atMs: number): readonly string[] {
    const asked = { actor, patientId: this.patientId, action: 'read', atMs } as const;
    const waiting = this.declared.filter(({ finding }) => finding === undefined);
    const questions = [
      ...PURPOSES.map((purpose) => ({ ...asked, purpose })),
      ...waiting.map(({ emergencyId }) => ({ ...asked, purpose: 'ETREAT' as const, emergencyId })),
    ];
    const canOpen = (record: RecordFacts) =>
      questions.some((question) => modelDecision({ ...question, record }, this.consents()).startsWith('permit'));
    return this.records.filter(canOpen).map(({ recordId }) => recordId);
  }
}

/** For the scopes of these stories: everything normal, everything, or one class of what is normal. */
function isNarrower(inner: GrantBody['scope'], outer: GrantBody['scope']): boolean {
  const labels = (scope: GrantBody['scope']) => scope.labels ?? ['N'];
  const classes = (scope: GrantBody['scope']) => scope.classes ?? ['Observation', 'Condition', 'anything else'];
  return (
    labels(inner).every((label) => labels(outer).includes(label)) &&
    classes(inner).every((one) => classes(outer).includes(one))
  );
}
