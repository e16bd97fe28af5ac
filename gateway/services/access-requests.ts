import { createHash } from 'node:crypto';
import {
  type AccessRequestAnswer,
  canonicalJson,
  grantActions,
  grantBody,
  memberId,
  purpose,
  requestId,
  scope,
  STAFF_ROLES,
  taggedBytes,
  fromBase64url,
  utf8ToBytes,
} from '@medledger/chaincode/domain';
import { openWith, sealTo } from '../custody/hpke.js';
import type { UnlockedIdentity } from '../identity/member-keys.js';
import type { LedgerChain } from '../ledger/chain.js';
import { idFor } from './derived-ids.js';
import { grantIdFor, signGrant, submitGrant } from './grants.js';
import type { AccessRequestInput, Caller, ListedAccessRequest, PageOf, ScopeInput } from './medledger.js';
import { type KeysOf, requirePatient, requireRole } from './people.js';

export interface AccessRequestPorts {
  readonly chain: LedgerChain;
  readonly keysOf: KeysOf;
  readonly nowMs: () => number;
  readonly idSecret: Uint8Array;
  readonly storeCiphertexts: (ciphertexts: readonly Uint8Array[]) => Promise<readonly string[]>;
  readonly fetchCiphertext: (cid: string, sha256Hex: string) => Promise<Uint8Array>;
}

/** Staff asks. The reason is sealed to the patient; the chain keeps its hash and where it lies. */
export function createAccessRequests(ports: AccessRequestPorts) {
  const { chain, keysOf } = ports;
  return {
    async requestAccess(caller: Caller, input: AccessRequestInput & { idempotencyKey?: string }) {
      requireRole(caller, STAFF_ROLES);
      const identity = keysOf(caller);
      const patientId = memberId(input.patientId, '/patientId');
      const asked = {
        actions: grantActions(input.actions, '/actions'),
        scope: scope(input.scope, '/scope'),
        purpose: purpose(input.purpose, '/purpose'),
        untilMs: input.untilMs,
      };
      const { idempotencyKey: key, ...said } = input;
      const told = { kind: 'request', memberId: caller.memberId, key, said: canonicalJson(said) };
      const id = requestId(`q${idFor(ports.idSecret, told)}`, '/requestId');
      const reason = await sealReason(ports, identity, { patientId, requestId: id, reason: input.reason });
      const business = { patientId, requestId: id, ...asked, ...reason };
      try {
        const { transactionId } = await chain.transact({ identity, name: 'consents:request', patientId, business });
        return { requestId: id, status: 'pending' as const, transactionId };
      } catch (error) {
        // The first try of a repeated call did commit.
        const isRepeated = error instanceof Error && 'code' in error && error.code === 'REQUEST_EXISTS';
        if (isRepeated) return { requestId: id, status: 'pending' as const };
        throw error;
      }
    },

    async listAccessRequests(
      caller: Caller,
      { limit, cursor }: { limit: number; cursor?: string },
    ): Promise<PageOf<ListedAccessRequest>> {
      const identity = keysOf(caller);
      const isPatient = caller.role === 'patient';
      const page = await chain.query(identity, 'consents:requests', {
        limit,
        ...(isPatient ? { patientId: memberId(caller.memberId, '/patientId') } : {}),
        ...(cursor === undefined ? {} : { cursor }),
      });
      if (!isPatient) return page;
      return { ...page, items: await Promise.all(page.items.map((request) => withReason(ports, identity, request))) };
    },
    ...createAnswers(ports),
  };
}

/** The patient answers: in whole, in part, or not at all. */
function createAnswers(ports: AccessRequestPorts) {
  const { chain } = ports;
  return {
    async approveRequest(
      caller: Caller,
      input: { requestId: string; scope?: ScopeInput; untilMs?: number; idempotencyKey?: string },
    ) {
      const { identity, request } = await answered(ports, caller, input.requestId);
      const { patientId, requestId: id, actions, requesterId } = request;
      const body = grantBody(
        {
          grantee: { kind: 'person', id: requesterId },
          actions,
          scope: input.scope ?? request.scope,
          purpose: request.purpose,
          fromMs: ports.nowMs(),
          untilMs: input.untilMs ?? request.untilMs,
          requestId: id,
        },
        '',
      );
      const { scope: narrowed, untilMs, idempotencyKey: key } = input;
      const said = { requestId: id, narrowed, untilMs };
      const grantId = grantIdFor(ports.idSecret, identity, { key, said });
      const grant = await signGrant(identity, { channel: chain.channel, patientId, id: grantId, body });
      const business = { patientId, requestId: id, grant };
      const submit = () => chain.transact({ identity, name: 'consents:approve', patientId, business });
      return submitGrant(chain, identity, { patientId, id: grantId, submit });
    },

    async refuseRequest(caller: Caller, input: { requestId: string }) {
      const { identity, request } = await answered(ports, caller, input.requestId);
      const { patientId, requestId: id } = request;
      const business = { patientId, requestId: id };
      const { transactionId } = await chain.transact({ identity, name: 'consents:refuse', patientId, business });
      return { transactionId };
    },
  };
}

async function answered(
  { chain, keysOf }: AccessRequestPorts,
  caller: Caller,
  id: string,
): Promise<{ identity: UnlockedIdentity; request: AccessRequestAnswer }> {
  const identity = keysOf(caller);
  const request = await chain.query(identity, 'consents:accessRequest', { requestId: requestId(id, '/requestId') });
  requirePatient(caller, request.patientId);
  return { identity, request };
}

async function sealReason(
  { chain, storeCiphertexts }: AccessRequestPorts,
  identity: UnlockedIdentity,
  given: { patientId: string; requestId: string; reason: string },
): Promise<{ reasonSha256: string; reasonCid: string }> {
  const { member } = await chain.query(identity, 'members:member', {
    memberId: memberId(given.patientId, '/patientId'),
  });
  const sealed = await sealTo({
    publicKey: fromBase64url(member.encryptionKey),
    info: reasonInfo(chain.channel, given),
    aad: new Uint8Array(0),
    plaintext: utf8ToBytes(given.reason),
  });
  const [reasonCid = ''] = await storeCiphertexts([sealed]);
  return { reasonSha256: createHash('sha256').update(sealed).digest('hex'), reasonCid };
}

/** A reason whose ciphertext no vault can give is left out: the request itself can still be answered. */
async function withReason(
  { chain, fetchCiphertext }: AccessRequestPorts,
  identity: UnlockedIdentity,
  request: AccessRequestAnswer,
): Promise<ListedAccessRequest> {
  try {
    const sealed = await fetchCiphertext(request.reasonCid, request.reasonSha256);
    const info = reasonInfo(chain.channel, request);
    const opened = await openWith({
      privateKey: identity.encryptionPrivateKey(),
      info,
      aad: new Uint8Array(0),
      sealed,
    });
    return { ...request, reason: Buffer.from(opened).toString('utf8') };
  } catch {
    return request;
  }
}

function reasonInfo(
  channel: string,
  { patientId, requestId: id }: { patientId: string; requestId: string },
): Uint8Array {
  return taggedBytes('medledger/request-reason/v1', [channel, patientId, id].map(utf8ToBytes));
}
