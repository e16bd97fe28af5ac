import { randomBytes } from 'node:crypto';
import {
  formatStatement,
  type Grant,
  type GrantBody,
  grantBody,
  type GrantId,
  grantId,
  grantOf,
  isLive,
  memberId,
  parseGrantStatement,
  type PatientId,
  type SignedStatement,
  statementBytes,
  toBase64url,
} from '@medledger/chaincode/domain';
import type { UnlockedIdentity } from '../identity/member-keys.js';
import type { LedgerChain } from '../ledger/chain.js';
import type { Caller, GrantInput, ListedGrant, PageOf } from './medledger.js';
import { type KeysOf, requirePatient } from './people.js';

export interface GrantPorts {
  readonly chain: LedgerChain;
  readonly keysOf: KeysOf;
  readonly nowMs: () => number;
}

const KEY_EPOCH = 0;

/** Signs a grant with the patient's key. The signer may be far away: it is awaited. */
export async function signGrant(
  identity: UnlockedIdentity,
  grant: { channel: string; patientId: PatientId; id: GrantId; body: GrantBody },
): Promise<SignedStatement> {
  const { channel, patientId, id, body } = grant;
  const text = formatStatement({ channel, patientId, kind: 'grant', id, version: 1, keyEpoch: KEY_EPOCH, body });
  return { text, signature: toBase64url(await identity.signStatement(statementBytes(text))) };
}

export function newGrantId(): GrantId {
  return grantId(`g${randomBytes(16).toString('hex')}`, '/grantId');
}

export function createGrants({ chain, keysOf, nowMs }: GrantPorts) {
  return {
    async giveGrant(caller: Caller, input: { patientId: string; grant: GrantInput }) {
      requirePatient(caller, input.patientId);
      const identity = keysOf(caller);
      const patientId = memberId(input.patientId, '/patientId');
      const { fromMs = nowMs(), ...rest } = input.grant;
      const body = grantBody({ ...rest, fromMs }, '');
      const id = newGrantId();
      const grant = await signGrant(identity, { channel: chain.channel, patientId, id, body });
      const { transactionId } = await chain.transact({
        identity,
        name: 'consents:grant',
        patientId,
        business: { patientId, grant },
      });
      return { grantId: id, transactionId };
    },

    async listGrants(
      caller: Caller,
      input: { patientId: string; limit: number; cursor?: string },
    ): Promise<PageOf<ListedGrant>> {
      requirePatient(caller, input.patientId);
      const { limit, cursor } = input;
      const patientId = memberId(input.patientId, '/patientId');
      const query = { patientId, limit, ...(cursor === undefined ? {} : { cursor }) };
      const page = await chain.query(keysOf(caller), 'consents:grants', query);
      const items = page.items.map(({ stored, txId }) => listed(grantOf(stored), txId, nowMs()));
      return { items, ...(page.next === undefined ? {} : { next: page.next }) };
    },

    async revokeGrant(caller: Caller, input: { grantId: string }) {
      const identity = keysOf(caller);
      const id = grantId(input.grantId, '/grantId');
      const { patientId } = await chain.query(identity, 'consents:locateGrant', { grantId: id });
      requirePatient(caller, patientId);
      const evidence = await chain.query(identity, 'consents:evidence', {
        patientId,
        memberId: patientId,
        grantIds: [id],
      });
      const stored = evidence.grants[0]?.stored;
      const version = (stored === undefined ? 0 : parseGrantStatement(stored.grant.text).version) + 1;
      const { channel } = chain;
      const text = formatStatement({
        channel,
        patientId,
        kind: 'revocation',
        id,
        version,
        keyEpoch: KEY_EPOCH,
        body: {},
      });
      const signature = toBase64url(await identity.signStatement(statementBytes(text)));
      const business = { patientId, revocation: { text, signature } };
      const { transactionId } = await chain.transact({ identity, name: 'consents:revoke', patientId, business });
      return { transactionId };
    },
  };
}

function listed(grant: Grant, transactionId: string, atMs: number): ListedGrant {
  const { grantId: id, grantee, actions, scope, purpose, fromMs, untilMs, version } = grant;
  return {
    grantId: id,
    grantee,
    actions,
    scope,
    purpose,
    fromMs,
    untilMs,
    version,
    status: statusOf(grant, atMs),
    transactionId,
  };
}

function statusOf(grant: Grant, atMs: number): ListedGrant['status'] {
  if (grant.revoked) return 'revoked';
  if (isLive(grant, atMs)) return 'live';
  return atMs < grant.fromMs ? 'not-started' : 'ended';
}
