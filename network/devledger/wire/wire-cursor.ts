import { isUtf8 } from 'node:buffer';

/** Bytes that are no message, in the words of Go's protobuf library, which Fabric's peers repeat. */
export class WireError extends Error {
  override name = 'WireError';
}

export const VARINT = 0;
export const FIXED_64 = 1;
export const LENGTH_DELIMITED = 2;
export const GROUP_START = 3;
export const GROUP_END = 4;
export const FIXED_32 = 5;

/** Groups within each other, which nobody writes any more. */
const GROUPS_MAX = 10_000;
const REPLACEMENT = '\ufffd';

/**
 * A place in bytes of protocol buffers, which it never leaves: whatever runs beyond the end of the message that it is in
 * is refused.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 */
export class WireCursor {
  readonly #bytes: Buffer;
  #at = 0;
  /** Whether the varint that is being read goes on. */
  #hasMore = false;
  /** Of the message that is being read, which may lie in another one. */
  #end: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#end = bytes.length;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#end;
  }

  /**
   * @returns field number, shifted by three bits, and type of the field that begins here
   * @throws WireError
   */
  tag(): number {
    const tag = this.#length();
    if (tag >>> 3 === 0) throw invalid();
    return tag;
  }

  /**
   * @returns both halves of 64 bits, without sign
   * @throws WireError
   */
  varint(): { readonly low: number; readonly high: number } {
    const first = this.#sevens(4);
    const second = this.#hasMore ? this.#sevens(4) : 0;
    const third = this.#hasMore ? this.#sevens(2) : 0;
    if (this.#hasMore || third > 0xff) throw invalid();
    return { low: (first | (second << 28)) >>> 0, high: ((second >>> 4) | (third << 24)) >>> 0 };
  }

  /**
   * @returns a view
   * @throws WireError
   */
  bytes(): Uint8Array {
    const start = this.#take(this.#length());
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + start, this.#at - start);
  }

  /** @throws WireError also for what is no UTF-8 */
  text(): string {
    const start = this.#take(this.#length());
    const value = this.#bytes.toString('utf8', start, this.#at);
    if (value.includes(REPLACEMENT) && !isUtf8(this.#bytes.subarray(start, this.#at))) {
      throw new WireError('string field contains invalid UTF-8');
    }
    return value;
  }

  /**
   * Reads what lies in a field as a message of its own.
   *
   * @throws WireError also when the work leaves some of it unread
   */
  within(work: () => void): void {
    const outerEnd = this.#end;
    const end = this.#length() + this.#at;
    if (end > outerEnd) throw invalid();
    this.#end = end;
    work();
    if (this.#at !== end) throw invalid();
    this.#end = outerEnd;
  }

  /** @throws WireError */
  skip(fieldNumber: number, type: number): void {
    if (type === GROUP_START) this.#skipGroup(fieldNumber);
    else this.#skipValue(type);
  }

  #skipValue(type: number): void {
    if (type === VARINT) this.varint();
    else if (type === LENGTH_DELIMITED) this.#take(this.#length());
    else if (type === FIXED_64) this.#take(8);
    else if (type === FIXED_32) this.#take(4);
    else throw invalid();
  }

  #skipGroup(fieldNumber: number): void {
    const open = [fieldNumber];
    while (open.length > 0) {
      if (this.isAtEnd || open.length > GROUPS_MAX) throw invalid();
      const tag = this.tag();
      const type = tag & 7;
      if (type === GROUP_START) open.push(tag >>> 3);
      else if (type !== GROUP_END) this.#skipValue(type);
      else if (open.pop() !== tag >>> 3) throw invalid();
    }
  }

  #length(): number {
    const { low, high } = this.varint();
    if (high !== 0) throw invalid();
    return low;
  }

  /** Bits of at most so many bytes, seven of each. */
  #sevens(bytesMax: number): number {
    let value = 0;
    this.#hasMore = true;
    for (let index = 0; index < bytesMax && this.#hasMore; index += 1) {
      if (this.#at >= this.#end) throw invalid();
      const byte = this.#bytes[this.#at] ?? 0;
      this.#at += 1;
      value |= (byte & 0x7f) << (7 * index);
      this.#hasMore = byte >= 0x80;
    }
    return value;
  }

  /** @returns where it began */
  #take(lengthBytes: number): number {
    const start = this.#at;
    if (start + lengthBytes > this.#end) throw invalid();
    this.#at = start + lengthBytes;
    return start;
  }
}

export function invalid(): WireError {
  return new WireError('proto: cannot parse invalid wire-format data');
}
