import {
  canonicalJson,
  type ErrorCode,
  type EvidenceAnswer,
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
  type Outcome,
  parseGrantStatement,
  type PatientId,
} from '@medledger/chaincode/domain';
import type { UnlockedIdentity } from '../identity/member-keys.js';
import type { LedgerChain } from '../ledger/chain.js';
import { idFor } from './derived-ids.js';
import type { GrantChanges, GrantInput, ListedGrant } from './consent-services.js';
import type { Caller, PageOf } from './medledger.js';
import { MedledgerError } from '../medledger-error.js';
import type { KeysOf } from './people.js';
import { type SaidBefore, saidBefore, submitOnce } from './said-before.js';
import { NOTHING_NAMED, signerOf, signStatement } from './statements.js';

export interface GrantPorts {
  readonly chain: LedgerChain;
  readonly keysOf: KeysOf;
  readonly nowMs: () => number;
  readonly idSecret: Uint8Array;
}

/**
 * What is signed: where others choose who belongs to the grantee, with the register that the patient's gateway sees
 * now, because who joins later must tell the patient first.
 *
 * @param input.registerVersion - of the grant that is altered: who has joined since is not trusted by the way
 */
export async function grantBodyFor(
  chain: LedgerChain,
  identity: UnlockedIdentity,
  input: Omit<GrantInput, 'fromMs'> & {
    readonly fromMs: number;
    readonly requestId?: string;
    readonly registerVersion?: number;
  },
): Promise<GrantBody> {
  const { registerVersion: seen } = input;
  const isTrusted = isTrustedGroup(input.grantee.kind);
  const asOf = isTrusted ? { registerVersion: seen ?? (await registerVersion(chain, identity)) } : {};
  return grantBody({ ...input, ...asOf }, '');
}

const isTrustedGroup = (kind: string): boolean => kind === 'agency' || kind === 'role';

export async function registerVersion(chain: LedgerChain, identity: UnlockedIdentity): Promise<number> {
  return (await chain.query(identity, 'members:consortium', {})).registerVersion;
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
      const identity = keysOf(caller);
      const patientId = memberId(input.patientId, '/patientId');
      const { fromMs = nowMs(), ...rest } = input.grant;
      const body = await grantBodyFor(chain, identity, { ...rest, fromMs });
      const id = grantIdFor(idSecret, identity, {
        key: input.idempotencyKey,
        // A representative may say the same for two patients under one key.
        said: { patientId, grant: input.grant },
      });
      const { channel } = chain;
      const grant = await signStatement(identity, { channel, patientId, kind: 'grant', id, version: 1, body });
      const business = { patientId, grant };
      const submit = () => chain.transact({ identity, name: 'consents:grant', patientId, business });
      return submitGrant(chain, identity, { patientId, id, submit });
    },

    async listGrants(
      caller: Caller,
      input: { patientId: string; limit: number; cursor?: string },
    ): Promise<PageOf<ListedGrant>> {
      const { limit, cursor } = input;
      const patientId = memberId(input.patientId, '/patientId');
      const query = { patientId, limit, ...(cursor === undefined ? {} : { cursor }) };
      const page = await chain.query(keysOf(caller), 'consents:grants', query);
      const items = page.items.map((answer) => listed(answer, nowMs()));
      return { items, ...(page.next === undefined ? {} : { next: page.next }) };
    },

    /** A new version of the same grant to the same grantee; what is not named stays as it was. */
    async alterGrant(caller: Caller, input: { grantId: string; changes: GrantChanges }) {
      const identity = keysOf(caller);
      const { patientId, id, stored, statement } = await storedGrant(chain, identity, input.grantId);
      const { grantId: _id, patientId: _patient, revoked: _revoked, version, ...now } = stored;
      const body = await grantBodyFor(chain, identity, { ...now, ...input.changes });
      const isSame = !stored.revoked && canonicalJson({ ...body }) === canonicalJson({ ...grantBody(now, '') });
      const isIt = ({ action, grantId: altered }: Outcome) => action === 'alter' && altered === id;
      const before = isSame && signerOf(statement) === identity.memberId ? { patientId, isIt } : undefined;
      const same = before === undefined ? undefined : await saidBefore(chain, identity, before);
      if (same !== undefined) return { grantId: id, version, transactionId: same };
      const { channel } = chain;
      const said = { channel, patientId, kind: 'grant', id, version: version + 1, body } as const;
      const business = { patientId, grant: await signStatement(identity, said) };
      const { transactionId } = await chain.transact({ identity, name: 'consents:alter', patientId, business });
      return { grantId: id, version: version + 1, transactionId };
    },

    async revokeGrant(caller: Caller, input: { grantId: string }) {
      const identity = keysOf(caller);
      const { patientId, id, stored } = await storedGrant(chain, identity, input.grantId);
      return revoke(chain, identity, {
        patientId,
        id,
        version: stored.version + 1,
        isIt: ({ grantId: of, delegationId }) => of === id && delegationId === undefined,
      });
    },
  };
}

/**
 * Takes back what carries this id: a grant, a delegation or a representation.
 *
 * @param said.version - of the revocation: one more than what it takes back
 * @param said.isIt - of entries that take something back, whether it is this
 */
export async function revoke(
  chain: LedgerChain,
  identity: UnlockedIdentity,
  { isIt, ...said }: SaidBefore & { id: string; version: number },
): Promise<{ transactionId: string }> {
  const { patientId } = said;
  const { channel } = chain;
  const revocation = await signStatement(identity, { channel, ...said, kind: 'revocation', body: {} });
  const business = { patientId, revocation };
  return submitOnce(chain, identity, {
    patientId,
    isIt: (outcome) => outcome.action === 'revoke' && isIt(outcome),
    submit: () => chain.transact({ identity, name: 'consents:revoke', patientId, business }),
  });
}

/** The grant as it stands, and whose it is. */
async function storedGrant(chain: LedgerChain, identity: UnlockedIdentity, given: string) {
  const id = grantId(given, '/grantId');
  const { patientId } = await chain.query(identity, 'consents:locateGrant', { grantId: id });
  const asked = { patientId, memberId: patientId, ...NOTHING_NAMED, grantIds: [id] };
  const found = ({ grants }: EvidenceAnswer) => grants.length > 0;
  const evidence = await chain.query(identity, 'consents:evidence', asked, { found });
  const stored = evidence.grants[0]?.stored;
  if (stored === undefined) throw new MedledgerError('GRANT_UNKNOWN');
  return { patientId, id, stored: grantOf(stored), statement: stored.grant };
}

function listed({ stored, txId, used }: GrantAnswer, atMs: number): ListedGrant {
  const { grantId: id, patientId: _patient, revoked: _revoked, requestId: _request, ...grant } = grantOf(stored);
  const { by } = parseGrantStatement(stored.grant.text);
  return {
    ...grant,
    grantId: id,
    ...(used === undefined ? {} : { used }),
    ...(by === undefined ? {} : { givenBy: by }),
    status: statusOf(grantOf(stored), atMs),
    transactionId: txId,
  };
}

function statusOf(grant: Grant, atMs: number): ListedGrant['status'] {
  if (grant.revoked) return 'revoked';
  if (isLive(grant, atMs)) return 'live';
  return atMs < grant.fromMs ? 'not-started' : 'ended';
}
