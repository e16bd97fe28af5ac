import {
  type AccessRequestAnswer,
  canonicalJson,
  grantActions,
  grantee,
  memberId,
  purpose,
  requestId,
  scope,
  STAFF_ROLES,
} from '@medledger/chaincode/domain';
import type { UnlockedIdentity } from '../identity/member-keys.js';
import { idFor } from './derived-ids.js';
import { grantBodyFor, grantIdFor, submitGrant } from './grants.js';
import type { AccessRequestInput, ApprovalInput, ListedAccessRequest } from './consent-services.js';
import type { Caller, PageOf } from './medledger.js';
import { type NotePorts, openNote, sealNote } from './patient-notes.js';
import { type KeysOf, requireRole } from './people.js';
import { submitOnce } from './said-before.js';
import { signStatement } from './statements.js';

export interface AccessRequestPorts extends NotePorts {
  readonly keysOf: KeysOf;
  readonly nowMs: () => number;
  readonly idSecret: Uint8Array;
}

const REASON = 'medledger/request-reason/v1';

/** Staff asks. The reason is sealed to the patient; the chain keeps its hash and where it lies. */
export function createAccessRequests(ports: AccessRequestPorts) {
  const { chain, keysOf } = ports;
  return {
    async requestAccess(caller: Caller, input: AccessRequestInput & { idempotencyKey?: string }) {
      requireRole(caller, STAFF_ROLES);
      const identity = keysOf(caller);
      const patientId = memberId(input.patientId, '/patientId');
      const asked = {
        ...(input.grantee === undefined ? {} : { grantee: grantee(input.grantee, '/grantee') }),
        actions: grantActions(input.actions, '/actions'),
        scope: scope(input.scope, '/scope'),
        purpose: purpose(input.purpose, '/purpose'),
        untilMs: input.untilMs,
      };
      const { idempotencyKey: key, ...said } = input;
      const told = { kind: 'request', memberId: caller.memberId, key, said: canonicalJson(said) };
      const id = requestId(`q${idFor(ports.idSecret, told)}`, '/requestId');
      const note = await sealNote(ports, identity, { tag: REASON, patientId, id, text: input.reason });
      const reason = { reasonSha256: note.sha256, reasonCid: note.cid };
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
      { patientId, limit, cursor }: { patientId?: string; limit: number; cursor?: string },
    ): Promise<PageOf<ListedAccessRequest>> {
      const identity = keysOf(caller);
      // A representative names whose requests; a patient's own are those made to it.
      const asked = patientId ?? (caller.role === 'patient' ? caller.memberId : undefined);
      const page = await chain.query(identity, 'consents:requests', {
        limit,
        ...(asked === undefined ? {} : { patientId: memberId(asked, '/patientId') }),
        ...(cursor === undefined ? {} : { cursor }),
      });
      if (asked !== caller.memberId) return page;
      return { ...page, items: await Promise.all(page.items.map((request) => withReason(ports, identity, request))) };
    },
    ...createAnswers(ports),
  };
}

/** The patient answers: in whole, in part, or not at all. */
function createAnswers(ports: AccessRequestPorts) {
  const { chain } = ports;
  return {
    async approveRequest(caller: Caller, input: ApprovalInput & { requestId: string; idempotencyKey?: string }) {
      const { identity, request } = await answered(ports, caller, input.requestId);
      const { patientId, requestId: id, actions, requesterId } = request;
      const body = await grantBodyFor(chain, identity, {
        grantee: request.grantee ?? { kind: 'person', id: requesterId },
        actions: input.actions ?? actions,
        scope: input.scope ?? request.scope,
        purpose: request.purpose,
        fromMs: ports.nowMs(),
        untilMs: input.untilMs ?? request.untilMs,
        requestId: id,
        ...(input.uses === undefined ? {} : { uses: input.uses }),
      });
      const { idempotencyKey: key, ...said } = input;
      const grantId = grantIdFor(ports.idSecret, identity, { key, said });
      const { channel } = chain;
      const given = { channel, patientId, kind: 'grant', id: grantId, version: 1, body } as const;
      const grant = await signStatement(identity, given);
      const business = { patientId, requestId: id, grant };
      const submit = () => chain.transact({ identity, name: 'consents:approve', patientId, business });
      return submitGrant(chain, identity, { patientId, id: grantId, submit });
    },

    async refuseRequest(caller: Caller, input: { requestId: string }) {
      const { identity, request } = await answered(ports, caller, input.requestId);
      const { patientId, requestId: id } = request;
      const business = { patientId, requestId: id };
      return submitOnce(chain, identity, {
        patientId,
        isIt: ({ action, requestId: refused }) => action === 'refuse' && refused === id,
        submit: () => chain.transact({ identity, name: 'consents:refuse', patientId, business }),
      });
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
  return { identity, request };
}

/** A reason that no vault can give is left out: the request itself can still be answered. */
async function withReason(
  ports: AccessRequestPorts,
  identity: UnlockedIdentity,
  request: AccessRequestAnswer,
): Promise<ListedAccessRequest> {
  const { patientId, requestId: id, reasonCid: cid, reasonSha256: sha256 } = request;
  const reason = await openNote(ports, identity, { tag: REASON, patientId, id, cid, sha256 });
  return reason === undefined ? request : { ...request, reason };
}
