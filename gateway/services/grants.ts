import {
  canonicalJson,
  type ErrorCode,
  formatStatement,
  type Grant,
  type GrantAnswer,
  type GrantBody,
  grantBody,
  type GrantId,
  grantId,
  grantOf,
  isLive,
  limits,
  memberId,
  parseGrantStatement,
  type PatientId,
  type SignedStatement,
  statementBytes,
  toBase64url,
} from '@medledger/chaincode/domain';
import type { UnlockedIdentity } from '../identity/member-keys.js';
import type { LedgerChain } from '../ledger/chain.js';
import { idFor } from './derived-ids.js';
import type { Caller, GrantInput, ListedGrant, PageOf } from './medledger.js';
import { type KeysOf, requirePatient } from './people.js';

export interface GrantPorts {
  readonly chain: LedgerChain;
  readonly keysOf: KeysOf;
  readonly nowMs: () => number;
  readonly idSecret: Uint8Array;
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

/** @param request - repeated with the same key it finds the same grant; `said` is what was asked for */
export function grantIdFor(
  idSecret: Uint8Array,
  identity: UnlockedIdentity,
  request: { key: string | undefined; said: object },
): GrantId {
  const { memberId } = identity;
  const said = canonicalJson(request.said);
  return grantId(`g${idFor(idSecret, { kind: 'grant', memberId, key: request.key, said })}`, '/grantId');
}

/**
 * Submits a grant, or finds that the first try of the same request had succeeded.
 *
 * @returns transaction that stored it
 */
export async function submitGrant(
  chain: LedgerChain,
  identity: UnlockedIdentity,
  given: { patientId: PatientId; id: GrantId; submit: () => Promise<{ transactionId: string }> },
): Promise<{ grantId: GrantId; transactionId: string }> {
  const { patientId, id } = given;
  try {
    const { transactionId } = await given.submit();
    return { grantId: id, transactionId };
  } catch (error) {
    const isRepeated = hasCode(error, 'GRANT_EXISTS') || hasCode(error, 'REQUEST_CLOSED');
    const stored = isRepeated ? await findGrant(chain, identity, { patientId, id }) : undefined;
    if (stored === undefined) throw error;
    return { grantId: id, transactionId: stored.txId };
  }
}

async function findGrant(
  chain: LedgerChain,
  identity: UnlockedIdentity,
  { patientId, id }: { patientId: PatientId; id: GrantId },
): Promise<GrantAnswer | undefined> {
  let cursor: string | undefined;
  do {
    const query = { patientId, limit: limits.PAGE_ITEMS_MAX, ...(cursor === undefined ? {} : { cursor }) };
    const page = await chain.query(identity, 'consents:grants', query);
    const found = page.items.find((item) => item.grantId === id);
    if (found !== undefined) return found;
    cursor = page.next;
  } while (cursor !== undefined);
  return undefined;
}

function hasCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

export function createGrants({ chain, keysOf, nowMs, idSecret }: GrantPorts) {
  return {
    async giveGrant(caller: Caller, input: { patientId: string; grant: GrantInput; idempotencyKey?: string }) {
      requirePatient(caller, input.patientId);
      const identity = keysOf(caller);
      const patientId = memberId(input.patientId, '/patientId');
      const { fromMs = nowMs(), ...rest } = input.grant;
      const body = grantBody({ ...rest, fromMs }, '');
      const id = grantIdFor(idSecret, identity, { key: input.idempotencyKey, said: input.grant });
      const grant = await signGrant(identity, { channel: chain.channel, patientId, id, body });
      const business = { patientId, grant };
      const submit = () => chain.transact({ identity, name: 'consents:grant', patientId, business });
      return submitGrant(chain, identity, { patientId, id, submit });
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
