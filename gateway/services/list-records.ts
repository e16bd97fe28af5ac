import { memberId, recordClass } from '@medledger/chaincode/domain';
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
    const items = page.items.map(({ txId, commitment: _commitment, patientId: _patientId, ...record }) => ({
      ...record,
      transactionId: txId,
    }));
    return { items, ...(page.next === undefined ? {} : { next: page.next }) };
  };
}
