import {
  canonicalJson,
  emergencyBody,
  emergencyId,
  type EmergencyId,
  emergencyOf,
  type EvidenceAnswer,
  limits,
  memberId,
  type PatientId,
  recordId,
  type RecordId,
  type SignedStatement,
  type StoredEmergency,
  type TransactionAnswer,
} from '@medledger/chaincode/domain';
import type { UnlockedIdentity } from '../identity/member-keys.js';
import type { EmergencyResult, LedgerChain } from '../ledger/chain.js';
import { MedledgerError } from '../medledger-error.js';
import { idFor } from './derived-ids.js';
import type { DeclaredEmergency } from './consent-services.js';
import type { Caller, OpenedRecord, Services } from './medledger.js';
import { type createOpenRecord, patientOf } from './open-record.js';
import { type NotePorts, sealNote } from './patient-notes.js';
import type { KeysOf } from './people.js';
import { NOTHING_NAMED, signStatement } from './statements.js';

const COMMENT = 'medledger/review-comment/v1';

export interface EmergencyPorts extends NotePorts {
  readonly keysOf: KeysOf;
  readonly nowMs: () => number;
  readonly idSecret: Uint8Array;
  readonly readPermitted: ReturnType<typeof createOpenRecord>['readPermitted'];
}

interface Declared {
  readonly id: EmergencyId;
  readonly untilMs: number;
  readonly declaration: SignedStatement;
  /** Of one that an earlier try of the same call declared. */
  readonly reviewDueMs?: number;
}

/** Reading without consent, when the patient cannot be asked: declared, told to the patient, and reviewed. */
export function createEmergencies(ports: EmergencyPorts) {
  const { chain, keysOf } = ports;
  return {
    async declareEmergency(caller: Caller, input: Parameters<Services['declareEmergency']>[1]) {
      const identity = keysOf(caller);
      const patientId = memberId(input.patientId, '/patientId');
      const recordIds = input.recordIds.map((id, at) => recordId(id, `/recordIds/${at}`));
      const declared = await declare(ports, identity, { ...input, patientId });
      const { declaration } = declared;
      const result = await chain.emergency({ identity, patientId, declaration, recordIds });
      return told(ports, identity, { declared, result });
    },

    /** One more record within a declared emergency. */
    async openInEmergency(caller: Caller, input: { recordId: string; emergencyId: string }): Promise<OpenedRecord> {
      const identity = keysOf(caller);
      const id = recordId(input.recordId, '/recordId');
      const patientId = await patientOf(chain, identity, id);
      const stored = await declaredBefore(chain, identity, patientId, emergencyId(input.emergencyId, '/emergencyId'));
      if (stored === undefined) throw new MedledgerError('EMERGENCY_UNKNOWN');
      const { declaration } = stored;
      const recordIds = [id];
      const result = await chain.emergency({ identity, patientId, declaration, recordIds });
      const [item] = itemsOf(result.committed.answer, result.committed.transactionId);
      const { transactionId } = result.committed;
      if (item?.outcome !== 'permit')
        throw new MedledgerError(item?.code ?? 'RECORD_UNKNOWN', undefined, { transactionId });
      return read(ports, identity, { result, recordId: id });
    },

    async emergencies(caller: Caller, input: { patientId: string; limit: number; cursor?: string }) {
      const { limit, cursor } = input;
      const patientId = memberId(input.patientId, '/patientId');
      const query = { patientId, limit, ...(cursor === undefined ? {} : { cursor }) };
      return chain.query(keysOf(caller), 'access:emergencies', query);
    },

    unreviewed: async (caller: Caller) => chain.query(keysOf(caller), 'access:unreviewed', {}),
    ...createReview(ports),
  };
}

async function declare(
  { chain, nowMs, idSecret }: EmergencyPorts,
  identity: UnlockedIdentity,
  input: Parameters<Services['declareEmergency']>[1] & { patientId: PatientId },
): Promise<Declared> {
  const { patientId, reason, idempotencyKey: key } = input;
  const said = canonicalJson({ patientId, reason });
  const asked = { kind: 'emergency', memberId: identity.memberId, key, said };
  const id = emergencyId(`e${idFor(idSecret, asked)}`, '/emergencyId');
  // A repeated call goes on within what its first try declared: the answer with the records was kept nowhere.
  const before = key === undefined ? undefined : await declaredBefore(chain, identity, patientId, id);
  if (before !== undefined) {
    const { declaration, reviewDueMs } = before;
    return { id, untilMs: emergencyOf(declaration).untilMs, declaration, reviewDueMs };
  }
  const fromMs = nowMs();
  const untilMs = fromMs + limits.EMERGENCY_DURATION_MAX_MS;
  const body = emergencyBody({ reason, fromMs, untilMs }, '');
  const { channel } = chain;
  const statement = { channel, patientId, kind: 'emergency', id, version: 1, body } as const;
  return { id, untilMs, declaration: await signStatement(identity, statement) };
}

async function declaredBefore(
  chain: LedgerChain,
  identity: UnlockedIdentity,
  patientId: PatientId,
  id: EmergencyId,
): Promise<StoredEmergency | undefined> {
  const actor = memberId(identity.memberId, '/memberId');
  const asked = { patientId, memberId: actor, ...NOTHING_NAMED, emergencyIds: [id] };
  const found = ({ emergencies }: EvidenceAnswer) => emergencies.length > 0;
  return (await chain.query(identity, 'consents:evidence', asked, { found })).emergencies[0];
}

/** Every record decided for itself; what cannot be read just now does not keep the others back. */
async function told(
  ports: EmergencyPorts,
  identity: UnlockedIdentity,
  { declared, result }: { declared: Declared; result: EmergencyResult },
): Promise<DeclaredEmergency> {
  const { answer, transactionId } = result.committed;
  const items = itemsOf(answer, transactionId);
  const records = await Promise.all(
    items.map(async (item): Promise<DeclaredEmergency['records'][number]> => {
      const { recordId: id } = item;
      if (item.outcome === 'deny') return { recordId: id, outcome: 'deny', code: item.code };
      try {
        const opened = await read(ports, identity, { result, recordId: id });
        return { recordId: id, outcome: 'permit', ...opened };
      } catch (error) {
        const code = error instanceof MedledgerError ? error.code : 'INTERNAL';
        return { recordId: id, outcome: 'deny', code };
      }
    }),
  );
  const reviewDueMs = declared.reviewDueMs ?? answer.entry.timeMs + limits.REVIEW_DUE_MS;
  return { emergencyId: declared.id, untilMs: declared.untilMs, reviewDueMs, transactionId, records };
}

/** @throws MedledgerError with the committed refusal when the emergency itself was refused */
function itemsOf({ outcome }: TransactionAnswer, transactionId: string) {
  if (outcome.outcome === 'deny' && (outcome.items ?? []).length === 0)
    throw new MedledgerError(outcome.code ?? 'EMERGENCY_NOT_ALLOWED', undefined, { transactionId });
  return outcome.items ?? [];
}

function read(
  { readPermitted }: EmergencyPorts,
  identity: UnlockedIdentity,
  { result, recordId: id }: { result: EmergencyResult; recordId: RecordId },
): Promise<OpenedRecord> {
  const { answer, transactionId } = result.committed;
  const record = answer.records?.find((candidate) => candidate.recordId === id);
  if (record === undefined) throw new MedledgerError('INTERNAL', 'a permit without its record', { transactionId });
  return readPermitted({ record, transactionId, oneTimePrivateKey: result.oneTimePrivateKey }, identity);
}

/** A second person says whether it was justified; what it adds in words is sealed to the patient. */
function createReview(ports: EmergencyPorts) {
  const { chain, keysOf } = ports;
  return {
    async reviewEmergency(caller: Caller, input: Parameters<Services['reviewEmergency']>[1]) {
      const identity = keysOf(caller);
      const patientId = memberId(input.patientId, '/patientId');
      const id = emergencyId(input.emergencyId, '/emergencyId');
      const { finding, comment: text } = input;
      const note =
        text === undefined ? undefined : await sealNote(ports, identity, { tag: COMMENT, patientId, id, text });
      const comment = note === undefined ? {} : { commentSha256: note.sha256, commentCid: note.cid };
      const business = { patientId, emergencyId: id, finding, ...comment };
      const { transactionId } = await chain.transact({ identity, name: 'access:review', patientId, business });
      return { transactionId };
    },
  };
}
