import {
  type MemberId,
  parseRepresentationStatement,
  parseStatement,
  requireSignature,
  type SignedStatement,
  type Statement,
} from '@medledger/chaincode/domain';
import { disbelieve, type SignatureCase, seenId, type StatementSeen } from './evidence-case.js';
import { certifiedPatient, type KnownPerson, knownSigner } from './known-keys.js';
import { verifySignature } from './verify-signature.js';

/** Who may say a thing of the patient's records. */
export type Authority =
  /** The patient, or somebody whom a statement of the patient's appoints. */
  | { readonly kind: 'patient' }
  /** The patient alone. */
  | { readonly kind: 'patient alone' }
  /** This person alone, with the own key. */
  | { readonly kind: 'person'; readonly memberId: MemberId }
  /** This person, or the patient, or who represents it. */
  | { readonly kind: 'person or patient'; readonly memberId: MemberId };

/**
 * Reads the statements of one evidence, each only after its signature was checked, and notes the versions seen.
 * A statement of state that nobody signed who may say it is believed by no custodian.
 */
export class SignedStatements {
  readonly #given: SignatureCase;
  readonly #patient: KnownPerson;
  readonly #seen = new Map<string, number>();

  /** @throws DomainError EVIDENCE_INVALID when the patient's key does not certify itself */
  constructor(given: SignatureCase) {
    this.#given = given;
    this.#patient = certifiedPatient(given.evidence.patient, given.patientId);
  }

  get seen(): readonly StatementSeen[] {
    return [...this.#seen].map(([id, version]) => ({ id, version }));
  }

  /** SubjectPublicKeyInfo, base64url. */
  get patientKey(): string {
    return this.#patient.signingKey;
  }

  /** There is none, says the peer: which is a version as well, and the lowest. */
  noteAbsent(statementId: string): void {
    this.#note(statementId, 0);
  }

  /**
   * @returns the text, now that it is known who signed it
   * @throws DomainError EVIDENCE_INVALID, REGISTER_SIGNATURES_MISSING
   */
  require(signed: SignedStatement, authority: Authority): string {
    const statement = readStatement(signed);
    const { channel, patientId } = this.#given;
    if (statement.channel !== channel || statement.patientId !== patientId)
      return disbelieve('a signed statement is about something else');
    const signingKey = this.#keyOf(statement, authority);
    try {
      requireSignature(signed, signingKey, verifySignature);
    } catch (cause) {
      return disbelieve(`nobody who may say it signed ${statement.kind} ${statement.id}`, cause);
    }
    this.#note(statement.id, statement.version);
    return signed.text;
  }

  #note(statementId: string, version: number): void {
    const id = seenId(this.#given.patientId, statementId);
    this.#seen.set(id, Math.max(version, this.#seen.get(id) ?? 0));
  }

  #keyOf({ by, kind }: Statement<unknown>, authority: Authority): string {
    if (authority.kind === 'person') {
      if (by !== authority.memberId) return disbelieve(`the ${kind} is not by ${authority.memberId}`);
      return knownSigner(this.#given, authority.memberId).signingKey;
    }
    if (by === undefined) return this.#patient.signingKey;
    if (authority.kind === 'patient alone') return disbelieve(`only the patient signs a ${kind}`);
    const isOwn = authority.kind === 'person or patient' && by === authority.memberId;
    if (!isOwn) this.#requireAppointed(by);
    return knownSigner(this.#given, by).signingKey;
  }

  /** What a representative signed outlives the representation, as what a guardian signed does. */
  #requireAppointed(memberId: MemberId): void {
    const appointed = this.#given.evidence.representations.some(
      ({ statement }) =>
        parseRepresentationStatement(statement.text).body.representative === memberId &&
        this.require(statement, { kind: 'patient alone' }) !== '',
    );
    if (!appointed) disbelieve(`the patient appointed no ${memberId}`);
  }
}

function readStatement(signed: SignedStatement): Statement<unknown> {
  return parseStatement(signed.text, (body) => body);
}
