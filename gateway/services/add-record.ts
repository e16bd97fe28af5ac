import { randomUUID } from 'node:crypto';
import {
  type Label,
  memberId,
  label,
  purpose,
  recordClass,
  type RecordId,
  type RecordRelation,
} from '@medledger/chaincode/domain';
import type { AddedRecords, RecordsToAdd } from './add-records.js';
import { MedledgerError } from '../medledger-error.js';
import type { AddedRecord, Caller, Services } from './medledger.js';
import type { KeysOf } from './people.js';
import type { PlainRecord } from './seal-records.js';

export interface AddRecordPorts {
  readonly keysOf: KeysOf;
  readonly add: (input: RecordsToAdd) => Promise<AddedRecords>;
  /** Version of the newest record in the chain of versions around this one. */
  readonly newestVersion: (caller: Caller, recordId: RecordId) => Promise<number>;
  readonly blockOf: (transactionId: string) => Promise<number | undefined>;
  readonly nowMs: () => number;
}

type Input = Parameters<Services['addRecord']>[1];

/** What is not FHIR is filed as a document. */
const CLASS_OF_FILES = 'DocumentReference';

/** Adds one record of any kind. */
export function createAddRecord(ports: AddRecordPorts) {
  return async function addRecord(caller: Caller, input: Input): Promise<AddedRecord> {
    const patientId = memberId(input.patientId, '/patientId');
    const relation = await relationOf(ports, caller, input);
    const added = await ports.add({
      identity: ports.keysOf(caller),
      patientId,
      purpose: purpose(input.purpose ?? (caller.memberId === patientId ? 'PATRQT' : 'TREAT'), '/purpose'),
      records: [{ ...plainOf(ports, input), ...relation }],
      key: input.idempotencyKey ?? randomUUID(),
    });
    const [record] = added.records;
    const blockNumber = added.blockNumber ?? (await ports.blockOf(added.transactionId));
    if (record === undefined || blockNumber === undefined) throw new MedledgerError('OUTCOME_UNKNOWN');
    const { cid, sha256, sizeBytes } = record.stored;
    const { transactionId } = added;
    return {
      recordId: record.recordId,
      version: relation.version ?? 1,
      cid,
      sha256,
      sizeBytes,
      transactionId,
      blockNumber,
    };
  };
}

function plainOf({ nowMs }: AddRecordPorts, input: Input): PlainRecord {
  const { contentType, content } = input;
  return {
    class: recordClass(input.class ?? classOf(input), '/class'),
    label: labelOf(input.label),
    dateMs: input.dateMs ?? nowMs(),
    contentType,
    content,
  };
}

/** A record that replaces another is sealed as its next version; the chain refuses it where somebody was first. */
async function relationOf(
  ports: AddRecordPorts,
  caller: Caller,
  { relatesTo }: Input,
): Promise<{ relatesTo?: RecordRelation; version?: number }> {
  if (relatesTo === undefined) return {};
  if (relatesTo.kind === 'disputes') return { relatesTo };
  return { relatesTo, version: (await ports.newestVersion(caller, relatesTo.recordId)) + 1 };
}

function labelOf(given: string | undefined): Label {
  return label(given ?? 'N', '/label');
}

/** A FHIR resource says itself what it is. */
function classOf({ contentType, content }: Input): string {
  if (contentType.split(';', 1).join('').trim().toLowerCase() !== 'application/fhir+json') return CLASS_OF_FILES;
  try {
    const { resourceType } = JSON.parse(Buffer.from(content).toString('utf8')) as { resourceType?: unknown };
    return typeof resourceType === 'string' ? resourceType : CLASS_OF_FILES;
  } catch {
    return CLASS_OF_FILES;
  }
}
