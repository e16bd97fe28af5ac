import { sha256Hex, utf8ToBytes } from '../bytes.js';
import { canonicalJson, parseCanonicalJson } from '../canonical-json.js';
import type { MemberId, PatientId } from '../ids.js';
import { DIFFICULTY_MAX, DIFFICULTY_MIN, PROOF_JSON_CHARACTERS_MAX } from '../limits.js';
import { hex, integer, object, type Parse } from '../shape.js';
import type { LaneTip } from './head.js';
import type { LaneHeader } from './header.js';

/** The second argument of a transaction: the tip it was solved against, and the solution. */
export interface LaneProof extends LaneTip {
  /** Eight bytes in hex. */
  readonly nonce: string;
}

const parseFields: Parse<LaneProof> = object({
  sequence: integer({ min: 0, max: 2 ** 40 }),
  previous: hex(32),
  root: hex(32),
  difficulty: integer({ min: DIFFICULTY_MIN, max: DIFFICULTY_MAX }),
  nonce: hex(8),
});

export function parseLaneProof(json: string): LaneProof {
  return parseFields(parseCanonicalJson(json, PROOF_JSON_CHARACTERS_MAX), '/proof');
}

export function formatLaneProof(proof: LaneProof): string {
  return canonicalJson({ ...proof });
}

/** The header of a call: what the client solves and what the chaincode recomputes. */
export function headerOf(call: {
  channel: string;
  transaction: string;
  businessJson: string;
  memberId: MemberId;
  keyHash: string;
  patientId: PatientId;
  tip: LaneTip;
}): LaneHeader {
  const { channel, transaction, memberId, keyHash, patientId, tip } = call;
  const { sequence, previous, root, difficulty } = tip;
  const businessDigest = sha256Hex(utf8ToBytes(call.businessJson));
  return { channel, transaction, businessDigest, memberId, keyHash, patientId, sequence, previous, root, difficulty };
}
