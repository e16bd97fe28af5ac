/** The longest that a varint of a safe integer can be. */
const VARINT_BYTES_MAX = 8;

/**
 * A protobuf varint.
 *
 * @returns undefined where the bytes end within it, or where it is no number that a file or block could have
 */
export function readVarint(bytes: Uint8Array, from: number): { value: number; nextAt: number } | undefined {
  let value = 0;
  for (let index = 0; index < VARINT_BYTES_MAX; index += 1) {
    const byte = bytes[from + index];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return Number.isSafeInteger(value) ? { value, nextAt: from + index + 1 } : undefined;
  }
  return undefined;
}

export function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.of(...bytes, rest);
}
