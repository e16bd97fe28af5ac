import { hexToBytes, sha256, taggedBytes, uint64Bytes, utf8ToBytes } from '../bytes.js';
import type { MemberId, PatientId } from '../ids.js';

/**
 * What the puzzle is solved over. It fixes who does what to whom, and everything that came before in the lane.
 * Hashes are lower-case hex of 32 bytes.
 */
export interface LaneHeader {
  readonly channel: string;
  /** Contract and function, e.g. `records:add`. */
  readonly transaction: string;
  /** SHA-256 of the business argument, byte for byte as it was sent. */
  readonly businessDigest: string;
  readonly memberId: MemberId;
  readonly keyHash: string;
  /** `-` where the transaction is about no patient. */
  readonly patientId: PatientId;
  /** Zero-based place in the lane. */
  readonly sequence: number;
  /** Link of the entry before, or the genesis. */
  readonly previous: string;
  /** RFC 6962 root over the links of all earlier entries of the lane. */
  readonly root: string;
  /** Expected number of hashes to a solution. */
  readonly difficulty: number;
}

/** Tagged, length-prefixed: no two headers have the same bytes. */
export function headerBytes(header: LaneHeader): Uint8Array {
  return taggedBytes('medledger/lane-header/v1', [
    utf8ToBytes(header.channel),
    utf8ToBytes(header.transaction),
    hexToBytes(header.businessDigest),
    utf8ToBytes(header.memberId),
    hexToBytes(header.keyHash),
    utf8ToBytes(header.patientId),
    uint64Bytes(header.sequence),
    hexToBytes(header.previous),
    hexToBytes(header.root),
    uint64Bytes(header.difficulty),
  ]);
}

export function headerHash(header: LaneHeader): Uint8Array {
  return sha256(headerBytes(header));
}
