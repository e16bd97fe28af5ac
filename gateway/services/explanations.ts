import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type AccessDifference,
  type Actor,
  agencyId,
  type ChangePreview,
  type Consents,
  type ConsentChange,
  explainMember,
  explainRecord,
  limits,
  type MemberId,
  memberId,
  type PatientId,
  previewChange,
  type RecordAccess,
  type RecordFacts,
  recordId,
  type RecordMetadata,
  type StaffMember,
} from '@medledger/chaincode/domain';
import type { UnlockedIdentity } from '../identity/member-keys.js';
import type { LedgerChain } from '../ledger/chain.js';
import { MedledgerError } from '../medledger-error.js';
import { changeOf } from './consent-changes.js';
import type { ConsentChangeInput, ExplanationServices } from './consent-services.js';
import type { Caller } from './medledger.js';
import { patientOf } from './open-record.js';
import type { KeysOf } from './people.js';
import { allConsents, ownConsents } from './stored-consents.js';

export interface ExplanationPorts {
  readonly chain: LedgerChain;
  readonly keysOf: KeysOf;
  readonly nowMs: () => number;
}

/** Who can see what and why, and what a change would do: by the function that decides. */
export function createExplanations({ chain, keysOf, nowMs }: ExplanationPorts): ExplanationServices {
  return {
    async explainRecord(caller, input): Promise<readonly RecordAccess[]> {
      const identity = keysOf(caller);
      const id = recordId(input.recordId, '/recordId');
      const patientId = await patientOf(chain, identity, id);
      const consents = await allConsents(chain, identity, patientId);
      const [record] = await chain.query(identity, 'records:metadata', { recordIds: [id] });
      if (record === undefined) throw new MedledgerError('RECORD_UNKNOWN');
      const members = await peopleOf(chain, identity, { patientId, consents });
      return explainRecord({ patientId, record, members, consents, atMs: nowMs() });
    },

    /** The patient asks about anybody; everybody else about itself. */
    async explainMember(caller, input): Promise<readonly RecordAccess[]> {
      const identity = keysOf(caller);
      const patientId = memberId(input.patientId, '/patientId');
      const about = memberId(input.memberId ?? caller.memberId, '/memberId');
      const isOwn = about === caller.memberId && about !== patientId;
      const consents = await (isOwn ? ownConsents : allConsents)(chain, identity, patientId);
      const actor = await actorOf(chain, identity, about);
      const records = await recordsOf(chain, identity, patientId);
      return explainMember({ patientId, actor, records, consents, atMs: nowMs() });
    },

    async previewChange(caller: Caller, input: { patientId: string; change: ConsentChangeInput }) {
      const identity = keysOf(caller);
      const patientId = memberId(input.patientId, '/patientId');
      const consents = await allConsents(chain, identity, patientId);
      const change = await changeOf({ chain, identity, patientId, consents, nowMs: nowMs() }, input.change);
      const after = { patientId, consents: withNames(consents, change) };
      const members = await peopleOf(chain, identity, after);
      const records = await recordsOf(chain, identity, patientId);
      const atMs = Math.max(nowMs(), beginOf(change));
      return previewInTurns({ patientId, consents, change, members, records, atMs });
    },
  };
}

/** A thousand members times a thousand records take seconds: others are served in between. */
async function previewInTurns(given: Parameters<typeof previewChange>[0]): Promise<ChangePreview> {
  const gains: AccessDifference[] = [];
  const losses: AccessDifference[] = [];
  for (let at = 0; at < given.members.length; at += MEMBERS_PER_TURN) {
    const part = previewChange({ ...given, members: given.members.slice(at, at + MEMBERS_PER_TURN) });
    gains.push(...part.gains);
    losses.push(...part.losses);
    await nextTurn();
  }
  return { gains, losses };
}

/** With 1,000 records some 20 ms. */
const MEMBERS_PER_TURN = 2;

/** A change is previewed as of its beginning: before it nothing differs. */
function beginOf(change: ConsentChange): number {
  if (change.kind === 'grant') return change.grant.fromMs;
  if (change.kind === 'representation') return change.representation.fromMs;
  return 0;
}

/** So that whom the change names for the first time is among those asked about. */
function withNames(consents: Consents, change: ConsentChange): Consents {
  if (change.kind === 'grant') return { ...consents, grants: [...consents.grants, change.grant] };
  if (change.kind === 'group') return { ...consents, groups: [...consents.groups, change.group] };
  if (change.kind !== 'representation') return consents;
  return { ...consents, representations: [...consents.representations, change.representation] };
}

/** All staff of the register, and other patients whom this one names. */
async function peopleOf(
  chain: LedgerChain,
  identity: UnlockedIdentity,
  { patientId, consents }: { patientId: PatientId; consents: Consents },
): Promise<readonly Actor[]> {
  const staff = await staffOf(chain, identity);
  const known = new Set<string>(staff.map((member) => member.memberId));
  const others = namesIn(consents).filter((id) => !known.has(id) && id !== patientId);
  return [...staff, ...others.map((id): Actor => ({ memberId: id, role: 'patient' }))];
}

function namesIn({ grants, delegations, groups, representations }: Consents): readonly MemberId[] {
  const named = [...grants, ...delegations].flatMap(({ grantee }) =>
    grantee.kind === 'person' || grantee.kind === 'delegate' ? [grantee.id] : [],
  );
  const members = groups.flatMap((group) => group.members);
  return [...new Set([...named, ...members, ...representations.map(({ representative }) => representative)])];
}

async function staffOf(chain: LedgerChain, identity: UnlockedIdentity): Promise<readonly StaffMember[]> {
  return allPages((page) => chain.query(identity, 'members:staff', page));
}

async function actorOf(chain: LedgerChain, identity: UnlockedIdentity, id: MemberId): Promise<Actor> {
  const { member } = await chain.query(identity, 'members:member', { memberId: id });
  if (member.role === 'patient') return { memberId: id, role: 'patient' };
  const at = member.agencyId === undefined ? {} : { agencyId: agencyId(member.agencyId, '/agencyId') };
  const staff = await allPages((page) => chain.query(identity, 'members:staff', { ...at, ...page }));
  const found = staff.find((candidate) => candidate.memberId === id);
  if (found === undefined) throw new MedledgerError('MEMBER_UNKNOWN');
  return found;
}

/** As far as the caller may list them. */
async function recordsOf(
  chain: LedgerChain,
  identity: UnlockedIdentity,
  patientId: PatientId,
): Promise<readonly RecordFacts[]> {
  return allPages<RecordMetadata>((page) => chain.query(identity, 'records:list', { patientId, ...page }));
}

async function allPages<T>(
  ask: (page: { limit: number; cursor?: string }) => Promise<{ items: readonly T[]; next?: string }>,
): Promise<readonly T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await ask({ limit: limits.PAGE_ITEMS_MAX, ...(cursor === undefined ? {} : { cursor }) });
    items.push(...page.items);
    cursor = page.next;
  } while (cursor !== undefined);
  return items;
}
