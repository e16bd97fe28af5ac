import type { BlockParts } from '../../devledger/commit/block-codec.js';
import { readVarint } from './varint.js';

/**
 * A block as Fabric's peers and orderers keep it on disk, which is another form than the one on the wire: number, data
 * hash, previous hash, count and envelopes, count and metadata; each piece of bytes with its length before it.
 *
 * @returns undefined for what is no such block, or is followed by anything
 * @see Fabric common/ledger/blkstorage/block_serialization.go
 */
export function decodeStoredBlock(bytes: Uint8Array): BlockParts | undefined {
  const reader = new Reader(bytes);
  const number = reader.number();
  const dataHash = reader.bytes();
  const previousHash = reader.bytes();
  const envelopes = reader.list();
  const metadata = reader.list();
  return reader.isAtEnd ? { number, dataHash, previousHash, envelopes, metadata } : undefined;
}

/** Reads on after a mistake without another look at the bytes; `isAtEnd` is false then. */
class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #hasFailed = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return !this.#hasFailed && this.#at === this.#bytes.length;
  }

  number(): number {
    const found = this.#hasFailed ? undefined : readVarint(this.#bytes, this.#at);
    if (found === undefined) {
      this.#hasFailed = true;
      return 0;
    }
    this.#at = found.nextAt;
    return found.value;
  }

  bytes(): Uint8Array {
    const length = this.number();
    const end = this.#at + length;
    if (this.#hasFailed || end > this.#bytes.length) {
      this.#hasFailed = true;
      return new Uint8Array();
    }
    const found = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return found;
  }

  list(): Uint8Array[] {
    const count = this.number();
    const items: Uint8Array[] = [];
    while (items.length < count && !this.#hasFailed) items.push(this.bytes());
    return items;
  }
}
