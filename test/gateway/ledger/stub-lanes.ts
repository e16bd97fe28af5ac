import {
  canonicalJson,
  DomainError,
  entryHash,
  extendHead,
  firstHead,
  formatLaneHead,
  formatOutcome,
  headerHash,
  headerOf,
  hexToBytes,
  keyHashOf,
  limits,
  type LaneHead,
  meetsDifficulty,
  type MemberId,
  memberId,
  type Outcome,
  type PatientId,
  parseLaneHead,
  parseLaneProof,
  parseTransactionInput,
  type RecordId,
  sealEntry,
  type TransactionName,
  tipOf,
} from '@medledger/chaincode/domain';
import { X509Certificate } from 'node:crypto';
import type { StubChaincode, StubInvocation } from './stub-chain.js';

const CHANNEL = 'medledger';
export const GENESIS = 'ab'.repeat(32);

/**
 * The lane rules of the product by its own domain functions, and nothing else of it: every opening is permitted but
 * those of records whose id ends in `ff`. The member id is `m-` and the end of the creator's key hash.
 */
export const laneChaincode: StubChaincode = (invocation) => {
  const { name, args, read } = invocation;
  const [businessJson = '', proofJson] = args;
  const actor = actorOf(invocation.creatorCertificatePem);
  if (name === 'audit:head') {
    const { patientId } = JSON.parse(businessJson);
    const head = headOf(read(`lane~${patientId}~${actor.memberId}`));
    return { payload: JSON.stringify({ patientId, memberId: actor.memberId, head }) };
  }
  return extend(invocation, { name: name as TransactionName, businessJson, proofJson: proofJson ?? '', actor });
};

export function memberOf(certificatePem: string): { memberId: MemberId; signingPublicKeySpki: Uint8Array } {
  const { publicKey } = new X509Certificate(certificatePem);
  const signingPublicKeySpki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
  return { memberId: memberId(`m-${keyHashOf(signingPublicKeySpki).slice(-8)}`, ''), signingPublicKeySpki };
}

function actorOf(certificatePem: string): { memberId: MemberId; keyHash: string } {
  const member = memberOf(certificatePem);
  return { memberId: member.memberId, keyHash: keyHashOf(member.signingPublicKeySpki) };
}

function headOf(stored: string | undefined): LaneHead {
  return stored === undefined ? firstHead(GENESIS) : parseLaneHead(stored);
}

function extend(
  { read, txId, timestampMs }: StubInvocation,
  call: {
    name: TransactionName;
    businessJson: string;
    proofJson: string;
    actor: { memberId: MemberId; keyHash: string };
  },
): ReturnType<StubChaincode> {
  const { name, businessJson, actor } = call;
  const input = parseTransactionInput(name, businessJson) as { patientId: PatientId; recordIds?: readonly RecordId[] };
  const { patientId } = input;
  const laneKey = `lane~${patientId}~${actor.memberId}`;
  const head = headOf(read(laneKey));
  const proof = parseLaneProof(call.proofJson);
  const tip = tipOf(head);
  const { nonce, ...claimed } = proof;
  if (canonicalJson(claimed) !== canonicalJson(tip)) throw new DomainError('STALE_HEAD', `sequence ${tip.sequence}`);
  const header = headerOf({ channel: CHANNEL, transaction: name, businessJson, ...actor, patientId, tip });
  const hash = entryHash(headerHash(header), hexToBytes(nonce));
  if (!meetsDifficulty(hash, tip.difficulty)) throw new DomainError('NONCE_INVALID', nonce);
  const outcome = outcomeOf(name, input.recordIds);
  const timeMs = Math.max(head.timeMs, timestampMs);
  const entry = sealEntry({ header, nonce, outcome: formatOutcome(outcome), txId, timeMs });
  const next = extendHead(head, entry, limits.TARGET_INTERVAL_MS);
  const { sequence, entryHash: entryHashHex, link } = entry;
  const payload = canonicalJson({
    outcome,
    entry: { memberId: actor.memberId, patientId, sequence, entryHash: entryHashHex, link, timeMs },
    tip: tipOf(next),
    ...(input.recordIds === undefined ? {} : { records: permitted(input.recordIds).map((recordId) => ({ recordId })) }),
  });
  return {
    payload,
    writes: [
      [laneKey, formatLaneHead(next)],
      [`entry~${patientId}~${sequence}`, txId],
    ],
  };
}

function outcomeOf(name: TransactionName, recordIds: readonly RecordId[] | undefined): Outcome {
  if (recordIds === undefined) return { action: name === 'audit:readLog' ? 'read-log' : 'add', outcome: 'permit' };
  const items = recordIds.map((recordId) =>
    permitted([recordId]).length === 1
      ? { recordId, class: 'Observation', version: 1, outcome: 'permit' as const, basis: { kind: 'own' as const } }
      : { recordId, outcome: 'deny' as const, code: 'NO_GRANT' as const },
  );
  return { action: 'open', outcome: 'permit', items };
}

function permitted(recordIds: readonly RecordId[]): readonly RecordId[] {
  return recordIds.filter((recordId) => !recordId.endsWith('ff'));
}
