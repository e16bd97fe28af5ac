import { DomainError, requireAlteration } from '../../domain/index.js';
import type { Rule } from '../../state/extend-lane.js';
import { grantWrite, readGrant, requireGrant } from '../../state/grant-store.js';
import { requireGivable } from './give-grant.js';
import { named, requireSpeaker } from './speaker.js';

/** A new version under the key that every opening reads: what was endorsed before is then invalid. */
export const alterGrant: Rule<'consents:alter'> = async ({ state, channel, actor, input, timeMs }) => {
  const { patientId, grant: signed } = input;
  const giving = { state, channel, patientId, actor, timeMs, signed };
  const speaker = await requireSpeaker(giving);
  const statement = await requireGivable(giving);
  const { id: grantId, body } = statement;
  const row = await readGrant(state, patientId, grantId);
  if (row === undefined) throw new DomainError('GRANT_UNKNOWN', `patient ${patientId} gave no grant ${grantId}`);
  const before = requireGrant(patientId, row, grantId);
  requireAlteration(before, statement, timeMs);
  const { purpose, grantee, untilMs } = body;
  return {
    outcome: { action: 'alter', outcome: 'permit', purpose, grantId, grantee, untilMs, ...named(speaker) },
    writes: ({ txId }) => [grantWrite(patientId, grantId, { grant: signed, txId })],
  };
};
