import { hexToBytes, sha256, sha256Hex, taggedBytes, uint64Bytes, utf8ToBytes } from '../bytes.js';
import { canonicalJson, parseCanonicalJson } from '../canonical-json.js';
import { DomainError } from '../errors.js';
import { memberId, type PatientId } from '../ids.js';
import { BUSINESS_JSON_CHARACTERS_MAX, DIFFICULTY_MAX, DIFFICULTY_MIN } from '../limits.js';
import { hex, integer, object, type Parse, text, timeMs } from '../shape.js';
import { headerHash, type LaneHeader } from './header.js';
import { entryHash, isValidProof } from './proof-of-work.js';

/** One entry of a lane, as it lies in world state. */
export interface LaneEntry extends LaneHeader {
  /** Eight bytes in hex. */
  readonly nonce: string;
  readonly entryHash: string;
  /** Canonical JSON of the outcome (see outcome.ts); decided at endorsement, so it enters the link, not the puzzle. */
  readonly outcome: string;
  readonly txId: string;
  /** max(time of the entry before, time the client claimed). */
  readonly timeMs: number;
  readonly link: string;
}

/** SHA-256 over entry hash, outcome, transaction id and time: what the next entry calls `previous`. */
export function linkOf(entry: Pick<LaneEntry, 'entryHash' | 'outcome' | 'txId' | 'timeMs'>): string {
  return sha256Hex(
    taggedBytes('medledger/lane-link/v1', [
      hexToBytes(entry.entryHash),
      sha256(utf8ToBytes(entry.outcome)),
      utf8ToBytes(entry.txId),
      uint64Bytes(entry.timeMs),
    ]),
  );
}

/** An entry with hash and link computed from everything else. */
export function sealEntry(input: {
  header: LaneHeader;
  nonce: string;
  outcome: string;
  txId: string;
  timeMs: number;
}): LaneEntry {
  const hash = entryHash(headerHash(input.header), hexToBytes(input.nonce));
  const { nonce, outcome, txId } = input;
  const link = linkOf({ entryHash: hash, outcome, txId, timeMs: input.timeMs });
  return { ...input.header, nonce, entryHash: hash, outcome, txId, timeMs: input.timeMs, link };
}

/** True when hash, proof of work and link of a stored entry are what its own fields ask for. */
export function isIntact(entry: LaneEntry): boolean {
  const proof = {
    headerHash: headerHash(entry),
    nonce: hexToBytes(entry.nonce),
    entryHash: entry.entryHash,
    difficulty: entry.difficulty,
  };
  return isValidProof(proof) && linkOf(entry) === entry.link;
}

const parseFields: Parse<LaneEntry> = object({
  channel: text(/^.{1,250}$/, 'a channel name'),
  transaction: text(/^[a-z]+:[A-Za-z]+$/, 'a transaction name'),
  businessDigest: hex(32),
  memberId,
  keyHash: hex(32),
  patientId: patientOrNone,
  sequence: integer({ min: 0, max: 2 ** 40 }),
  previous: hex(32),
  root: hex(32),
  difficulty: integer({ min: DIFFICULTY_MIN, max: DIFFICULTY_MAX }),
  nonce: hex(8),
  entryHash: hex(32),
  outcome: (value, pointer) => {
    if (typeof value !== 'string') throw new DomainError('INPUT_INVALID', `${pointer} must be text`);
    return value;
  },
  txId: hex(32),
  timeMs,
  link: hex(32),
});

function patientOrNone(value: unknown, pointer: string): PatientId {
  return value === '-' ? (value as PatientId) : memberId(value, pointer);
}

/** @throws DomainError when the stored bytes are not one canonical entry */
export function parseLaneEntry(stored: string): LaneEntry {
  return parseFields(parseCanonicalJson(stored, BUSINESS_JSON_CHARACTERS_MAX), '');
}

export function formatLaneEntry(entry: LaneEntry): string {
  return canonicalJson({ ...entry });
}
