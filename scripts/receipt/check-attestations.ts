import { fromBase64url } from '@medledger/chaincode/domain';
import { blockHeaderHash } from '../../gateway/ledger/block-reader.js';
import { envelopeDigest } from '../../gateway/ledger/envelope-signature.js';
import {
  type Attestation,
  type AttestedFacts,
  attestationBytes,
  parseAttestedFacts,
  sayTheSame,
} from '../../gateway/services/receipts/attestation.js';
import { sealedBytes } from '../../gateway/services/receipts/receipt.js';
import { requireServiceSignature } from './certified.js';
import type { ReceiptCase } from './receipt-case.js';
import { fault } from './receipt-fault.js';

/** The organisation that issued the receipt signed every other byte of it. */
export function checkSeal({ receipt, registry }: ReceiptCase): string {
  const { mspId, certificate, signature } = receipt.seal;
  requireServiceSignature(registry, {
    mspId,
    user: 'Custodian',
    certificate: fromBase64url(certificate),
    signature: fromBase64url(signature),
    bytes: sealedBytes(receipt),
    atMs: receipt.issuedAtMs,
  });
  return `issued by ${mspId} on ${new Date(receipt.issuedAtMs).toISOString()}, unchanged since`;
}

/** Enough organisations say in which block the transaction stands, and that their peers found it valid. */
export function checkAttestations(given: ReceiptCase): string {
  const { receipt, rules } = given;
  const all = receipt.attestations.map((attestation) => ({ ...attestation, facts: attestedFacts(given, attestation) }));
  const [first] = all;
  const mspIds = new Set(all.map(({ mspId }) => mspId));
  if (first === undefined || mspIds.size < rules.needed || mspIds.size < all.length)
    return fault(`it takes the word of ${rules.needed} different organisations, and here is that of ${mspIds.size}`);
  const { facts } = first;
  if (!all.every((other) => sayTheSame(other.facts, facts))) fault('the organisations contradict each other');
  requireThisTransaction(given, facts);
  const { blockNumber, blockHash } = facts;
  return `${[...mspIds].join(' and ')} hold it as VALID in block ${blockNumber} (${blockHash})`;
}

function attestedFacts({ registry, rules }: ReceiptCase, attestation: Attestation): AttestedFacts {
  const { mspId, certificate, text, signature } = attestation;
  if (!rules.endorsers.includes(mspId)) fault(`${mspId} keeps no peer that could attest to anything`);
  const facts = parseAttestedFacts(text);
  requireServiceSignature(registry, {
    mspId,
    user: 'Custodian',
    certificate: fromBase64url(certificate),
    signature: fromBase64url(signature),
    bytes: attestationBytes(text),
    atMs: facts.attestedAtMs,
  });
  return facts;
}

function requireThisTransaction({ receipt, transaction }: ReceiptCase, facts: AttestedFacts): void {
  const { blockNumber: number, previousHash, dataHash } = facts;
  const header = { number, previous: Buffer.from(previousHash, 'hex'), data: Buffer.from(dataHash, 'hex') };
  const agreements: readonly (readonly [string, boolean])[] = [
    ['channel', facts.channel === receipt.channel],
    ['transaction', facts.transactionId === receipt.transactionId],
    ['envelope', facts.envelopeSha256 === envelopeDigest(transaction)],
    ['validity', facts.validationCode === 'VALID'],
    ['block hash', facts.blockHash === blockHeaderHash(header)],
    ['time', facts.attestedAtMs >= transaction.timestampMs],
  ];
  const differing = agreements.filter(([, agrees]) => !agrees).map(([name]) => name);
  if (differing.length > 0) fault(`they attest to something else: ${differing.join(', ')}`);
}
