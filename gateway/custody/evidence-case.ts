import {
  type AccessRequest,
  type Basis,
  DomainError,
  type ErrorCode,
  type EvidenceAnswer,
  type Organisation,
  type PatientId,
  type Purpose,
} from '@medledger/chaincode/domain';

/** What the custodian was told by the transaction, and what it knows by itself. */
export interface EvidenceCase {
  readonly basis: Basis;
  readonly patientId: PatientId;
  readonly record: AccessRequest['record'];
  /** Absent: reading, which is all that a custodian releases for. */
  readonly action?: 'read' | 'add';
  readonly purpose: Purpose;
  /** SHA-256 of the creator's public key, from the certificate in the envelope. */
  readonly creatorKeyHash: string;
  /** The custodian's own clock. */
  readonly nowMs: number;
  readonly channel: string;
  readonly evidence: EvidenceAnswer;
  /** Register keys this custodian holds itself; the ones in state prove nothing to it. */
  readonly pinned: readonly Pick<Organisation, 'mspId' | 'registerKey'>[];
}

/** What it takes to tell who signed. */
export type SignatureCase = Pick<EvidenceCase, 'patientId' | 'channel' | 'evidence' | 'pinned'>;

/** One version of one signed statement that was looked at. */
export interface StatementSeen {
  /** Patient and id: ids are the patient's own, so that nobody's statements stand in for another's. */
  readonly id: string;
  /** 0: the peer says that there is none. */
  readonly version: number;
}

/** Every statement that was relied upon, so that none of them is accepted in an older version ever again. */
export interface EvidenceFound {
  readonly statements: readonly StatementSeen[];
}

/** A refusal by what signed statements say now. Those versions were seen, so older ones are never accepted again. */
export class StatementRefusal extends DomainError {
  readonly seen: readonly StatementSeen[];

  constructor(code: ErrorCode, detail: string, seen: readonly StatementSeen[]) {
    super(code, detail);
    this.name = 'StatementRefusal';
    this.seen = seen;
  }
}

export function seenId(patientId: string, statementId: string): string {
  return `${patientId}~${statementId}`;
}

/** @throws DomainError EVIDENCE_INVALID, always */
export function disbelieve(detail: string, cause?: unknown): never {
  throw new DomainError('EVIDENCE_INVALID', detail, cause === undefined ? {} : { cause });
}
