import {
  type Consents,
  declarationRefusal,
  DomainError,
  type DenyCode,
  type Emergency,
  type EmergencyId,
  emergencyOf,
  type Outcome,
  parseEmergencyStatement,
  requireDeclaration,
  limits,
  type StoredEmergency,
} from '../../domain/index.js';
import {
  newEmergencyWrites,
  readEmergency,
  readEmergencyOwner,
  readOpenEmergencies,
} from '../../state/emergency-store.js';
import type { Request, Rule } from '../../state/extend-lane.js';
import type { Ruling } from '../../state/lane-call.js';
import { actorOf, loadConsents } from '../../state/load-consents.js';
import { noticeWrite } from '../../state/notice-store.js';
import { requirePatientOrStaff } from '../acting-roles.js';
import { requireNext, requireSignedBy } from '../signed-statement.js';
import { decideRecords, wholeOf } from './decide-records.js';

type Call = Request<'access:emergency'>;

const PURPOSE = 'ETREAT';

/**
 * A first call declares the emergency and tells the patient, in one transaction with what it opens; later ones go on
 * within it. Without record ids it opens the card, where the policy names one. Refusals are written.
 */
export const openInEmergency: Rule<'access:emergency'> = async (call) => {
  requirePatientOrStaff(call.actor);
  const emergency = requireOwnDeclaration(call);
  const { state, actor, input } = call;
  const stored = await readEmergency(state, input.patientId, emergency.emergencyId);
  const loaded = await loadConsents(state, { patientId: input.patientId, actor });
  const consents = { ...loaded, emergencies: [emergency] };
  if (stored === undefined) return declare(call, emergency, consents);
  if (stored.declaration.text !== input.declaration.text)
    throw new DomainError('VERSION_CONFLICT', `emergency ${emergency.emergencyId} was declared otherwise`);
  // Nobody goes on reading in what a second person found to be none.
  const isOver = call.timeMs >= emergency.untilMs || stored.review?.finding === 'unjustified';
  if (isOver) return refusal(emergency, 'EMERGENCY_ENDED');
  return open(call, emergency, consents);
};

/** Signed by who calls, about this patient, in its first and only version. */
function requireOwnDeclaration({ channel, actor, input }: Call): Emergency {
  const { patientId, declaration } = input;
  const statement = parseEmergencyStatement(declaration.text);
  requireSignedBy(actor, declaration, statement, { channel, patientId });
  requireNext(statement, undefined);
  return emergencyOf(declaration);
}

async function declare(call: Call, emergency: Emergency, consents: Consents): Promise<Ruling> {
  const { state, actor, input, timeMs } = call;
  requireDeclaration(emergency, timeMs);
  await requireNewId(call, emergency.emergencyId);
  const openEmergencies = await readOpenEmergencies(state, actor.memberId);
  const refused = declarationRefusal({ actor: actorOf(actor), open: openEmergencies, atMs: timeMs }, consents);
  if (refused !== undefined) return refusal(emergency, refused);
  const ruling = await open(call, emergency, consents);
  const { emergencyId } = emergency;
  const { memberId, agencyId } = actor;
  const { patientId, declaration } = input;
  return {
    ...ruling,
    writes: (entry) => {
      const { timeMs: declaredAtMs, txId } = entry;
      const stored: StoredEmergency = {
        declaration,
        ...(agencyId === undefined ? {} : { agencyId }),
        declaredAtMs,
        reviewDueMs: declaredAtMs + limits.REVIEW_DUE_MS,
        txId,
      };
      return [
        ...(ruling.writes?.(entry) ?? []),
        ...newEmergencyWrites({ patientId, emergencyId, actor, stored }, openEmergencies),
        noticeWrite(patientId, { kind: 'emergency', atMs: declaredAtMs, memberId, txId, emergencyId }),
      ];
    },
  };
}

async function requireNewId({ state }: Call, emergencyId: EmergencyId): Promise<void> {
  if ((await readEmergencyOwner(state, emergencyId)) !== undefined)
    throw new DomainError('VERSION_CONFLICT', `emergency ${emergencyId} is another one: declare with a new id`);
}

async function open({ state, actor, input, timeMs }: Call, emergency: Emergency, consents: Consents): Promise<Ruling> {
  const { patientId } = input;
  const { emergencyId } = emergency;
  const card = consents.policy?.emergency.card;
  const recordIds = input.recordIds.length > 0 || card === undefined ? input.recordIds : [card];
  const common = {
    actor: actorOf(actor),
    patientId,
    action: 'read',
    purpose: PURPOSE,
    atMs: timeMs,
    emergencyId,
  } as const;
  const { items, records, spending } = await decideRecords(state, { common, recordIds }, consents);
  return { outcome: { ...saidOf(emergency), ...wholeOf(items), items }, records, writes: () => spending };
}

function saidOf({ emergencyId, reason }: Emergency): Pick<Outcome, 'action' | 'purpose' | 'emergencyId' | 'reason'> {
  return { action: 'emergency', purpose: PURPOSE, emergencyId, reason };
}

/** Nothing was declared: what is refused leaves its entry and nothing to review. */
function refusal(emergency: Emergency, code: DenyCode): Ruling {
  return { outcome: { ...saidOf(emergency), outcome: 'deny', code, items: [] } };
}
