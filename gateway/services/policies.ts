import {
  canonicalJson,
  type EmergencyRule,
  memberId,
  type PatientId,
  type Policy,
  POLICY_ID,
  type PolicyBody,
  policyBody,
  policyOf,
  type SignedStatement,
} from '@medledger/chaincode/domain';
import type { UnlockedIdentity } from '../identity/member-keys.js';
import type { LedgerChain } from '../ledger/chain.js';
import { registerVersion } from './grants.js';
import type { PolicyInput } from './consent-services.js';
import type { Caller } from './medledger.js';
import type { KeysOf } from './people.js';
import { saidBefore } from './said-before.js';
import { signerOf, signStatement } from './statements.js';
import { allConsents } from './stored-consents.js';

/** What a patient who says nothing has said: nothing by default, and what is labelled normal in an emergency. */
const FIRST_POLICY: PolicyBody = {
  defaultRule: { kind: 'deny' },
  emergency: { allowed: true, labels: ['N'], excludedClasses: [] },
  exclusions: [],
};

/** The policy that is stored with the registration itself, so that no moment is without one. */
export function signFirstPolicy(
  identity: UnlockedIdentity,
  said: { channel: string; patientId: PatientId; emergency?: Partial<EmergencyRule> },
): Promise<SignedStatement> {
  const { channel, patientId } = said;
  const body = policyBody({ ...FIRST_POLICY, emergency: { ...FIRST_POLICY.emergency, ...said.emergency } }, '');
  return signStatement(identity, { channel, patientId, kind: 'policy', id: POLICY_ID, version: 1, body });
}

export function createPolicies({ chain, keysOf }: { chain: LedgerChain; keysOf: KeysOf }) {
  return {
    async policy(caller: Caller, input: { patientId: string }): Promise<{ policy?: Policy }> {
      const { policy } = await allConsents(chain, keysOf(caller), memberId(input.patientId, '/patientId'));
      return policy === undefined ? {} : { policy };
    },

    /** The whole policy anew, as the next version. */
    async setPolicy(caller: Caller, input: { patientId: string; policy: PolicyInput }) {
      const identity = keysOf(caller);
      const patientId = memberId(input.patientId, '/patientId');
      const { policy: statement } = await chain.query(identity, 'consents:all', { patientId });
      const stored = statement === undefined ? undefined : policyOf(statement);
      const body = await policyBodyFor(chain, identity, { policy: input.policy, stored });
      const same = await saidAgain(chain, identity, { patientId, statement, body });
      if (same !== undefined) return same;
      const version = (stored?.version ?? 0) + 1;
      const { channel } = chain;
      const policy = await signStatement(identity, {
        channel,
        patientId,
        kind: 'policy',
        id: POLICY_ID,
        version,
        body,
      });
      const business = { patientId, policy };
      const { transactionId } = await chain.transact({ identity, name: 'consents:setPolicy', patientId, business });
      return { version, transactionId };
    },
  };
}

/** The policy in force, where the caller has said the very same by it: the reply to the first call was lost. */
async function saidAgain(
  chain: LedgerChain,
  identity: UnlockedIdentity,
  again: { patientId: PatientId; statement: SignedStatement | undefined; body: PolicyBody },
): Promise<{ version: number; transactionId: string } | undefined> {
  const { patientId, statement, body } = again;
  if (statement === undefined || signerOf(statement) !== identity.memberId) return undefined;
  const { version, ...before } = policyOf(statement);
  if (canonicalJson({ ...before }) !== canonicalJson({ ...body })) return undefined;
  const transactionId = await saidBefore(chain, identity, { patientId, isIt: ({ action }) => action === 'policy' });
  return transactionId === undefined ? undefined : { version, transactionId };
}

/**
 * A default that permits names the register which the patient's gateway sees now, as a grant to a role does. Said again
 * as it was it keeps the one it named: another exclusion trusts nobody who has joined since.
 */
export async function policyBodyFor(
  chain: LedgerChain,
  identity: UnlockedIdentity,
  input: { readonly policy: PolicyInput; readonly stored: Policy | undefined },
): Promise<PolicyBody> {
  const { policy, stored } = input;
  const { defaultRule } = policy;
  if (defaultRule.kind === 'deny') return policyBody(policy, '');
  const body = (asOf: number) => policyBody({ ...policy, defaultRule: { ...defaultRule, registerVersion: asOf } }, '');
  if (stored?.defaultRule.kind === 'permit') {
    const again = body(stored.defaultRule.registerVersion);
    if (canonicalJson({ ...again.defaultRule }) === canonicalJson({ ...stored.defaultRule })) return again;
  }
  return body(await registerVersion(chain, identity));
}
