import type { AgencyId, EmergencyId, MemberId, PatientId, RecordId } from '../ids.js';
import { canonicalJson } from '../canonical-json.js';
import { PURPOSES, type Purpose, type Role } from '../vocabulary.js';
import { type Actor, type Basis, type DenyCode, decideAccess } from './access-policy.js';
import type { Consents } from './consents.js';
import type { RecordFacts } from './scope.js';

/** One rule that lets somebody open a record: for which purposes, and until when. */
export interface OpenWay {
  readonly basis: Basis;
  readonly purposes: readonly Purpose[];
  /** The first millisecond in which it no longer holds; absent where no end is stated. */
  readonly untilMs?: number;
}

/** What one person may do with one record now, and why. */
export interface RecordAccess {
  readonly memberId: MemberId;
  readonly role: Role;
  readonly agencyId?: AgencyId;
  readonly recordId: RecordId;
  /** Empty: it can be opened for no purpose. */
  readonly ways: readonly OpenWay[];
  /** Why not: the nearest miss of treatment; absent where there is a way. */
  readonly code?: DenyCode;
  /** Whether a declared emergency would open it. */
  readonly inEmergency: boolean;
}

interface Asked {
  readonly patientId: PatientId;
  readonly consents: Consents;
  readonly atMs: number;
}

/** Who can open this record, by which rule and until when; members who cannot are left out, unless an emergency lets them. */
export function explainRecord(
  given: Asked & { readonly record: RecordFacts; readonly members: readonly Actor[] },
): readonly RecordAccess[] {
  return given.members
    .map((actor) => accessOf({ ...given, actor }))
    .filter(({ ways, inEmergency }) => ways.length > 0 || inEmergency);
}

/** What this person can do with each of these records, and where it cannot, why not. */
export function explainMember(
  given: Asked & { readonly actor: Actor; readonly records: readonly RecordFacts[] },
): readonly RecordAccess[] {
  return given.records.map((record) => accessOf({ ...given, record }));
}

function accessOf(asked: Asked & { readonly actor: Actor; readonly record: RecordFacts }): RecordAccess {
  const { actor, record } = asked;
  const { memberId, role, agencyId } = actor;
  const ways = waysOf(asked);
  const code = ways.length > 0 ? undefined : refusalOf(asked);
  return {
    memberId,
    role,
    ...(agencyId === undefined ? {} : { agencyId }),
    recordId: record.recordId,
    ways,
    ...(code === undefined ? {} : { code }),
    inEmergency: isOpenInEmergency(asked),
  };
}

type Question = Asked & { readonly actor: Actor; readonly record: RecordFacts };

function waysOf(asked: Question): readonly OpenWay[] {
  const ways = new Map<string, OpenWay>();
  for (const { purpose, emergencyId } of questionsOf(asked)) {
    const decision = decide(asked, purpose, emergencyId);
    if (decision.outcome === 'deny') continue;
    const { basis } = decision;
    const key = canonicalJson(basis);
    const known = ways.get(key)?.purposes ?? [];
    const untilMs = endOfBasis(basis, asked.consents);
    const purposes = known.includes(purpose) ? known : [...known, purpose];
    ways.set(key, { basis, purposes, ...(untilMs === undefined ? {} : { untilMs }) });
  }
  return [...ways.values()];
}

/** Every purpose there is, and every emergency that is declared. */
function questionsOf({ consents }: Question): readonly { purpose: Purpose; emergencyId?: EmergencyId }[] {
  const declared = consents.emergencies.map(({ emergencyId }) => ({ purpose: 'ETREAT', emergencyId }) as const);
  return [...PURPOSES.map((purpose) => ({ purpose })), ...declared];
}

function decide({ actor, patientId, record, atMs, consents }: Question, purpose: Purpose, emergencyId?: EmergencyId) {
  const emergency = emergencyId === undefined ? {} : { emergencyId };
  return decideAccess({ actor, patientId, record, action: 'read', purpose, atMs, ...emergency }, consents);
}

function refusalOf(asked: Question): DenyCode | undefined {
  const decision = decide(asked, 'TREAT');
  return decision.outcome === 'deny' ? decision.code : undefined;
}

/** Asked of the same decision, with an emergency that the actor might declare this moment. */
function isOpenInEmergency(asked: Question): boolean {
  const { actor, patientId, atMs, consents } = asked;
  const emergency = {
    emergencyId: SUPPOSED_EMERGENCY,
    patientId,
    actorId: actor.memberId,
    reason: 'unconscious',
    fromMs: atMs,
    untilMs: atMs + 1,
  } as const;
  const supposed = { ...consents, emergencies: [emergency] };
  const decision = decide({ ...asked, consents: supposed }, 'ETREAT', SUPPOSED_EMERGENCY);
  return decision.outcome === 'permit' && decision.basis.kind === 'emergency';
}

const SUPPOSED_EMERGENCY = parseSupposed(`e${'0'.repeat(32)}`);

function parseSupposed(id: string): EmergencyId {
  return id as EmergencyId;
}

/** When a basis ends by what is stated now; undefined for what has no end, or is not there. */
export function endOfBasis(basis: Basis, consents: Consents): number | undefined {
  const grantEnd = (id: string) => consents.grants.find(({ grantId }) => grantId === id)?.untilMs;
  switch (basis.kind) {
    case 'grant':
      return grantEnd(basis.grantId);
    case 'delegation': {
      const child = consents.delegations.find(({ delegationId }) => delegationId === basis.delegationId);
      const parentEnd = grantEnd(basis.grantId);
      return child === undefined || parentEnd === undefined ? undefined : Math.min(child.untilMs, parentEnd);
    }
    case 'emergency':
      return consents.emergencies.find(({ emergencyId }) => emergencyId === basis.emergencyId)?.untilMs;
    case 'representation':
      return consents.representations.find(({ representationId }) => representationId === basis.representationId)
        ?.untilMs;
    default:
      return undefined;
  }
}
