import {
  DomainError,
  type GroupId,
  type MemberId,
  parseGroupStatement,
  type PatientId,
  requireOwnMembershipKept,
  type SignedStatement,
} from '../../domain/index.js';
import type { Rule } from '../../state/extend-lane.js';
import { holdingsWrite, person, readHoldings } from '../../state/holder-index.js';
import { actorOf } from '../../state/load-consents.js';
import { readMember } from '../../state/register-store.js';
import { groupWrite, inForce, readGroup } from '../../state/statement-store.js';
import type { WorldState, Write } from '../../state/world-state.js';
import { isPatientOrStaff } from '../acting-roles.js';
import { requireNext, requireSignedBy } from '../signed-statement.js';
import { requireRoom } from './bounded-ids.js';
import { named, requireSpeaker } from './speaker.js';

/** The members of an own group, as the patient names them now. They need no notice: the patient chose them. */
export const setGroup: Rule<'consents:setGroup'> = async ({ state, channel, actor, input, timeMs }) => {
  const { patientId, group } = input;
  const speaker = await requireSpeaker({ state, patientId, actor, timeMs });
  const statement = parseGroupStatement(group.text);
  requireSignedBy(actor, group, statement, { channel, patientId });
  const { id: groupId, body } = statement;
  const row = await readGroup(state, patientId, groupId);
  const before = row === undefined ? undefined : parseGroupStatement(row.statement.text);
  requireNext(statement, before?.version);
  if (speaker.representationId !== undefined) requireOwnMembershipKept(actorOf(actor), body, before?.body);
  const known = before?.body.members ?? [];
  const joining = body.members.filter((memberId) => !known.includes(memberId));
  const leaving = known.filter((memberId) => !body.members.includes(memberId));
  for (const memberId of joining) await requireMember(state, memberId, patientId);
  const room = before === undefined ? [await roomFor(state, patientId, groupId)] : [];
  const indexes = await memberIndexes(state, { patientId, groupId, joining, leaving });
  return {
    outcome: { action: 'group', outcome: 'permit', groupId, ...named(speaker) },
    writes: ({ txId }) => [groupWrite(patientId, groupId, inForce(group, txId)), ...room, ...indexes],
  };
};

function roomFor(state: WorldState, patientId: PatientId, groupId: GroupId): Promise<Write> {
  return requireRoom(
    state,
    { patientId, kind: 'group', id: groupId },
    {
      read: (id: GroupId) => readGroup(state, patientId, id),
      isOver: ({ statement }: { statement: SignedStatement }) =>
        parseGroupStatement(statement.text).body.members.length === 0,
    },
  );
}

async function requireMember(state: WorldState, memberId: MemberId, patientId: PatientId): Promise<void> {
  const member = await readMember(state, memberId);
  if (member === undefined || !isPatientOrStaff(member) || memberId === patientId)
    throw new DomainError('MEMBER_UNKNOWN', `the register has no person ${memberId} that takes grants`);
}

/** Through these lists a decision finds the groups that a person is in. */
async function memberIndexes(
  state: WorldState,
  change: {
    patientId: PatientId;
    groupId: GroupId;
    joining: readonly MemberId[];
    leaving: readonly MemberId[];
  },
): Promise<readonly Write[]> {
  const { patientId, groupId, joining, leaving } = change;
  const writes: Write[] = [];
  for (const memberId of [...joining, ...leaving]) {
    const holdings = await readHoldings(state, patientId, person(memberId));
    const others = holdings.groupIds.filter((id) => id !== groupId);
    const groupIds = joining.includes(memberId) ? [...others, groupId] : others;
    writes.push(holdingsWrite(patientId, person(memberId), { ...holdings, groupIds }));
  }
  return writes;
}
