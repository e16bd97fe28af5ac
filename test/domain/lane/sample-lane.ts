import {
  extendHead,
  firstHead,
  headerHash,
  type LaneEntry,
  type LaneHead,
  type LaneHeader,
  type MemberId,
  sealEntry,
  sha256Hex,
  solve,
  tipOf,
  utf8ToBytes,
} from '@medledger/chaincode/domain';

export const GENESIS = 'ab'.repeat(32);
export const TARGET_INTERVAL_MS = 10_000;

export interface SampleLane {
  readonly entries: readonly LaneEntry[];
  /** heads[n] is the head before entry n; the last one is the head of the whole lane. */
  readonly heads: readonly LaneHead[];
}

export function sampleHeader(changes: Partial<LaneHeader> = {}): LaneHeader {
  return {
    channel: 'medledger',
    transaction: 'records:add',
    businessDigest: '01'.repeat(32),
    memberId: 'doctor-a' as MemberId,
    keyHash: '02'.repeat(32),
    patientId: 'p-1' as MemberId,
    sequence: 0,
    previous: GENESIS,
    root: '03'.repeat(32),
    difficulty: 4096,
    ...changes,
  };
}

export function solvedNonce(header: LaneHeader): string {
  const hash = headerHash(header);
  const solution = solve({ headerHash: hash, difficulty: header.difficulty, attemptsMax: 2 ** 20 });
  if (solution === undefined) throw new Error('no nonce found');
  return solution.nonceHex;
}

export function nextEntry(head: LaneHead, changes: { stepMs?: number; outcome?: string } = {}): LaneEntry {
  const header = sampleHeader(tipOf(head));
  return sealEntry({
    header,
    nonce: solvedNonce(header),
    outcome: changes.outcome ?? '{"action":"add","outcome":"permit"}',
    txId: sha256Hex(utf8ToBytes(`transaction ${head.sequence}`)),
    timeMs: head.timeMs + (changes.stepMs ?? TARGET_INTERVAL_MS),
  });
}

export function buildLane(entryCount: number, stepMs = TARGET_INTERVAL_MS): SampleLane {
  const entries: LaneEntry[] = [];
  let head = firstHead(GENESIS);
  const heads = [head];
  for (let sequence = 0; sequence < entryCount; sequence++) {
    const entry = nextEntry(head, { stepMs });
    head = extendHead(head, entry, TARGET_INTERVAL_MS);
    entries.push(entry);
    heads.push(head);
  }
  return { entries, heads };
}

/** The entry with one field changed, to a value of the same shape. */
export function withChangedField(entry: LaneEntry, field: keyof LaneEntry): LaneEntry {
  const value = entry[field];
  if (typeof value === 'number') return { ...entry, [field]: value + 1 };
  const swap = value.at(-1) === '0' ? '1' : '0';
  return { ...entry, [field]: `${value.slice(0, -1)}${swap}` };
}

/** The head before the entry with this sequence. */
export function headBefore(lane: SampleLane, sequence: number): LaneHead {
  const head = lane.heads[sequence];
  if (head === undefined) throw new Error(`the sample has no head ${sequence}`);
  return head;
}

export function entryAt(lane: SampleLane, sequence: number): LaneEntry {
  const entry = lane.entries[sequence];
  if (entry === undefined) throw new Error(`the sample has no entry ${sequence}`);
  return entry;
}
