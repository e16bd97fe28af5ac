import { memberId, type Notice } from '@medledger/chaincode/domain';
import type { LedgerChain } from '../ledger/chain.js';
import { MedledgerError } from '../medledger-error.js';
import type { Caller, PageOf } from './medledger.js';
import type { KeysOf } from './people.js';

export function createNotices({ chain, keysOf }: { chain: LedgerChain; keysOf: KeysOf }) {
  return {
    /**
     * A member who joined a trusted group tells the patient; what the group was given is open to it from then on. Where
     * there is nothing to gain the patient is not troubled, and the caller is told so.
     */
    async announce(caller: Caller, input: { patientId: string }): Promise<{ transactionId: string }> {
      const patientId = memberId(input.patientId, '/patientId');
      const call = { identity: keysOf(caller), name: 'consents:announce', patientId, business: { patientId } } as const;
      const { answer, transactionId } = await chain.transact(call);
      const { outcome } = answer;
      if (outcome.outcome === 'deny')
        throw new MedledgerError(outcome.code ?? 'NO_GRANT', undefined, { transactionId });
      return { transactionId };
    },

    async notices(
      caller: Caller,
      input: { patientId: string; limit: number; cursor?: string },
    ): Promise<PageOf<Notice>> {
      const { limit, cursor } = input;
      const patientId = memberId(input.patientId, '/patientId');
      const query = { patientId, limit, ...(cursor === undefined ? {} : { cursor }) };
      return chain.query(keysOf(caller), 'consents:notices', query);
    },
  };
}
