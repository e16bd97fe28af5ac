import { GROUP_END, invalid, LENGTH_DELIMITED, VARINT, WireCursor, WireError } from './wire-cursor.js';

/** A generated class of fabric-protos. */
export interface MessageType<Message> {
  new (): Message;
  deserializeBinaryFromReader(message: Message, reader: MessageReader): Message;
}

/**
 * Fields of a message and of those in it. A proposal has some twenty and an argument each more; a transaction one or a
 * few for each key that it read or wrote.
 */
export const FIELDS_MAX = 100_000;
/** Messages within each other; policies have some ten. Other implementations of protocol buffers stop here, too. */
const DEPTH_MAX = 100;
const TWO_TO_32 = 2 ** 32;

/**
 * Parses bytes that somebody else made. The library's own `deserializeBinary` must not be given them: it reads a text
 * whose length runs beyond the end of the message for seconds, up to four thousand million characters of nothing.
 *
 * Maps are known from text to bytes only, as transient data are.
 *
 * @param fieldsMax - of this message and those in it; parsing costs by the field rather than by the byte
 * @throws WireError
 */
export function parseMessage<Message>(
  type: MessageType<Message>,
  bytes: Uint8Array,
  fieldsMax: number = FIELDS_MAX,
): Message {
  return type.deserializeBinaryFromReader(new type(), new MessageReader(bytes, fieldsMax));
}

/** What generated code of fabric-protos calls on the library's BinaryReader. */
export class MessageReader {
  readonly #cursor: WireCursor;
  #fieldsLeft: number;
  #depth = 0;
  #fieldNumber = 0;
  #type = 0;

  constructor(bytes: Uint8Array, fieldsMax: number) {
    this.#cursor = new WireCursor(bytes);
    this.#fieldsLeft = fieldsMax;
  }

  /** @returns false at the end of the message */
  nextField(): boolean {
    if (this.#cursor.isAtEnd) return false;
    this.#fieldsLeft -= 1;
    if (this.#fieldsLeft < 0) throw new WireError('the message has too many fields: send less at once');
    const tag = this.#cursor.tag();
    if ((tag & 7) === GROUP_END) throw invalid();
    this.#fieldNumber = tag >>> 3;
    this.#type = tag & 7;
    return true;
  }

  getFieldNumber(): number {
    return this.#fieldNumber;
  }

  isEndGroup(): boolean {
    return false;
  }

  isDelimited(): boolean {
    return this.#type === LENGTH_DELIMITED;
  }

  skipField(): void {
    this.#cursor.skip(this.#fieldNumber, this.#type);
  }

  readString(): string {
    this.#require(LENGTH_DELIMITED);
    return this.#cursor.text();
  }

  readBytes(): Uint8Array {
    this.#require(LENGTH_DELIMITED);
    return this.#cursor.bytes();
  }

  readBool(): boolean {
    const { low, high } = this.#varint();
    return low !== 0 || high !== 0;
  }

  readUint32(): number {
    return this.#varint().low;
  }

  readInt32(): number {
    return this.#varint().low | 0;
  }

  readEnum(): number {
    return this.readInt32();
  }

  /** Beyond 2^53 the nearest number that there is. */
  readUint64(): number {
    const { low, high } = this.#varint();
    return high * TWO_TO_32 + low;
  }

  readInt64(): number {
    const { low, high } = this.#varint();
    return (high | 0) * TWO_TO_32 + low;
  }

  /** @param read - generated code; that of a map would need the library's own reader, and is not asked */
  readMessage<Message>(message: Message, read: (message: Message, reader: MessageReader) => unknown): void {
    this.#require(LENGTH_DELIMITED);
    this.#depth += 1;
    if (this.#depth > DEPTH_MAX) throw new WireError('exceeded maximum recursion depth');
    this.#cursor.within(() => {
      if (isMap(message)) this.#readEntry(message);
      else read(message, this);
    });
    this.#depth -= 1;
  }

  #readEntry(map: BytesByText): void {
    let key = '';
    let value: Uint8Array = new Uint8Array();
    while (this.nextField()) {
      if (this.#fieldNumber === 1) key = this.readString();
      else if (this.#fieldNumber === 2) value = this.readBytes();
      else this.skipField();
    }
    map.set(key, value);
  }

  #varint(): { readonly low: number; readonly high: number } {
    this.#require(VARINT);
    return this.#cursor.varint();
  }

  #require(type: number): void {
    if (this.#type !== type) throw invalid();
  }
}

interface BytesByText {
  set(key: string, value: Uint8Array): unknown;
}

function isMap(value: unknown): value is BytesByText {
  return typeof value === 'object' && value !== null && 'getEntryList' in value;
}
