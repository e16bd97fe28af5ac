import { type PatientId, type RecordSet, recordAt } from '@medledger/chaincode/domain';
import type { StateView } from './peer-state.js';
import { RECORD_SET_PREFIX, REQUEST_PREFIX } from './state-keys.js';
import { parseRecordSet, parseRequest } from './stored-values.js';

/** The chain does not tell how long a sealed reason is; a request's body could not hold a longer one. */
const REASON_BYTES_MAX = 1024 * 1024;

/** A ciphertext that the chain points to. */
export interface StoredObject {
  /** `record <id>` or `reason of request <id>`. */
  readonly name: string;
  readonly cid: string;
  /** Of the ciphertext, hex. */
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Of a record: whose shares open it. */
  readonly record?: { readonly recordId: string; readonly version: number; readonly patientId: PatientId };
}

/** Everything in the vaults that a peer's state names. What cannot be read there, other checks say. */
export async function* storedObjects(state: StateView): AsyncGenerator<StoredObject> {
  for await (const { text } of state.rows(RECORD_SET_PREFIX)) {
    const set = parseRecordSet(text);
    if (set !== undefined) yield* objectsOf(set);
  }
  for await (const { text } of state.rows(REQUEST_PREFIX)) {
    const request = parseRequest(text);
    if (request === undefined) continue;
    const { requestId, reasonCid: cid, reasonSha256: sha256 } = request;
    yield { name: `reason of request ${requestId}`, cid, sha256, sizeBytes: REASON_BYTES_MAX };
  }
}

function* objectsOf(set: RecordSet): Generator<StoredObject> {
  for (const index of set.records.keys()) {
    const record = recordAt(set, index);
    if (record === undefined) continue;
    const { recordId, version, patientId, cid, sha256, sizeBytes } = record;
    yield { name: `record ${recordId}`, cid, sha256, sizeBytes, record: { recordId, version, patientId } };
  }
}
