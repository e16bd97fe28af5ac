import {
  canonicalJson,
  type Delegation,
  delegationBody,
  delegationId,
  type EvidenceAnswer,
  memberId,
  parseDelegationStatement,
} from '@medledger/chaincode/domain';
import type { LedgerChain } from '../ledger/chain.js';
import { MedledgerError } from '../medledger-error.js';
import { idFor } from './derived-ids.js';
import { registerVersion, revoke } from './grants.js';
import type { DelegationInput } from './consent-services.js';
import type { Caller } from './medledger.js';
import type { KeysOf } from './people.js';
import { submitOnce } from './said-before.js';
import { NOTHING_NAMED, signStatement } from './statements.js';
import { consentsFor } from './stored-consents.js';

export interface DelegationPorts {
  readonly chain: LedgerChain;
  readonly keysOf: KeysOf;
  readonly nowMs: () => number;
  readonly idSecret: Uint8Array;
}

/** What delegates pass on, once, and never wider than they hold it. */
export function createDelegations({ chain, keysOf, nowMs, idSecret }: DelegationPorts) {
  return {
    /** All of the patient's, for the patient and who represents it; for others those that concern them. */
    async delegations(caller: Caller, input: { patientId: string }): Promise<readonly Delegation[]> {
      const patientId = memberId(input.patientId, '/patientId');
      const identity = keysOf(caller);
      return (await consentsFor(chain, identity, patientId)).delegations;
    },

    async passOn(
      caller: Caller,
      input: { patientId: string; delegation: DelegationInput; idempotencyKey?: string },
    ): Promise<{ delegationId: string; transactionId: string }> {
      const identity = keysOf(caller);
      const patientId = memberId(input.patientId, '/patientId');
      const { fromMs = nowMs(), ...given } = input.delegation;
      const said = canonicalJson({ patientId, ...input.delegation });
      const asked = { kind: 'delegation', memberId: caller.memberId, key: input.idempotencyKey, said };
      const id = delegationId(`d${idFor(idSecret, asked)}`, '/delegationId');
      const isToAgency = given.grantee.kind === 'agency';
      const asOf = isToAgency ? { registerVersion: await registerVersion(chain, identity) } : {};
      const body = delegationBody({ ...given, fromMs, ...asOf }, '');
      const { channel } = chain;
      const statement = { channel, patientId, kind: 'delegation', id, version: 1, body } as const;
      const business = { patientId, delegation: await signStatement(identity, statement) };
      const { transactionId } = await submitOnce(chain, identity, {
        patientId,
        isIt: ({ action, delegationId: made }) => action === 'delegate' && made === id,
        submit: () => chain.transact({ identity, name: 'consents:delegate', patientId, business }),
      });
      return { delegationId: id, transactionId };
    },

    async endDelegation(caller: Caller, input: { patientId: string; delegationId: string }) {
      const identity = keysOf(caller);
      const patientId = memberId(input.patientId, '/patientId');
      const id = delegationId(input.delegationId, '/delegationId');
      const asker = memberId(caller.memberId, '/memberId');
      const asked = { patientId, memberId: asker, ...NOTHING_NAMED, delegationIds: [id] };
      const found = ({ delegations }: EvidenceAnswer) => delegations.length > 0;
      const [stored] = (await chain.query(identity, 'consents:evidence', asked, { found })).delegations;
      if (stored === undefined) throw new MedledgerError('DELEGATION_UNKNOWN');
      const { version } = parseDelegationStatement(stored.statement.text);
      return revoke(chain, identity, {
        ...{ patientId, id, version: version + 1 },
        isIt: ({ delegationId: ended }) => ended === id,
      });
    },
  };
}
