import {
  DomainError,
  endWalk,
  firstHead,
  type LaneEntry,
  type LaneHead,
  limits,
  type Member,
  memberGenesis,
  NO_PATIENT,
  patientGenesis,
  stepWalk,
  type VerifyLaneAnswer,
  type Walk,
  type WalkFault,
} from '../../domain/index.js';
import type { Question } from '../../state/answer-query.js';
import type { LaneId } from '../../state/keys.js';
import { readEntry, readHead } from '../../state/lane-store.js';
import { readMember, readTargetIntervalMs, requirePatient } from '../../state/register-store.js';
import type { WorldState } from '../../state/world-state.js';
import { requireVerifier } from './reading-rights.js';

type Verification = Question<'audit:verifyLane'> & { readonly actor: Member };

interface Stretch {
  readonly state: WorldState;
  readonly lane: LaneId;
  readonly stored: LaneHead;
  readonly targetIntervalMs: number;
}

/**
 * Walks a lane from its beginning, or from where the call before stopped, and recomputes everything. Entries are read
 * one by one by their place, so that one which cannot be read is named and not merely missed.
 */
export async function verifyLane(verification: Verification): Promise<VerifyLaneAnswer> {
  const { state, actor, input, channel, claimedMs } = verification;
  const { patientId, memberId } = input;
  const lane = { patientId, memberId };
  if (patientId !== NO_PATIENT || memberId !== actor.memberId)
    await requireVerifier({ state, actor, patientId, atMs: claimedMs });
  const start = input.from ?? firstHead(await claimedGenesis(state, lane, channel));
  const stored = await readStoredHead(state, lane);
  if (stored === undefined) return endOfAbsent(state, lane);
  if (stored === 'unreadable') return bad({ sequence: start.sequence, reason: 'unreadable' }, 0);
  return walk({ state, lane, stored, targetIntervalMs: await readTargetIntervalMs(state) }, start);
}

/** Recomputed from what the register pins, so that a changed pin shows as a lane that does not begin where it should. */
async function claimedGenesis(state: WorldState, lane: LaneId, channel: string): Promise<string> {
  const { patientId, memberId } = lane;
  if (patientId !== NO_PATIENT) {
    const patient = await requirePatient(state, patientId);
    return memberId === patientId ? patientGenesis({ ...patient, channel, patientId }) : patient.genesis;
  }
  const member = await readMember(state, memberId);
  if (member?.registerDigest === undefined) throw new DomainError('MEMBER_UNKNOWN', `no document names ${memberId}`);
  const { signingKey, registerDigest } = member;
  return memberGenesis({ channel, memberId, signingKey, registerDigest });
}

async function readStoredHead(state: WorldState, lane: LaneId): Promise<LaneHead | undefined | 'unreadable'> {
  return unlessBroken(() => readHead(state, lane));
}

/** A lane without a head has no entries either, or its head was taken away. */
async function endOfAbsent(state: WorldState, lane: LaneId): Promise<VerifyLaneAnswer> {
  const first = await unlessBroken(() => readEntry(state, lane, 0));
  return first === undefined ? { status: 'ok', entries: 0 } : bad({ sequence: 0, reason: 'head' }, 0);
}

async function walk(stretch: Stretch, start: LaneHead): Promise<VerifyLaneAnswer> {
  const { state, lane, stored } = stretch;
  let head = start;
  for (let entries = 0; entries < limits.VERIFY_ENTRIES_PER_CALL_MAX; entries++) {
    if (head.sequence >= stored.sequence) return finish(stretch, head, entries);
    const entry = await unlessBroken(() => readEntry(state, lane, head.sequence));
    const next = step(head, entry, stretch.targetIntervalMs);
    if (!next.ok) return bad(next.fault, entries);
    head = next.head;
  }
  return { status: 'more', from: head, entries: limits.VERIFY_ENTRIES_PER_CALL_MAX };
}

function step(head: LaneHead, entry: LaneEntry | undefined | 'unreadable', targetIntervalMs: number): Walk {
  if (entry === undefined) return { ok: false, fault: { sequence: head.sequence, reason: 'missing' } };
  if (entry === 'unreadable') return { ok: false, fault: { sequence: head.sequence, reason: 'unreadable' } };
  return stepWalk({ ok: true, head }, entry, targetIntervalMs);
}

/** The walk must arrive at the stored head, and nothing may stand beyond it: a head can be set back. */
async function finish({ state, lane, stored }: Stretch, head: LaneHead, entries: number): Promise<VerifyLaneAnswer> {
  const end = endWalk({ ok: true, head }, stored);
  if (!end.ok) return bad(end.fault, entries);
  const beyond = await unlessBroken(() => readEntry(state, lane, head.sequence));
  return beyond === undefined ? { status: 'ok', entries } : bad({ sequence: head.sequence, reason: 'head' }, entries);
}

function bad(fault: WalkFault, entries: number): VerifyLaneAnswer {
  return { status: 'bad', fault, entries };
}

async function unlessBroken<T>(read: () => Promise<T>): Promise<T | 'unreadable'> {
  try {
    return await read();
  } catch (cause) {
    if (cause instanceof DomainError && cause.code === 'CHAIN_BROKEN') return 'unreadable';
    throw cause;
  }
}
