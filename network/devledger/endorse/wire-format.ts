/**
 * The few pieces of protobuf's wire format written by hand: where serialised bytes are passed on without being parsed
 * and serialised again, and where a message needs google.protobuf.Timestamp, whose JavaScript class belongs to a
 * package this project does not depend on.
 */
const WIRE_VARINT = 0;
const WIRE_LENGTH_DELIMITED = 2;

/** One length-delimited field: a string, bytes, or an already serialised message. */
export function lengthDelimitedField(fieldNumber: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([varint(fieldNumber * 8 + WIRE_LENGTH_DELIMITED), varint(bytes.length), bytes]);
}

/** One varint field; empty for zero, which proto3 leaves out. */
export function varintField(fieldNumber: number, value: number): Buffer {
  if (value === 0) return Buffer.alloc(0);
  return Buffer.concat([varint(fieldNumber * 8 + WIRE_VARINT), varint(value)]);
}

/** Serialised google.protobuf.Timestamp of a time in whole milliseconds since the epoch. */
export function timestampBytes(timeMs: number): Buffer {
  const seconds = Math.floor(timeMs / 1000);
  return Buffer.concat([varintField(1, seconds), varintField(2, (timeMs - seconds * 1000) * 1_000_000)]);
}

function varint(value: number): Buffer {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`Not an unsigned integer: ${value}`);
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}
