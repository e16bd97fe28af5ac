import { memberId, recordClass, recordId, type RecordMetadata } from '@medledger/chaincode/domain';
import type { LedgerChain } from '../ledger/chain.js';
import type { ListedRecord, PageOf, Services } from './medledger.js';
import type { KeysOf } from './people.js';

/** Metadata of the records that the caller may see; for others the list is empty. */
export function createListRecords({ chain, keysOf }: { chain: LedgerChain; keysOf: KeysOf }): Services['listRecords'] {
  return async (caller, { patientId, class: wanted, fromMs, toMs, limit, cursor }): Promise<PageOf<ListedRecord>> => {
    const page = await chain.query(keysOf(caller), 'records:list', {
      patientId: memberId(patientId, '/patientId'),
      ...(wanted === undefined ? {} : { class: recordClass(wanted, '/class') }),
      ...(fromMs === undefined ? {} : { fromMs }),
      ...(toMs === undefined ? {} : { toMs }),
      limit,
      ...(cursor === undefined ? {} : { cursor }),
    });
    return { items: page.items.map(listed), ...(page.next === undefined ? {} : { next: page.next }) };
  };
}

/** The chain of versions around a record and the disputes beside it, as far as the caller may list them. */
export function createRecordVersions(ports: { chain: LedgerChain; keysOf: KeysOf }): Services['recordVersions'] {
  const { chain, keysOf } = ports;
  return async (caller, input) => {
    const asked = { recordId: recordId(input.recordId, '/recordId') };
    return (await chain.query(keysOf(caller), 'records:versions', asked)).map(listed);
  };
}

/** Version that stands last; a dispute stands beside and counts for none. */
export function newestOf(versions: readonly ListedRecord[]): number {
  return versions.reduce(
    (newest, { version, relatesTo }) => (relatesTo?.kind === 'disputes' ? newest : Math.max(newest, version)),
    0,
  );
}

function listed({ txId, commitment: _commitment, patientId: _patientId, ...record }: RecordMetadata): ListedRecord {
  return { ...record, transactionId: txId };
}
