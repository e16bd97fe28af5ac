import {
  canonicalJson,
  DomainError,
  type EvidenceAnswer,
  fromBase64url,
  keyHashOf,
  type MspId,
  mspId,
  NO_PATIENT,
  type Organisation,
  type PatientId,
  toBase64url,
} from '@medledger/chaincode/domain';
import type { EvidenceCase } from '../../gateway/custody/evidence-case.js';
import { askingActor, certifiedPatient } from '../../gateway/custody/known-keys.js';
import { requireServiceCertificate } from './certified.js';
import type { Decision } from './check-entry.js';
import type { ReceiptCase } from './receipt-case.js';
import { fault } from './receipt-fault.js';
import { permitsIn } from './permits.js';
import { requireSpoken } from './spoken-statements.js';
import { checkEvidence } from '../../gateway/custody/evidence-check.js';
import { USES_PREFIX } from '../verify/state-keys.js';

/** What every check of signed statements needs: a custodian's case, without the record. */
export type SignedCase = Omit<EvidenceCase, 'basis' | 'record' | 'purpose'>;

/**
 * Every permit stands on what the patient, or who may speak for the patient, signed: looked at as a custodian does, at
 * the time of the entry. What was said in the call itself was signed by who may say it.
 */
export function checkStatements(given: ReceiptCase, decision: Decision): string {
  const { patientId } = decision.entry;
  if (patientId === NO_PATIENT)
    return 'the transaction is about no patient: there is nothing that one would have signed';
  const { evidence } = given.receipt;
  if (evidence === undefined) return fault('the statements behind the decision are missing');
  const signed = signedCase(given, decision, { evidence, patientId });
  return believed(() => {
    requireActor(signed, decision);
    requireCounters(given, evidence, patientId);
    requireSpoken(signed, decision);
    const permits = permitsIn(decision);
    for (const permit of permits) checkEvidence({ ...signed, ...permit });
    return describe(decision, permits.length);
  });
}

function signedCase(
  given: ReceiptCase,
  { entry }: Decision,
  { evidence, patientId }: { evidence: EvidenceAnswer; patientId: PatientId },
): SignedCase {
  const { channel } = given.receipt;
  const { keyHash: creatorKeyHash, timeMs: nowMs } = entry;
  return { patientId, channel, evidence, creatorKeyHash, nowMs, pinned: registrarKeys(given) };
}

/** Keys under register documents, by the certificates of their organisations instead of what state says. */
function registrarKeys({ receipt, registry }: ReceiptCase): readonly Pick<Organisation, 'mspId' | 'registerKey'>[] {
  return receipt.registrars.map((registrar) => {
    const certificate = fromBase64url(registrar.certificate);
    const { publicKey } = requireServiceCertificate(registry, { ...registrar, certificate, user: 'Registrar' });
    const registerKey = toBase64url(publicKey.export({ type: 'spki', format: 'der' }));
    return { mspId: parseMspId(registrar.mspId), registerKey };
  });
}

function parseMspId(text: string): MspId {
  return mspId(text, '/registrars');
}

/** Who called is whom register or pseudonym name, with the very key that signed the call. */
function requireActor(signed: SignedCase, { entry }: Decision): void {
  const { evidence, patientId, creatorKeyHash } = signed;
  if (entry.memberId !== patientId) {
    if (askingActor(signed).memberId !== entry.memberId) fault('the register document names somebody else');
    return;
  }
  const { signingKey } = certifiedPatient(evidence.patient, patientId);
  if (keyHashOf(fromBase64url(signingKey)) !== creatorKeyHash) fault('the patient holds another key than who called');
}

/** How often a counted grant was used nobody signs; the endorsed transaction wrote it. */
function requireCounters({ transaction }: ReceiptCase, { used }: EvidenceAnswer, patientId: PatientId): void {
  const prefix = `${USES_PREFIX}${patientId}~`;
  const written = transaction.writes
    .filter(({ key }) => key.startsWith(prefix))
    .map(({ key, value }) => [key.slice(prefix.length), value]);
  const told = Object.entries(used).map(([grantId, count]) => [grantId, canonicalJson({ used: count })]);
  if (canonicalJson(written.sort()) !== canonicalJson(told.sort()))
    fault('the counts of uses are not those that the transaction wrote');
}

function describe({ answer: { outcome } }: Decision, permits: number): string {
  if (permits > 0) return `${permits} permits stand on signed statements, as they stood then`;
  if (outcome.outcome === 'deny' || outcome.items !== undefined)
    return 'who asked is proven; a refusal rests on what was not there, which endorsers say and nobody can sign';
  return 'who spoke is proven, and signed what was said';
}

/** What a custodian would not believe, nobody is to believe of a receipt. */
function believed<T>(look: () => T): T {
  try {
    return look();
  } catch (cause) {
    if (cause instanceof DomainError) return fault(cause.message, cause);
    throw cause;
  }
}
