import { createHash } from 'node:crypto';
import { common, peer } from '@hyperledger/fabric-protos';
import { type CertificateReader, createCertificateReader } from './certificate-reader.js';
import type { LedgerBlock, LedgerTransaction } from './ledger-block.js';
import { validationCodeName } from './ledger-errors.js';
import { readTransaction } from './transaction-reader.js';

/** @throws Error when the peer sends something that is no block */
export function readBlock(
  block: common.Block,
  certificates: CertificateReader = createCertificateReader(),
): LedgerBlock {
  const header = block.getHeader();
  if (header === undefined) throw new Error('the peer sent a block without a header');
  const codes = block.getMetadata()?.getMetadataList_asU8()[common.BlockMetadataIndex.TRANSACTIONS_FILTER];
  const envelopes = block.getData()?.getDataList_asU8() ?? [];
  const number = header.getNumber();
  const previous = header.getPreviousHash_asU8();
  const data = header.getDataHash_asU8();
  return {
    number,
    previousHash: hex(previous),
    dataHash: hex(data),
    headerHash: blockHeaderHash({ number, previous, data }),
    transactions: envelopes.map((envelope, index) =>
      readTransaction(
        envelope,
        { index, validationCode: validationCodeName(codes?.[index] ?? NOT_VALIDATED) },
        certificates,
      ),
    ),
  };
}

/** What `qscc:GetTransactionByID` answers. */
export function readProcessedTransaction(bytes: Uint8Array, certificates: CertificateReader): LedgerTransaction {
  const processed = peer.ProcessedTransaction.deserializeBinary(bytes);
  const envelope = processed.getTransactionenvelope();
  if (envelope === undefined) throw new Error('the peer answered without a transaction');
  return readTransaction(
    envelope,
    { index: -1, validationCode: validationCodeName(processed.getValidationcode()) },
    certificates,
  );
}

/**
 * Fabric's hash of a block header: SHA-256 over DER SEQUENCE { INTEGER number, OCTET STRING previous, OCTET STRING data }.
 *
 * @returns lower-case hex
 * @see Fabric protoutil/blockutils.go BlockHeaderBytes
 */
export function blockHeaderHash(header: { number: number; previous: Uint8Array; data: Uint8Array }): string {
  const body = Buffer.concat([
    der(DER_INTEGER, derUnsigned(header.number)),
    der(DER_OCTET_STRING, header.previous),
    der(DER_OCTET_STRING, header.data),
  ]);
  return createHash('sha256').update(der(DER_SEQUENCE, body)).digest('hex');
}

const DER_INTEGER = 0x02;
const DER_OCTET_STRING = 0x04;
const DER_SEQUENCE = 0x30;
/** Fabric's code of a transaction that no committer has looked at. */
const NOT_VALIDATED = peer.TxValidationCode.NOT_VALIDATED;

function derUnsigned(value: number): Uint8Array {
  const digits = value.toString(16);
  const bytes = Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex');
  return (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes;
}

function der(tag: number, content: Uint8Array): Uint8Array {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  const lengthBytes = derUnsignedLength(length);
  return Buffer.concat([Buffer.of(tag, 0x80 | lengthBytes.length), lengthBytes, content]);
}

function derUnsignedLength(length: number): Uint8Array {
  const digits = length.toString(16);
  return Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex');
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}
