import { DomainError, memberId, NO_PATIENT, toBase64url, type TransactionAnswer } from '@medledger/chaincode/domain';
import type { LedgerTransaction } from '../../ledger/ledger-block.js';
import { LedgerFailure } from '../../ledger/ledger-failure.js';
import type { Ledger, LedgerIdentity } from '../../ledger/ledger.js';
import { parseTransactionAnswer } from '../../ledger/transaction-answer.js';
import type { LedgerChain } from '../../ledger/chain.js';
import { MedledgerError } from '../../medledger-error.js';
import type { ChainViews } from '../chain-views.js';
import { enoughAnswers } from '../enough-answers.js';
import type { LogReadings } from '../log-readings.js';
import type { Caller } from '../medledger.js';
import { type KeysOf, requirePatientSide } from '../people.js';
import {
  type Attestation,
  type AttestedFacts,
  type Attester,
  certificateText,
  parseAttestedFacts,
  sayTheSame,
} from './attestation.js';
import { type EvidencePorts, evidenceThen } from './evidence-then.js';
import {
  type DecisionReceipt,
  formatReceipt,
  RECEIPT_FORMAT,
  type RegistrarCertificate,
  sealedBytes,
} from './receipt.js';

/** As many organisations as endorse and release keys: one that lies is not enough, one that is down does no harm. */
export const ATTESTATIONS_NEEDED = 2;

export interface ReceiptPorts {
  readonly chain: LedgerChain;
  readonly keysOf: KeysOf;
  readonly ledger: Pick<Ledger, 'transactionById'>;
  /** The organisation's own service identity: it seals. */
  readonly identity: LedgerIdentity;
  /** Absent in an organisation without a peer, which cannot look at a transaction. */
  readonly views: ChainViews | undefined;
  readonly readings: LogReadings;
  /** This organisation, by its own peer. */
  readonly own: Attester;
  /** Organisations whose word counts, because their peers endorse; this one may be among them. */
  readonly attesters: readonly Attester[];
  readonly evidence: EvidencePorts['evidence'];
  readonly registrars: () => readonly RegistrarCertificate[];
  readonly nowMs: () => number;
  readonly onOddAttestation: (found: { mspId: string; transactionId: string }) => void;
}

interface Seen {
  readonly found: LedgerTransaction;
  readonly answer: TransactionAnswer;
  readonly place: { readonly blockNumber: number; readonly index: number };
}

/**
 * The receipt of one decision, permit or refusal: for who asked, the patient, who represents it, and auditors, whose
 * reading is on the chain first. To everybody else there is no such transaction.
 */
export function createDecisionReceipt(ports: ReceiptPorts) {
  return async function decisionReceipt(caller: Caller, input: { transactionId: string }): Promise<string> {
    const { views } = ports;
    if (views === undefined) throw new MedledgerError('NO_PEER');
    await views.caughtUp();
    const { transactionId } = input;
    const seen = await lookAt(ports, views, transactionId);
    await requireConcerned(ports, caller, seen.answer);
    const attestations = await attestationsOf(ports, transactionId);
    const evidence = await evidenceOf(ports, views, seen);
    const { payload, signature } = seen.found;
    const { mspId, certificatePem, sign } = ports.identity;
    const unsealed: DecisionReceipt = {
      format: RECEIPT_FORMAT,
      channel: ports.chain.channel,
      transactionId,
      issuedAtMs: ports.nowMs(),
      envelope: { payload: toBase64url(payload), signature: toBase64url(signature) },
      attestations,
      ...evidence,
      registrars: ports.registrars(),
      seal: { mspId, certificate: certificateText(certificatePem), signature: '' },
    };
    const seal = { ...unsealed.seal, signature: toBase64url(await sign(sealedBytes(unsealed))) };
    return formatReceipt({ ...unsealed, seal });
  };
}

/** @throws MedledgerError BLOCK_UNKNOWN for what is not there, or decided nothing */
async function lookAt(ports: ReceiptPorts, views: ChainViews, transactionId: string): Promise<Seen> {
  const shown = views.transaction(transactionId);
  if (shown?.validationCode !== 'VALID') throw new MedledgerError('BLOCK_UNKNOWN');
  const found = await ports.ledger.transactionById(ports.identity, transactionId);
  const { blockNumber, index } = shown;
  return { found, answer: answerOf(found), place: { blockNumber, index } };
}

function answerOf({ response }: LedgerTransaction): TransactionAnswer {
  try {
    return parseTransactionAnswer(response);
  } catch (cause) {
    // The first register and the channel's configuration have no lane, and decide about nobody.
    if (cause instanceof LedgerFailure) throw new MedledgerError('BLOCK_UNKNOWN', undefined, { cause });
    throw cause;
  }
}

async function requireConcerned(ports: ReceiptPorts, caller: Caller, { entry }: TransactionAnswer): Promise<void> {
  if (entry.memberId === caller.memberId) return;
  if (entry.patientId === NO_PATIENT) throw new MedledgerError('BLOCK_UNKNOWN');
  if (caller.role === 'auditor') {
    if (!ports.readings.isOpen(caller, entry.patientId)) await ports.readings.announce(caller, entry.patientId);
    return;
  }
  try {
    await requirePatientSide(ports, caller, entry.patientId);
  } catch (cause) {
    // Whose transaction it is tells something of a patient: who is not concerned does not learn that there is one.
    if (cause instanceof LedgerFailure && HIDDEN.has(cause.code))
      throw new MedledgerError('BLOCK_UNKNOWN', undefined, { cause });
    throw cause;
  }
}

const HIDDEN: ReadonlySet<string> = new Set(['NOT_THE_PATIENT', 'ROLE_NOT_ALLOWED', 'MEMBER_UNKNOWN']);

/** @throws MedledgerError ATTESTATIONS_MISSING */
async function attestationsOf(ports: ReceiptPorts, transactionId: string): Promise<readonly Attestation[]> {
  const own = await ports.own.attest(transactionId);
  const facts = parseAttestedFacts(own.text);
  const others = ports.attesters.filter(({ mspId }) => mspId !== own.mspId);
  const calls = others.map(async (attester) => {
    const given = await attester.attest(transactionId).catch(() => undefined);
    if (given === undefined) return undefined;
    const fits = given.mspId === attester.mspId && agrees(given, facts);
    if (!fits) ports.onOddAttestation({ mspId: attester.mspId, transactionId });
    return fits ? given : undefined;
  });
  const counted = others.length === ports.attesters.length ? [] : [own];
  const needed = ATTESTATIONS_NEEDED - counted.length;
  const answers = await enoughAnswers(calls, { needed, isGood: (answer) => answer !== undefined });
  const given = [...counted, ...answers.filter((answer) => answer !== undefined)];
  if (given.length < ATTESTATIONS_NEEDED) throw new MedledgerError('ATTESTATIONS_MISSING');
  return given;
}

function agrees({ text }: Attestation, facts: AttestedFacts): boolean {
  try {
    return sayTheSame(parseAttestedFacts(text), facts);
  } catch (error) {
    if (error instanceof DomainError) return false;
    throw error;
  }
}

async function evidenceOf(
  ports: ReceiptPorts,
  views: ChainViews,
  { found, answer, place }: Seen,
): Promise<Pick<DecisionReceipt, 'evidence'>> {
  const { entry, outcome } = answer;
  if (entry.patientId === NO_PATIENT) return {};
  const said = views.saidBefore(entry.patientId, place);
  const transactionById = (id: string) => ports.ledger.transactionById(ports.identity, id);
  const asked = { patientId: entry.patientId, memberId: memberId(entry.memberId, '/memberId'), outcome };
  const evidence = await evidenceThen(
    { evidence: ports.evidence, transactionById },
    { ...asked, writes: found.writes, said },
  );
  return { evidence };
}
