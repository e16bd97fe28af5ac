import { parsePolicyStatement, type PatientId, type PolicyBody, requireOwnExclusionsKept } from '../../domain/index.js';
import type { Rule } from '../../state/extend-lane.js';
import { actorOf, loadConsents } from '../../state/load-consents.js';
import { inForce, policyWrite, readPolicy } from '../../state/statement-store.js';
import type { WorldState } from '../../state/world-state.js';
import { requireNext, requireSignedBy } from '../signed-statement.js';
import { requireGrantee, requireSeenRegister } from './grantee-check.js';
import { named, requireSpeaker } from './speaker.js';

export const setPolicy: Rule<'consents:setPolicy'> = async ({ state, channel, actor, input, timeMs }) => {
  const { patientId, policy } = input;
  const speaker = await requireSpeaker({ state, patientId, actor, timeMs });
  const statement = parsePolicyStatement(policy.text);
  requireSignedBy(actor, policy, statement, { channel, patientId });
  requireNext(statement, await storedVersion(state, patientId));
  await requirePolicyBody(state, statement.body, patientId);
  if (speaker.representationId !== undefined)
    requireOwnExclusionsKept(actorOf(actor), statement.body, await loadConsents(state, { patientId, actor }));
  return {
    outcome: { action: 'policy', outcome: 'permit', ...named(speaker) },
    writes: ({ txId }) => [policyWrite(patientId, inForce(policy, txId))],
  };
};

/**
 * Whom an exclusion by group reaches, the group must say: custodians believe no policy that leaves it open.
 *
 * @throws DomainError INPUT_INVALID when it trusts members of a register that is not there yet, GROUP_UNKNOWN
 */
export async function requirePolicyBody(
  state: WorldState,
  { defaultRule, exclusions }: PolicyBody,
  patientId: PatientId,
): Promise<void> {
  for (const { who } of exclusions) if (who.kind === 'group') await requireGrantee(state, who, patientId);
  await requireSeenRegister(state, defaultRule.kind === 'permit' ? defaultRule.registerVersion : undefined);
}

async function storedVersion(state: WorldState, patientId: PatientId): Promise<number | undefined> {
  const row = await readPolicy(state, patientId);
  return row === undefined ? undefined : parsePolicyStatement(row.statement.text).version;
}
