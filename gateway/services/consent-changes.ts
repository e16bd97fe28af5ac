import {
  careGroupBody,
  type ConsentChange,
  type Consents,
  delegationId,
  type Grant,
  grantId,
  groupId,
  type PatientId,
  representationId,
} from '@medledger/chaincode/domain';
import type { UnlockedIdentity } from '../identity/member-keys.js';
import type { LedgerChain } from '../ledger/chain.js';
import { MedledgerError } from '../medledger-error.js';
import type { ConsentChangeInput } from './consent-services.js';
import { grantBodyFor } from './grants.js';
import { policyBodyFor } from './policies.js';

export interface ChangeContext {
  readonly chain: LedgerChain;
  readonly identity: UnlockedIdentity;
  readonly patientId: PatientId;
  readonly consents: Consents;
  readonly nowMs: number;
}

/** Stands in a preview for the id that a new grant or group would get. */
const NEW_ID = '0'.repeat(32);

/** What is asked about, in the words of the rules: as it would be signed now. */
export async function changeOf(context: ChangeContext, input: ConsentChangeInput): Promise<ConsentChange> {
  const { chain, identity, consents } = context;
  switch (input.kind) {
    case 'grant':
      return { kind: 'grant', grant: await grantOf(context, input) };
    case 'alter':
      return { kind: 'grant', grant: await alteredOf(context, input) };
    case 'policy': {
      const body = await policyBodyFor(chain, identity, { ...input, stored: consents.policy });
      return { kind: 'policy', policy: { ...body, version: (consents.policy?.version ?? 0) + 1 } };
    }
    case 'group': {
      const id = groupId(input.groupId ?? `c${NEW_ID}`, '/change/groupId');
      const { members } = careGroupBody({ members: input.members }, '/change');
      return { kind: 'group', group: { groupId: id, version: 1, members } };
    }
    case 'revoke':
      return { kind: 'revocation', id: revokedId(input.id) };
  }
}

async function grantOf(
  { chain, identity, patientId, nowMs }: ChangeContext,
  { grant }: Extract<ConsentChangeInput, { kind: 'grant' }>,
): Promise<Grant> {
  const body = await grantBodyFor(chain, identity, { ...grant, fromMs: grant.fromMs ?? nowMs });
  return { ...body, grantId: grantId(`g${NEW_ID}`, '/grantId'), patientId, version: 1, revoked: false };
}

async function alteredOf(
  { chain, identity, consents }: ChangeContext,
  { grantId: given, changes }: Extract<ConsentChangeInput, { kind: 'alter' }>,
): Promise<Grant> {
  const stored = consents.grants.find((grant) => grant.grantId === given);
  if (stored === undefined) throw new MedledgerError('GRANT_UNKNOWN');
  const { grantId: id, patientId, version, revoked, ...now } = stored;
  const body = await grantBodyFor(chain, identity, { ...now, ...changes });
  return { ...body, grantId: id, patientId, version: version + 1, revoked };
}

function revokedId(id: string) {
  if (id.startsWith('d')) return delegationId(id, '/change/id');
  if (id.startsWith('r')) return representationId(id, '/change/id');
  return grantId(id, '/change/id');
}
