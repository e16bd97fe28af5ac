import type { MspDefinition } from '../../network/devledger/msp.js';
import { checkAttestations, checkSeal } from './check-attestations.js';
import { type Decision, decisionIn, describeEntry } from './check-entry.js';
import { checkStatements } from './check-statements.js';
import { checkCreator, checkEndorsements } from './check-transaction.js';
import { openReceipt, type ReceiptCase, type ReceiptRules } from './receipt-case.js';
import { ReceiptFault } from './receipt-fault.js';
import { decisionInWords } from './words.js';

export type ReceiptCheckName = 'form' | 'seal' | 'attestations' | 'creator' | 'endorsements' | 'entry' | 'statements';

/** What one check came to; a check that has nothing to look at, because one before it failed, is left out. */
export interface ReceiptCheck {
  readonly check: ReceiptCheckName;
  readonly ok: boolean;
  readonly what: string;
}

export interface ReceiptReport {
  readonly ok: boolean;
  readonly checks: readonly ReceiptCheck[];
  /** Who wanted what, when, and why it was permitted or refused; only of a receipt that is good throughout. */
  readonly decision: readonly string[];
}

/**
 * Checks a receipt with nothing but the certificates of the members' authorities.
 *
 * @param bytes - the file, whole
 */
export function checkReceipt(
  bytes: Uint8Array,
  given: { readonly members: readonly MspDefinition[]; readonly rules: ReceiptRules },
): ReceiptReport {
  const checks: ReceiptCheck[] = [];
  const check = <T>(name: ReceiptCheckName, look: () => T, describe: (found: T) => string): T | undefined => {
    try {
      const found = look();
      checks.push({ check: name, ok: true, what: describe(found) });
      return found;
    } catch (error) {
      checks.push({ check: name, ok: false, what: described(error) });
      return undefined;
    }
  };
  const receipt = check('form', () => openReceipt(bytes, given), describeForm);
  const decision = receipt === undefined ? undefined : checkParts(receipt, check);
  const ok = checks.every((done) => done.ok);
  const isTold = ok && receipt !== undefined && decision !== undefined;
  return { ok, checks, decision: isTold ? decisionInWords(receipt, decision) : [] };
}

type Check = <T>(name: ReceiptCheckName, look: () => T, describe: (found: T) => string) => T | undefined;

function checkParts(receipt: ReceiptCase, check: Check): Decision | undefined {
  const same = (text: string): string => text;
  check('seal', () => checkSeal(receipt), same);
  check('attestations', () => checkAttestations(receipt), same);
  check('creator', () => checkCreator(receipt), same);
  check('endorsements', () => checkEndorsements(receipt), same);
  const decision = check('entry', () => decisionIn(receipt), describeEntry);
  if (decision !== undefined) check('statements', () => checkStatements(receipt, decision), same);
  return decision;
}

function describeForm({ receipt }: ReceiptCase): string {
  return `${receipt.format} about transaction ${receipt.transactionId} on channel ${receipt.channel}`;
}

/** Bytes that somebody else made can break any parser: what cannot be read is not good. */
function described(error: unknown): string {
  if (error instanceof ReceiptFault) return error.message;
  return `it cannot be read: ${error instanceof Error ? error.message : String(error)}`;
}
