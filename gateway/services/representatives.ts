import {
  canonicalJson,
  type Consents,
  type ConsentsAnswer,
  consentsOf,
  memberId,
  type Representation,
  representationBody,
  representationId,
} from '@medledger/chaincode/domain';
import type { LedgerChain } from '../ledger/chain.js';
import { MedledgerError } from '../medledger-error.js';
import { idFor } from './derived-ids.js';
import { revoke } from './grants.js';
import type { Caller } from './medledger.js';
import type { KeysOf } from './people.js';
import { submitOnce } from './said-before.js';
import { signStatement } from './statements.js';
import { allConsents } from './stored-consents.js';

export interface RepresentativePorts {
  readonly chain: LedgerChain;
  readonly keysOf: KeysOf;
  readonly nowMs: () => number;
  readonly idSecret: Uint8Array;
}

/** Parents and carers, who act for the patient in entries that name both. */
export function createRepresentatives({ chain, keysOf, nowMs, idSecret }: RepresentativePorts) {
  return {
    async representatives(caller: Caller, input: { patientId: string }): Promise<readonly Representation[]> {
      return (await allConsents(chain, keysOf(caller), memberId(input.patientId, '/patientId'))).representations;
    },

    async appoint(
      caller: Caller,
      input: { patientId: string; memberId: string; fromMs?: number; untilMs: number; idempotencyKey?: string },
    ) {
      const identity = keysOf(caller);
      const patientId = memberId(input.patientId, '/patientId');
      const { idempotencyKey: key, ...rest } = input;
      const said = canonicalJson(rest);
      const asked = { kind: 'representation', memberId: caller.memberId, key, said };
      const id = representationId(`r${idFor(idSecret, asked)}`, '/representationId');
      const { fromMs = nowMs(), untilMs } = input;
      const body = representationBody({ representative: input.memberId, fromMs, untilMs }, '');
      const { channel } = chain;
      const statement = { channel, patientId, kind: 'representation', id, version: 1, body } as const;
      const business = { patientId, representation: await signStatement(identity, statement) };
      const { transactionId } = await submitOnce(chain, identity, {
        patientId,
        isIt: ({ action, representationId: made }) => action === 'appoint' && made === id,
        submit: () => chain.transact({ identity, name: 'consents:appoint', patientId, business }),
      });
      return { representationId: id, transactionId };
    },

    async endRepresentation(caller: Caller, input: { patientId: string; representationId: string }) {
      const identity = keysOf(caller);
      const patientId = memberId(input.patientId, '/patientId');
      const endedIn = ({ representations }: Pick<Consents, 'representations'>) =>
        representations.find(({ representationId: id }) => id === input.representationId);
      const found = (answer: ConsentsAnswer) => endedIn(consentsOf(answer)) !== undefined;
      const stored = endedIn(await allConsents(chain, identity, patientId, { found }));
      if (stored === undefined) throw new MedledgerError('REPRESENTATION_UNKNOWN');
      const { representationId: id, version } = stored;
      return revoke(chain, identity, {
        ...{ patientId, id, version: version + 1 },
        isIt: ({ representationId: ended }) => ended === id,
      });
    },
  };
}
