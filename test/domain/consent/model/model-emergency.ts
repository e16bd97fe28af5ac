import type { AccessRequest, Consents, Emergency, Policy } from '@medledger/chaincode/domain';

const FOUR_HOURS_MS = 4 * 3_600_000;
const TWO_MINUTES_MS = 120_000;

/** What a claimed emergency says of one record; undefined where none is claimed. */
export function emergencyWord(asked: AccessRequest, said: Consents): string | undefined {
  if (asked.emergencyId === undefined) return undefined;
  const declared = said.emergencies.filter((emergency) => isClaimed(emergency, asked));
  const [emergency] = declared;
  if (emergency === undefined || said.policy === undefined) return 'deny EMERGENCY_NOT_ALLOWED';
  const { fromMs, untilMs } = emergency;
  if (asked.atMs >= untilMs || asked.atMs + TWO_MINUTES_MS < fromMs) return 'deny EMERGENCY_ENDED';
  return isUnderCeiling(said.policy, asked)
    ? `permit emergency ${emergency.emergencyId}`
    : 'deny EMERGENCY_NOT_ALLOWED';
}

/** Declared by this doctor or nurse, about this patient, for reading, and for four hours at most. */
function isClaimed(emergency: Emergency, asked: AccessRequest): boolean {
  const { actor, action, purpose } = asked;
  return ![
    emergency.emergencyId === asked.emergencyId,
    emergency.actorId === actor.memberId,
    emergency.patientId === asked.patientId,
    ['doctor', 'nurse'].includes(actor.role),
    action === 'read',
    purpose === 'ETREAT',
    emergency.untilMs - emergency.fromMs <= FOUR_HOURS_MS,
  ].includes(false);
}

function isUnderCeiling({ emergency }: Policy, { record }: AccessRequest): boolean {
  return [
    emergency.allowed,
    emergency.labels.some((label) => label === record.label),
    emergency.excludedClasses.every((excluded) => excluded !== record.class),
  ].every(Boolean);
}
