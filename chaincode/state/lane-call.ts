import {
  canonicalJson,
  DomainError,
  entryHash,
  extendHead,
  formatOutcome,
  headerHash,
  headerOf,
  hexToBytes,
  isRetargetPlace,
  type LaneEntry,
  type LaneHead,
  type LaneHeader,
  type LaneProof,
  limits,
  meetsDifficulty,
  NO_PATIENT,
  type Outcome,
  type PatientId,
  parseLaneProof,
  type RecordMetadata,
  sealEntry,
  type TransactionAnswer,
  type TransactionName,
  tipFor,
  tipOf,
} from '../domain/index.js';
import type { Caller } from './caller.js';
import type { LaneId } from './keys.js';
import { chainBroken, entryWrites, readEntry, requireWholeHistory } from './lane-store.js';
import type { Proposal } from './proposal.js';
import { readTargetIntervalMs } from './register-store.js';
import type { WorldState, Write } from './world-state.js';

/** A call whose nonce is solved for the lane as it is. */
export interface SolvedCall {
  readonly proposal: Proposal;
  readonly lane: LaneId;
  readonly head: LaneHead;
  readonly header: LaneHeader;
  readonly nonce: string;
  readonly entryHash: string;
  /** Time of the new entry. */
  readonly timeMs: number;
}

/** What a rule decided: what the log says, and what lies in state afterwards. */
export interface Ruling {
  readonly outcome: Outcome;
  /** @param entry - the sealed entry, for writes that name its time, transaction or link */
  readonly writes?: (entry: LaneEntry) => readonly Write[];
  readonly records?: readonly RecordMetadata[];
}

/**
 * First gate of a transaction: the proof must stand on the lane's head and solve its puzzle. Apart from the head (for
 * a new lane: the genesis) nothing is read before it is passed.
 *
 * @param call.storedHead - undefined for a lane without entries
 * @throws DomainError STALE_HEAD, NONCE_INVALID, CHAIN_BROKEN
 */
export async function requireSolved(call: {
  proposal: Proposal;
  caller: Caller;
  transaction: TransactionName;
  businessJson: string;
  proofJson: string;
  patientId: PatientId;
  head: LaneHead;
}): Promise<SolvedCall> {
  const { proposal, caller, transaction, businessJson, patientId, head } = call;
  // Bytes that are no UTF-8 arrive as this character: the digest would not be that of the bytes which were sent.
  if (businessJson.includes('\uFFFD')) throw new DomainError('JSON_INVALID', 'the business argument is not UTF-8');
  const proof = parseLaneProof(call.proofJson);
  const { memberId, keyHash } = caller;
  const lane = { patientId, memberId };
  const tip = tipFor(transaction, tipOf(head));
  const header = headerOf({ channel: proposal.channel, transaction, businessJson, memberId, keyHash, patientId, tip });
  const solved = {
    proposal,
    lane,
    head,
    header,
    nonce: proof.nonce,
    entryHash: entryHash(headerHash(header), hexToBytes(proof.nonce)),
    timeMs: Math.max(head.timeMs, proposal.claimedMs),
  };
  if (!standsOn(proof, header)) throw await staleOrBroken(solved, proof);
  if (!meetsDifficulty(solved.entryHash, header.difficulty))
    throw new DomainError('NONCE_INVALID', `no solution for entry ${head.sequence} of this lane and this call`);
  return solved;
}

function standsOn(proof: LaneProof, header: LaneHeader): boolean {
  return (
    proof.sequence === header.sequence &&
    proof.previous === header.previous &&
    proof.root === header.root &&
    proof.difficulty === header.difficulty
  );
}

/**
 * A proof for another head is a client that lags, or a peer whose head was changed. Clients cannot tell which, so the
 * peer looks: an entry beyond the head, or a head that does not stand on its entries, is a broken chain.
 */
async function staleOrBroken(call: SolvedCall, proof: LaneProof): Promise<DomainError> {
  const { lane, head } = call;
  const { state } = call.proposal;
  if ((await readEntry(state, lane, head.sequence)) !== undefined)
    return chainBroken(lane, `entry ${head.sequence} stands beyond the head`);
  if (proof.sequence === head.sequence) await requireWholeHistory(state, call);
  return new DomainError('STALE_HEAD', `the lane is at entry ${head.sequence}, the proof at ${proof.sequence}`);
}

/**
 * Last step of a transaction: seals the entry, writes it with the new head and the ruling's writes, announces it.
 *
 * @returns TransactionAnswer as canonical JSON
 */
export async function commitEntry(call: SolvedCall, ruling: Ruling): Promise<string> {
  const { proposal, lane, head, header, nonce, timeMs } = call;
  const outcome = formatOutcome(ruling.outcome);
  const entry = sealEntry({ header, nonce, outcome, txId: proposal.txId, timeMs });
  const next = extendHead(head, entry, await targetIntervalMs(proposal.state, head.sequence + 1));
  await proposal.state.write([...(ruling.writes?.(entry) ?? []), ...entryWrites(lane, entry, next)]);
  const { sequence, entryHash: hash, link } = entry;
  proposal.announce('entry', { ...lane, sequence, action: ruling.outcome.action });
  const answer: TransactionAnswer = {
    outcome: ruling.outcome,
    entry: { ...lane, sequence, entryHash: hash, link, timeMs },
    tip: tipOf(next),
    ...(ruling.records === undefined ? {} : { records: ruling.records }),
  };
  return canonicalJson(answer);
}

/** The configuration is read only where it is needed: one key less to contend for. */
async function targetIntervalMs(state: WorldState, nextSequence: number): Promise<number> {
  return isRetargetPlace(nextSequence) ? readTargetIntervalMs(state) : limits.TARGET_INTERVAL_MS;
}

/** The patient that a call's lane is about. */
export function patientOf(input: object): PatientId {
  return 'patientId' in input ? parsePatient(input.patientId) : NO_PATIENT;
}

/** The business argument was parsed, so that what is called a patient id is one. */
function parsePatient(value: unknown): PatientId {
  return value as PatientId;
}
