import { sha256Hex, utf8ToBytes } from '../bytes.js';
import { canonicalJson } from '../canonical-json.js';
import type { MemberId, PatientId, SetId } from '../ids.js';
import { formatStatement } from '../statement.js';
import type { StoredRecord } from './record.js';

/** Names one record of a set without telling what it is. */
export function recordDigest(record: StoredRecord): string {
  return sha256Hex(utf8ToBytes(canonicalJson({ ...record })));
}

/**
 * What an author signs: which records were added together, in order. Of the others in the set a reader needs only the
 * digests, so that the origin of one record can be checked without being told of its neighbours.
 *
 * @param set.digests - `recordDigest` of each record
 * @returns text of a statement of kind `record`, signed with the author's key
 */
export function recordSetStatement(set: {
  channel: string;
  patientId: PatientId;
  authorId: MemberId;
  setId: SetId;
  digests: readonly string[];
}): string {
  const { channel, patientId, authorId, setId, digests } = set;
  const by = authorId === patientId ? {} : { by: authorId };
  const body = { recordsSha256: sha256Hex(utf8ToBytes(canonicalJson([...digests]))) };
  return formatStatement({ channel, patientId, kind: 'record', id: `s${setId}`, version: 1, keyEpoch: 0, ...by, body });
}
