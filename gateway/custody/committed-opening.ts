import {
  type Basis,
  DomainError,
  limits,
  parseTransactionInput,
  type PatientId,
  type Purpose,
  type QueryInput,
  type RecordId,
  type RecordMetadata,
  type TransactionAnswer,
} from '@medledger/chaincode/domain';

/** A committed transaction as the custodian's own peer holds it. */
export interface CommittedOpening {
  readonly transactionId: string;
  /** Fabric's name: only VALID counts. */
  readonly validationCode: string;
  readonly channel: string;
  readonly chaincode: string;
  /** `access:open` or `access:emergency` */
  readonly transaction: string;
  readonly args: readonly string[];
  /** What the chaincode answered; endorsed, so the same on all endorsers. */
  readonly answer: string;
  readonly timestampMs: number;
  readonly creatorKeyHash: string;
  readonly creatorMemberId?: string;
}

/** What a committed transaction asked for, by its arguments, and what was decided, by the endorsed answer. */
export interface Opening {
  readonly patientId: PatientId;
  readonly purpose: Purpose;
  /** X25519, base64url: shares are sealed to it. */
  readonly oneTimeKey: string;
  /** Records that were asked for; undefined: the card, which only the chain's answer names. */
  readonly recordIds: readonly RecordId[] | undefined;
  readonly answer: TransactionAnswer;
  readonly transaction: CommittedOpening;
}

export interface PermittedItem {
  readonly recordId: RecordId;
  readonly basis: Basis;
}

/** What a custodian checks before it looks at any statement. */
export interface OpeningCheck {
  readonly channel: string;
  readonly chaincode: string;
  readonly clock: () => number;
}

/** @throws DomainError RELEASE_REFUSED, RELEASE_TOO_OLD */
export function checkedOpening(expected: OpeningCheck, transaction: CommittedOpening): Opening {
  if (transaction.validationCode !== 'VALID') refuse(`the transaction is ${transaction.validationCode}`);
  if (transaction.channel !== expected.channel || transaction.chaincode !== expected.chaincode)
    refuse('the transaction is not of this channel and chaincode');
  const asked = askedBy(transaction);
  const ageMs = expected.clock() - transaction.timestampMs;
  if (Math.abs(ageMs) > limits.RELEASE_AGE_MAX_MS)
    throw new DomainError(
      'RELEASE_TOO_OLD',
      `the opening is ${Math.round(ageMs / 1000)} s old by this custodian's clock`,
    );
  const answer = parseAnswer(transaction.answer);
  if (answer.entry.patientId !== asked.patientId || answer.entry.memberId !== transaction.creatorMemberId)
    refuse('arguments, answer and creator do not belong together');
  return { ...asked, answer, transaction };
}

function askedBy({ transaction, args }: CommittedOpening): Omit<Opening, 'answer' | 'transaction'> {
  const businessJson = args[0] ?? '';
  if (transaction === 'access:open') return parseTransactionInput('access:open', businessJson);
  if (transaction !== 'access:emergency') return refuse('the transaction is no opening');
  const { patientId, oneTimeKey, recordIds } = parseTransactionInput('access:emergency', businessJson);
  return { patientId, oneTimeKey, purpose: 'ETREAT', recordIds: recordIds.length === 0 ? undefined : recordIds };
}

/** Endorsed, so that its shape is the chaincode's; what it says is checked against the arguments. */
function parseAnswer(text: string): TransactionAnswer {
  return JSON.parse(text) as TransactionAnswer;
}

function refuse(detail: string): never {
  throw new DomainError('RELEASE_REFUSED', detail);
}

export function permitsOf({ outcome }: TransactionAnswer): readonly PermittedItem[] {
  return (outcome.items ?? []).flatMap((item) =>
    item.outcome === 'permit' ? [{ recordId: item.recordId, basis: item.basis }] : [],
  );
}

/** The evidence of all permits at once: one question to the own peer, however many records were opened. */
export function evidenceFor(
  { patientId, answer }: Opening,
  permits: readonly PermittedItem[],
): QueryInput<'consents:evidence'> {
  const bases = permits.map(({ basis }) => basis);
  const idsOf = <Id>(idIn: (basis: Basis) => readonly Id[]): readonly Id[] => [...new Set(bases.flatMap(idIn))];
  return {
    patientId,
    memberId: answer.entry.memberId,
    grantIds: idsOf((basis) => ('grantId' in basis ? [basis.grantId] : [])),
    delegationIds: idsOf((basis) => ('delegationId' in basis ? [basis.delegationId] : [])),
    representationIds: idsOf((basis) => ('representationId' in basis ? [basis.representationId] : [])),
    emergencyIds: idsOf((basis) => ('emergencyId' in basis ? [basis.emergencyId] : [])),
  };
}

/** @throws DomainError RELEASE_REFUSED */
export function requireAskedFor({ recordIds, patientId, answer }: Opening, recordId: RecordId): RecordMetadata {
  const record = answer.records?.find((candidate) => candidate.recordId === recordId);
  const isAsked = recordIds === undefined || recordIds.includes(recordId);
  if (record === undefined || !isAsked || record.patientId !== patientId) return refuse('the record was not asked for');
  return record;
}
