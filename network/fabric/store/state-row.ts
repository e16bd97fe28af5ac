import { decodeHeight, type Height } from './order-preserving.js';
import { readVarint } from './varint.js';

/** One live value of a peer's world state. */
export interface FabricStateRow {
  /** Of a chaincode; of a private collection `<chaincode>$$p<collection>`, of its hashes `<chaincode>$$h<collection>`. */
  readonly namespace: string;
  readonly key: Buffer;
  readonly version: Height;
  readonly value: Buffer;
}

const DATA = 'd'.charCodeAt(0);
const SAVEPOINT = 's'.charCodeAt(0);
const VERSION_FIELD = 1;
const VALUE_FIELD = 2;
const LENGTH_DELIMITED = 2;

/** Where the rows of one namespace begin; the key's bytes follow. */
export function stateRowKey(channel: string, namespace: string, key: Uint8Array = Buffer.alloc(0)): Buffer {
  return Buffer.concat([Buffer.from(`${channel}\0d${namespace}\0`, 'utf8'), key]);
}

/** Of the row that names the newest block the state has seen. */
export function savepointKey(channel: string): Buffer {
  return Buffer.from(`${channel}\0s`, 'utf8');
}

/** What a key of the state's LevelDB names. */
export type StateRowName =
  | { readonly kind: 'data'; readonly namespace: string; readonly key: Buffer }
  | { readonly kind: 'savepoint' }
  | undefined;

/**
 * @returns undefined for rows of other channels and of the database itself
 * @see Fabric core/ledger/kvledger/txmgmt/statedb/stateleveldb, encodeDataKey
 */
export function parseStateRowKey(channel: string, row: Buffer): StateRowName {
  const prefix = Buffer.from(`${channel}\0`, 'utf8');
  if (!row.subarray(0, prefix.length).equals(prefix)) return undefined;
  const kind = row[prefix.length];
  if (kind === SAVEPOINT && row.length === prefix.length + 1) return { kind: 'savepoint' };
  const separator = row.indexOf(0, prefix.length + 1);
  if (kind !== DATA || separator < 0) return undefined;
  const namespace = row.toString('utf8', prefix.length + 1, separator);
  return { kind: 'data', namespace, key: row.subarray(separator + 1) };
}

/**
 * @returns undefined for what is no value with its version
 * @see Fabric core/ledger/kvledger/txmgmt/statedb/stateleveldb/db_value.proto
 */
export function parseStateValue(bytes: Buffer): Pick<FabricStateRow, 'version' | 'value'> | undefined {
  let version: Height | undefined;
  let value = Buffer.alloc(0);
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes.readUInt8(at);
    const length = readVarint(bytes, at + 1);
    if (length === undefined || tag % 8 !== LENGTH_DELIMITED || length.nextAt + length.value > bytes.length) return;
    at = length.nextAt + length.value;
    const content = bytes.subarray(length.nextAt, at);
    if (tag >> 3 === VERSION_FIELD) version = decodeHeight(content);
    if (tag >> 3 === VALUE_FIELD) value = Buffer.from(content);
  }
  return version && { version, value };
}
