import {
  canonicalJson,
  type CareGroup,
  careGroupBody,
  type Consents,
  type ConsentsAnswer,
  consentsOf,
  groupId,
  memberId,
  type Outcome,
} from '@medledger/chaincode/domain';
import type { UnlockedIdentity } from '../identity/member-keys.js';
import type { LedgerChain } from '../ledger/chain.js';
import { MedledgerError } from '../medledger-error.js';
import { idFor } from './derived-ids.js';
import type { Caller } from './medledger.js';
import type { KeysOf } from './people.js';
import { saidBefore, submitOnce } from './said-before.js';
import { signStatement } from './statements.js';
import { allConsents } from './stored-consents.js';

export interface CareGroupPorts {
  readonly chain: LedgerChain;
  readonly keysOf: KeysOf;
  readonly idSecret: Uint8Array;
}

/** Family, and those who care together: whom a grant to the group reaches, the patient alone says. */
export function createCareGroups({ chain, keysOf, idSecret }: CareGroupPorts) {
  const store = async (identity: UnlockedIdentity, given: { patientId: string } & CareGroup) => {
    const { groupId: id, version, members } = given;
    const patientId = memberId(given.patientId, '/patientId');
    const body = careGroupBody({ members }, '');
    const { channel } = chain;
    const group = await signStatement(identity, { channel, patientId, kind: 'group', id, version, body });
    const business = { patientId, group };
    const { transactionId } = await submitOnce(chain, identity, {
      patientId,
      isIt: ({ action, groupId: set }) => version === 1 && action === 'group' && set === id,
      submit: () => chain.transact({ identity, name: 'consents:setGroup', patientId, business }),
    });
    return { groupId: id, version, transactionId };
  };
  return {
    async careGroups(caller: Caller, input: { patientId: string }): Promise<readonly CareGroup[]> {
      return (await allConsents(chain, keysOf(caller), memberId(input.patientId, '/patientId'))).groups;
    },

    async makeCareGroup(
      caller: Caller,
      input: { patientId: string; members: readonly string[]; idempotencyKey?: string },
    ) {
      const { patientId, idempotencyKey: key } = input;
      const said = canonicalJson({ patientId, members: input.members });
      const id = groupId(`c${idFor(idSecret, { kind: 'group', memberId: caller.memberId, key, said })}`, '/groupId');
      const { members } = careGroupBody({ members: input.members }, '');
      return store(keysOf(caller), { patientId, groupId: id, version: 1, members });
    },

    /** Who belongs to it from now on. Nobody: the group has ended. */
    async setCareGroup(caller: Caller, input: { patientId: string; groupId: string; members: readonly string[] }) {
      const identity = keysOf(caller);
      const { patientId } = input;
      const groupIn = ({ groups }: Pick<Consents, 'groups'>) => groups.find(({ groupId: id }) => id === input.groupId);
      const found = (answer: ConsentsAnswer) => groupIn(consentsOf(answer)) !== undefined;
      const stored = groupIn(await allConsents(chain, identity, memberId(patientId, '/patientId'), { found }));
      if (stored === undefined) throw new MedledgerError('GROUP_UNKNOWN');
      const { members } = careGroupBody({ members: input.members }, '');
      if (canonicalJson([...members]) === canonicalJson([...stored.members])) {
        const isIt = ({ action, groupId: set }: Outcome) => action === 'group' && set === stored.groupId;
        const same = await saidBefore(chain, identity, { patientId: memberId(patientId, '/patientId'), isIt });
        if (same !== undefined) return { groupId: stored.groupId, version: stored.version, transactionId: same };
      }
      return store(identity, { patientId, groupId: stored.groupId, version: stored.version + 1, members });
    },
  };
}
