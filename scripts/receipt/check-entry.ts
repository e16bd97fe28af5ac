import {
  canonicalJson,
  DomainError,
  entryHash,
  formatLaneEntry,
  formatOutcome,
  headerHash,
  headerOf,
  hexToBytes,
  type LaneEntry,
  type LaneHeader,
  limits,
  meetsDifficulty,
  parseLaneProof,
  parseTransactionInput,
  sealEntry,
  TRANSACTIONS,
  type TransactionAnswer,
  type TransactionName,
} from '@medledger/chaincode/domain';
import { parseTransactionAnswer } from '../../gateway/ledger/transaction-answer.js';
import { LedgerFailure } from '../../gateway/ledger/ledger-failure.js';
import { ENTRY_PREFIX, entryKey } from '../verify/state-keys.js';
import type { ReceiptCase } from './receipt-case.js';
import { fault } from './receipt-fault.js';

/** What was asked and what was answered, once it is known that the one is the entry of the other. */
export interface Decision {
  readonly name: TransactionName;
  readonly businessJson: string;
  readonly answer: TransactionAnswer;
  readonly entry: LaneEntry;
}

/**
 * The lane entry, made again from the arguments, the proof and the endorsed outcome: what was decided cannot be told
 * apart from the chain of entries that all later ones stand on.
 *
 * @throws ReceiptFault
 */
export function decisionIn(given: ReceiptCase): Decision {
  const { transaction } = given;
  const name = nameOf(transaction.transaction);
  const [businessJson = '', proofJson = ''] = transaction.args;
  const answer = readAnswer(transaction.response);
  const entry = remadeEntry(given, { name, businessJson, proofJson, answer });
  const { memberId, patientId, sequence } = entry;
  const told = { memberId, patientId, sequence, entryHash: entry.entryHash, link: entry.link, timeMs: entry.timeMs };
  if (canonicalJson(told) !== canonicalJson(answer.entry)) fault('the answer names another entry than the call makes');
  const written = transaction.writes.filter(({ key }) => key.startsWith(ENTRY_PREFIX));
  const [only] = written;
  const isWritten = only?.key === entryKey({ patientId, memberId }, sequence) && only.value === formatLaneEntry(entry);
  if (written.length !== 1 || !isWritten) fault('what was written to the ledger is not this entry');
  return { name, businessJson, answer, entry };
}

export function describeEntry({ entry }: Decision): string {
  const { patientId, memberId, sequence, entryHash: hash, difficulty } = entry;
  return `entry ${sequence} of lane ${patientId}/${memberId}: ${hash} solves difficulty ${difficulty}, link ${entry.link}`;
}

function nameOf(name: string | undefined): TransactionName {
  const known = Object.keys(TRANSACTIONS).find((candidate) => candidate === name);
  return known === undefined ? fault(`${name} is no transaction of this chaincode`) : parseName(known);
}

/** One of the keys of TRANSACTIONS. */
function parseName(name: string): TransactionName {
  return name as TransactionName;
}

function readAnswer(response: string): TransactionAnswer {
  try {
    return parseTransactionAnswer(response);
  } catch (cause) {
    if (cause instanceof LedgerFailure) return fault('the endorsed answer is none of this chaincode', cause);
    throw cause;
  }
}

function remadeEntry(
  { receipt, transaction }: ReceiptCase,
  call: { name: TransactionName; businessJson: string; proofJson: string; answer: TransactionAnswer },
): LaneEntry {
  const { name, businessJson, answer } = call;
  const { memberId, patientId, timeMs } = answer.entry;
  const { creator } = transaction;
  if (creator.memberId !== memberId) fault(`the certificate names ${creator.memberId}, the entry ${memberId}`);
  if (timeMs < transaction.timestampMs) fault('the entry is earlier than the call');
  try {
    const { nonce, ...tip } = parseLaneProof(call.proofJson);
    const input = parseTransactionInput(name, businessJson);
    if ('patientId' in input && input.patientId !== patientId)
      fault('the entry is about another patient than the call');
    const keyHash = creator.keyHash ?? '';
    const { channel, transactionId: txId } = receipt;
    const header = headerOf({ channel, transaction: name, businessJson, memberId, keyHash, patientId, tip });
    requireSolved(header, nonce);
    return sealEntry({ header, nonce, outcome: formatOutcome(answer.outcome), txId, timeMs });
  } catch (cause) {
    if (cause instanceof DomainError) return fault(`arguments or proof are not canonical: ${cause.message}`, cause);
    throw cause;
  }
}

function requireSolved(header: LaneHeader, nonce: string): void {
  const { transaction, difficulty } = header;
  if (!meetsDifficulty(entryHash(headerHash(header), hexToBytes(nonce)), difficulty))
    fault('the nonce does not solve the puzzle of this call');
  if (transaction === 'access:emergency' && difficulty !== limits.DIFFICULTY_MIN)
    fault('an emergency is solved at the floor of difficulty');
}
