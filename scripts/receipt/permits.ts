import {
  type Basis,
  limits,
  parseTransactionInput,
  type PatientId,
  type Purpose,
  type RecordMetadata,
  type StoredRecord,
} from '@medledger/chaincode/domain';
import type { EvidenceCase } from '../../gateway/custody/evidence-case.js';
import type { Decision } from './check-entry.js';
import { fault } from './receipt-fault.js';

/** One thing that was permitted, and by which rule. */
export type Permit = Pick<EvidenceCase, 'basis' | 'record' | 'purpose' | 'action'>;

/**
 * What the endorsed outcome permits about records, by the arguments of the call.
 *
 * @throws DomainError, ReceiptFault
 */
export function permitsIn({ name, businessJson, answer }: Decision): readonly Permit[] {
  switch (name) {
    case 'access:open': {
      const { recordIds, purpose, patientId } = parseTransactionInput(name, businessJson);
      return openings(answer, { recordIds, purpose, patientId });
    }
    case 'access:emergency': {
      const { recordIds, patientId } = parseTransactionInput(name, businessJson);
      // Without records the card is read, which only the outcome names.
      return openings(answer, { ...(recordIds.length === 0 ? {} : { recordIds }), purpose: 'ETREAT', patientId });
    }
    case 'records:add': {
      const { record, purpose } = parseTransactionInput(name, businessJson);
      return additions(answer.outcome, { records: [record], purpose });
    }
    case 'records:addBatch': {
      const { sets, purpose } = parseTransactionInput(name, businessJson);
      return additions(answer.outcome, { records: sets.flatMap(({ records }) => records), purpose });
    }
    default:
      return [];
  }
}

function openings(
  { outcome, records = [] }: Decision['answer'],
  asked: { readonly recordIds?: readonly string[]; readonly purpose: Purpose; readonly patientId: PatientId },
): readonly Permit[] {
  const { recordIds, purpose, patientId } = asked;
  const items = outcome.items ?? [];
  if (items.length > limits.OPENINGS_PER_CALL_MAX) fault('more records were decided than one call can ask for');
  return items.flatMap((item) => {
    if (recordIds !== undefined && !recordIds.includes(item.recordId))
      fault(`record ${item.recordId} was not asked for`);
    if (item.outcome === 'deny') return [];
    const record = records.find((candidate) => candidate.recordId === item.recordId);
    return [{ basis: item.basis, record: ofPatient(record, patientId), purpose, action: 'read' as const }];
  });
}

function ofPatient(record: RecordMetadata | undefined, patientId: PatientId): RecordMetadata {
  return record?.patientId === patientId ? record : fault('a permit without a record of this patient');
}

/** Records that stand on different rules name none; then the endorsers alone say that each was permitted. */
function additions(
  { outcome, basis }: { readonly outcome: string; readonly basis?: Basis },
  { records, purpose }: { readonly records: readonly StoredRecord[]; readonly purpose: Purpose },
): readonly Permit[] {
  if (outcome === 'deny' || basis === undefined) return [];
  return records.map((record) => ({ basis, record, purpose, action: 'add' as const }));
}
