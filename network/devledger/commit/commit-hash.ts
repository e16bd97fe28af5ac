import { createHash } from 'node:crypto';
import { lengthDelimitedField, varintField } from '../endorse/wire-format.js';
import type { Version } from '../peer-ledger.js';
import type { StateWrite } from '../store/state-store.js';
import { type ParsedNamespace, parseNamespace } from './state-namespaces.js';

/**
 * Running hash over everything a peer concluded: SHA-256 over number of codes, codes, writes and the hash before.
 *
 * @param writes - by namespace, then key, both in UTF-8 byte order
 * @param previous - empty for the first block that has one, which is block 1
 * @see Fabric core/ledger/kvledger/kv_ledger.go, addBlockCommitHash
 */
export function nextCommitHash(codes: Uint8Array, writes: readonly StateWrite[], previous: Uint8Array): Buffer {
  const digest = createHash('sha256').update(varint(codes.length)).update(codes);
  let before: ParsedNamespace | undefined;
  for (const write of writes) {
    const place = parseNamespace(write.namespace);
    // Metadata take no part in it.
    if (place.kind === 'metadata') continue;
    digest.update(lengthDelimitedField(1, encodeWrite(write, place, before)));
    before = place;
  }
  return digest.update(previous).digest();
}

/** @see Fabric core/ledger/kvledger/txmgmt/privacyenabledstate/update_batch.proto, KVWriteProto */
function encodeWrite(
  { key, value, version }: StateWrite,
  { kind, chaincode, collection }: ParsedNamespace,
  before: ParsedNamespace | undefined,
): Buffer {
  const isNewChaincode = before?.chaincode !== chaincode;
  const isNewCollection = collection !== '' && (isNewChaincode || before.collection !== collection);
  return Buffer.concat([
    // Fabric names chaincode and collection in the first write of each only.
    ...(isNewChaincode ? [lengthDelimitedField(1, Buffer.from(chaincode, 'utf8'))] : []),
    ...(isNewCollection ? [lengthDelimitedField(2, Buffer.from(collection, 'utf8'))] : []),
    // proto3 leaves empty bytes out, and Fabric takes an empty key.
    ...(key === '' ? [] : [lengthDelimitedField(3, Buffer.from(key, kind === 'hash' ? 'hex' : 'utf8'))]),
    ...(value === undefined ? [varintField(4, 1)] : [lengthDelimitedField(5, value)]),
    lengthDelimitedField(6, versionBytes(version)),
  ]);
}

/** Each number as a count of bytes and as many big-endian bytes. */
function versionBytes({ blockNumber, txNumber }: Version): Buffer {
  return Buffer.concat([orderPreserving(blockNumber), orderPreserving(txNumber)]);
}

function orderPreserving(value: number): Buffer {
  if (value === 0) return Buffer.of(0);
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return Buffer.concat([Buffer.of(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  // A varint field without its one-byte tag; zero, which the field would leave out, is one zero byte.
  return value === 0 ? Buffer.of(0) : varintField(1, value).subarray(1);
}
