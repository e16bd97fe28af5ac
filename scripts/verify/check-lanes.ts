import {
  formatLaneEntry,
  keyHashOf,
  fromBase64url,
  type LaneEntry,
  type LaneHead,
  limits,
  type Member,
  memberGenesis,
  NO_PATIENT,
  parseLaneHead,
  patientGenesis,
} from '@medledger/chaincode/domain';
import { CheckLog, type CheckResult } from './finding.js';
import { judgeOutcome } from './judge-outcome.js';
import { describeFault, LaneWalk, readEntry, unlessInvalid } from './lane-walk.js';
import { DAMAGED, type StateView } from './peer-state.js';
import {
  CONFIG_KEY,
  ENTRY_PREFIX,
  HEAD_PREFIX,
  headKey,
  type LanePlace,
  laneName,
  parseEntryKey,
  parseHeadKey,
} from './state-keys.js';
import { parseTargetIntervalMs, readMember } from './stored-values.js';
import { digestOf, type TransactionIndex } from './transaction-index.js';

/** One peer's live state with the transactions of its blocks. */
export interface PeerView {
  readonly mspId: string;
  readonly channel: string;
  readonly state: StateView;
  readonly index: TransactionIndex;
  /** What to do about a finding: depends on whether the blocks say the same. */
  readonly next: string;
}

interface OpenLane {
  readonly lane: LanePlace;
  readonly walk: LaneWalk;
  readonly actor: Member | undefined;
}

/**
 * Walks every lane from its genesis to its head, in one pass over the entries; holds each entry against the
 * transaction that wrote it, and judges again what it permitted.
 */
export async function checkLanes(view: PeerView): Promise<CheckResult> {
  const log = new CheckLog('lanes', view.mspId, view.next);
  const targetIntervalMs = parseTargetIntervalMs(view.state.read(CONFIG_KEY)) ?? limits.TARGET_INTERVAL_MS;
  const walked = new Set<string>();
  let open: OpenLane | undefined;
  for await (const { key, text } of view.state.rows(ENTRY_PREFIX)) {
    const place = parseEntryKey(key);
    if (place === undefined) {
      log.found(key, 'an entry that belongs to no lane');
      continue;
    }
    if (open === undefined || laneName(open.lane) !== laneName(place.lane)) {
      closeLane(view, open, log);
      open = openLane(view, place.lane, targetIntervalMs, log);
      walked.add(laneName(place.lane));
    }
    checkEntry({ view, log, open }, place.sequence, readEntry(text));
  }
  closeLane(view, open, log);
  await checkHeads(view, walked, log);
  checkCount(view, log);
  return log.result;
}

function openLane({ state, channel }: PeerView, lane: LanePlace, targetIntervalMs: number, log: CheckLog): OpenLane {
  log.count('lanes');
  const genesis = genesisOf(state, lane, channel);
  if (genesis === undefined) log.found(`lane ${laneName(lane)}`, 'the register has no member that it could begin at');
  return { lane, walk: new LaneWalk(genesis ?? '', targetIntervalMs), actor: readMember(state, lane.memberId) };
}

/** Recomputed from what the register pins, so that a changed pin shows as a lane that does not begin where it should. */
function genesisOf(state: StateView, { patientId, memberId }: LanePlace, channel: string): string | undefined {
  const owner = readMember(state, patientId === NO_PATIENT ? memberId : patientId);
  if (owner === undefined) return undefined;
  if (patientId !== NO_PATIENT && memberId !== patientId) return owner.genesis;
  const { signingKey, encryptionKey, registerDigest, memberId: ownId } = owner;
  if (memberId === patientId) return patientGenesis({ channel, patientId: ownId, signingKey, encryptionKey });
  return registerDigest === undefined
    ? undefined
    : memberGenesis({ channel, memberId: ownId, signingKey, registerDigest });
}

interface LaneCheck {
  readonly view: PeerView;
  readonly log: CheckLog;
  readonly open: OpenLane;
}

function checkEntry(check: LaneCheck, sequence: number, entry: LaneEntry | undefined): void {
  const { log, open } = check;
  const { walk, lane } = open;
  log.count('entries');
  const wasSound = walk.fault === undefined;
  const earliestMs = walk.timeMs;
  walk.step(sequence, entry);
  const where = `lane ${laneName(lane)}, entry ${sequence}`;
  // The fault itself is named when the lane ends; what stands behind it can still be held against its transaction.
  if (entry === undefined || (wasSound && walk.fault !== undefined)) return;
  for (const what of faultsOf(check, { entry, sequence, earliestMs })) log.found(where, what);
}

function faultsOf(
  { view, open }: LaneCheck,
  place: { entry: LaneEntry; sequence: number; earliestMs: number | undefined },
): readonly string[] {
  const { entry, sequence, earliestMs } = place;
  const { lane, actor } = open;
  const isOwn =
    entry.channel === view.channel &&
    entry.memberId === lane.memberId &&
    entry.patientId === lane.patientId &&
    entry.sequence === sequence;
  if (!isOwn) return ['it says of itself that it stands elsewhere'];
  const key = actor === undefined ? undefined : keyHashOf(fromBase64url(actor.signingKey));
  const keyFault = key === entry.keyHash ? [] : ['it names another key than the register pins for its actor'];
  return [...keyFault, ...transactionFaults(view.index, entry, earliestMs), ...judgeOutcome({ ...view, entry })];
}

/** The entry is what a valid transaction of this actor wrote. */
function transactionFaults(index: TransactionIndex, entry: LaneEntry, earliestMs: number | undefined): string[] {
  const found = index.get(entry.txId);
  // A block that cannot be read may hold it; that this is so, the check of the peer says.
  if (found === undefined) return index.unreadable.length > 0 ? [] : [`no block holds its transaction ${entry.txId}`];
  if (found.code !== 'VALID') return [`its transaction ${entry.txId} is ${found.code}`];
  const agreements: readonly (readonly [string, boolean])[] = [
    ['function', found.transaction === entry.transaction],
    ['argument', found.businessDigest === entry.businessDigest],
    ['creator', found.memberId === entry.memberId && found.keyHash === entry.keyHash],
    ['time', earliestMs === undefined || entry.timeMs === Math.max(earliestMs, found.timestampMs)],
    ['entry it wrote', found.entry?.valueDigest === digestOf(formatLaneEntry(entry))],
  ];
  const differing = agreements.filter(([, agrees]) => !agrees).map(([name]) => name);
  return differing.length === 0 ? [] : [`its transaction ${entry.txId} says otherwise: ${differing.join(', ')}`];
}

function closeLane({ state }: PeerView, open: OpenLane | undefined, log: CheckLog): void {
  if (open === undefined) return;
  const fault = open.walk.end(readHead(state, open.lane));
  if (fault !== undefined) log.found(`lane ${laneName(open.lane)}, entry ${fault.sequence}`, describeFault(fault));
}

function readHead(state: StateView, lane: LanePlace): LaneHead | undefined | typeof DAMAGED {
  const text = state.read(headKey(lane));
  if (typeof text !== 'string') return text;
  return unlessInvalid(() => parseLaneHead(text)) ?? DAMAGED;
}

/** A head whose entries are all gone was not met above. */
async function checkHeads({ state }: PeerView, walked: ReadonlySet<string>, log: CheckLog): Promise<void> {
  for await (const { key } of state.rows(HEAD_PREFIX)) {
    const lane = parseHeadKey(key);
    if (lane === undefined) log.found(key, 'a head that belongs to no lane');
    else if (!walked.has(laneName(lane)))
      log.found(`lane ${laneName(lane)}, entry 0`, 'a head stands there without entries');
  }
}

/** Every valid transaction left its entry: none was taken away together with the head. */
function checkCount({ state, index }: PeerView, log: CheckLog): void {
  const { counts, findings } = log.result;
  const { height } = state;
  if (findings.length > 0 || index.unreadable.length > 0 || height === undefined) return;
  // A ledger that runs may have blocks by now that the copy of its state has not seen.
  const written = index.entriesBelow(height);
  const entries = counts.entries ?? 0;
  if (entries < written)
    log.found('all lanes', `${written} valid transactions wrote entries, but ${entries} are there`);
}
