/**
 * Fabric 3.1's messages for several keys at once, in protobuf's wire format: the shim's copy of the protocol is older
 * than they are, and a second copy in its process would break both.
 *
 * @see fabric-protos peer/chaincode_shim.proto, peer/chaincode.proto
 */
export const READY = 4;
export const WRITE_BATCH_STATE = 24;
export const GET_STATE_MULTIPLE = 25;

const PUT_STATE = 9;
const DEL_STATE = 10;

const VARINT = 0;
const LENGTH_DELIMITED = 2;

/** Keys that a peer takes in one message; 0 where it takes them one by one only. */
export interface BatchOffer {
  readonly readMax: number;
  readonly writeMax: number;
}

/** ChaincodeAdditionalParams, which a peer sends with READY; of an older one it is empty. */
export function parseBatchOffer(payload: Uint8Array): BatchOffer {
  const numbers = new Map<number, number>();
  for (const { number, value } of fieldsOf(payload)) if (typeof value === 'number') numbers.set(number, value);
  const maxOf = (isOffered: number, max: number) => (numbers.get(isOffered) === 1 ? (numbers.get(max) ?? 0) : 0);
  return { writeMax: maxOf(1, 2), readMax: maxOf(3, 4) };
}

/** GetStateMultiple of public keys. */
export function formatManyKeys(keys: readonly string[]): Uint8Array {
  return Buffer.concat(keys.flatMap((key) => bytesField(1, Buffer.from(key, 'utf8'))));
}

/** GetStateMultipleResult: values in the order of the keys, empty where nothing is stored. */
export function parseManyValues(payload: Uint8Array): readonly Uint8Array[] {
  return fieldsOf(payload).flatMap(({ number, value }) => (number === 1 && typeof value !== 'number' ? [value] : []));
}

/** WriteBatchState; without a value the key is deleted. */
export function formatManyWrites(writes: readonly { readonly key: string; readonly text?: string }[]): Uint8Array {
  return Buffer.concat(writes.flatMap((write) => bytesField(1, Buffer.concat(writeRecord(write)))));
}

function writeRecord({ key, text }: { readonly key: string; readonly text?: string }): readonly Uint8Array[] {
  const place = bytesField(1, Buffer.from(key, 'utf8'));
  if (text === undefined) return [...place, ...varintField(5, DEL_STATE)];
  return [...place, ...bytesField(2, Buffer.from(text, 'utf8')), ...varintField(5, PUT_STATE)];
}

function bytesField(number: number, bytes: Uint8Array): readonly Uint8Array[] {
  return [varint(number * 8 + LENGTH_DELIMITED), varint(bytes.length), bytes];
}

function varintField(number: number, value: number): readonly Uint8Array[] {
  return [varint(number * 8 + VARINT), varint(value)];
}

/** `value`: below 2^31. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Uint8Array.of(...bytes, rest);
}

interface Field {
  readonly number: number;
  readonly value: number | Uint8Array;
}

/** @throws Error for wire types that none of these messages has, and for bytes that end too early */
function fieldsOf(bytes: Uint8Array): readonly Field[] {
  const fields: Field[] = [];
  const cursor = { at: 0 };
  while (cursor.at < bytes.length) {
    const tag = readVarint(bytes, cursor);
    const number = tag >>> 3;
    const scalar = readVarint(bytes, cursor);
    if (tag % 8 === VARINT) fields.push({ number, value: scalar });
    else if (tag % 8 === LENGTH_DELIMITED) fields.push({ number, value: take(bytes, cursor, scalar) });
    else throw new Error(`the peer sent a field of wire type ${tag % 8}, which the protocol has not got here`);
  }
  return fields;
}

function take(bytes: Uint8Array, cursor: { at: number }, lengthBytes: number): Uint8Array {
  const end = cursor.at + lengthBytes;
  if (end > bytes.length) throw new Error('the peer sent a message that ends too early');
  const taken = bytes.subarray(cursor.at, end);
  cursor.at = end;
  return taken;
}

function readVarint(bytes: Uint8Array, cursor: { at: number }): number {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = bytes[cursor.at++];
    if (byte === undefined) break;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return value;
  }
  throw new Error('the peer sent a number that does not end');
}
