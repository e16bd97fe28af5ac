import type { ChaincodeStub } from 'fabric-shim-api';
import { DomainError, errorCodeOf, type Page } from '../domain/index.js';
import { endOf } from './keys.js';
import { batchesOf, type PeerBatches } from './peer-batches.js';

export interface Write {
  readonly key: string;
  /** Text as it shall lie in state; canonical, so that all endorsers write the same bytes. Absent: taken away. */
  readonly text?: string;
}

export interface Row {
  /** What comes after the prefix that was asked for. */
  readonly place: string;
  readonly text: string;
}

/**
 * The shim's gRPC takes no message above 4 MiB, and loses its stream over one. A policy may have 768 KiB, everything
 * else that is read together far less than 64 each.
 */
const READ_AHEAD_KEYS_MAX = 32;

/**
 * Committed state as one transaction sees it. Fabric shows a transaction none of its own writes, so nothing may be
 * read here that the same transaction wrote.
 */
export class WorldState {
  readonly #stub: ChaincodeStub;
  readonly #batches: PeerBatches | undefined;
  /** Read ahead; empty where nothing is stored. */
  readonly #ahead = new Map<string, Uint8Array>();

  constructor(stub: ChaincodeStub) {
    this.#stub = stub;
    this.#batches = batchesOf(stub);
  }

  /**
   * Reads several keys in one message, where the peer takes that, for `read` to find. Only keys that are read in any
   * case by every transaction that writes: peers which take them one by one must come to the same set of reads.
   */
  async readAhead(keys: readonly string[]): Promise<void> {
    const batches = this.#batches;
    if (batches === undefined) return;
    const unread = [...new Set(keys)].filter((key) => !this.#ahead.has(key));
    for (const some of chunksOf(unread, Math.min(batches.readMax, READ_AHEAD_KEYS_MAX)))
      if (some.length > 1) await this.#readSome(batches, some);
  }

  async #readSome(batches: PeerBatches, keys: readonly string[]): Promise<void> {
    try {
      const values = await batches.read(keys);
      for (const [index, key] of keys.entries()) {
        const value = values[index];
        if (value !== undefined) this.#ahead.set(key, value);
      }
    } catch {
      // Some value cannot be read. Which one, and whether it matters, the single reads that follow will tell.
    }
  }

  /**
   * @returns undefined where nothing is stored
   * @throws DomainError STATE_CORRUPT where the peer could not read its own bytes
   */
  async read(key: string): Promise<string | undefined> {
    try {
      const bytes = this.#ahead.get(key) ?? (await this.#stub.getState(key));
      return bytes.length === 0 ? undefined : textOf(bytes);
    } catch (cause) {
      throw readFailure(key, cause);
    }
  }

  /** Writes become visible at commit; the order among them does not matter. */
  async write(writes: readonly Write[]): Promise<void> {
    const batches = this.#batches;
    if (batches === undefined || batches.writeMax === 0) for (const write of writes) await this.#writeOne(write);
    else for (const some of chunksOf(writes, batches.writeMax)) await batches.write(some);
  }

  async #writeOne({ key, text }: Write): Promise<void> {
    if (text === undefined) await this.#stub.deleteState(key);
    else await this.#stub.putState(key, Buffer.from(text, 'utf8'));
  }

  /**
   * One page below a prefix, in key order. For queries only: Fabric refuses writes after a paged read.
   *
   * @param page.cursor - `next` of the page before; whatever it says, it cannot lead out of the prefix
   */
  async page(prefix: string, page: { limit: number; cursor?: string }): Promise<Page<Row>> {
    const start = `${prefix}${page.cursor ?? ''}`;
    try {
      const found = await this.#stub.getStateByRangeWithPagination(start, endOf(prefix), page.limit, '');
      const items: Row[] = [];
      for (let row = await found.iterator.next(); !row.done; row = await found.iterator.next()) {
        items.push({ place: row.value.key.slice(prefix.length), text: textOf(row.value.value) });
      }
      await found.iterator.close();
      // Of an empty last page the peer sends no metadata at all: an empty message has no bytes.
      const bookmark = found.metadata?.bookmark ?? '';
      return bookmark === '' ? { items } : { items, next: bookmark.slice(prefix.length) };
    } catch (cause) {
      throw readFailure(`range ${prefix}`, cause);
    }
  }

  /** All rows below a prefix, page by page: for the few things whose number the register bounds. */
  async all(prefix: string, pageItems: number): Promise<readonly Row[]> {
    const rows: Row[] = [];
    let cursor: string | undefined = '';
    while (cursor !== undefined) {
      const page: Page<Row> = await this.page(prefix, { limit: pageItems, cursor });
      rows.push(...page.items);
      cursor = page.next;
    }
    return rows;
  }
}

/** @param lengthMax - 0 makes no chunks at all */
function chunksOf<T>(items: readonly T[], lengthMax: number): readonly (readonly T[])[] {
  const count = lengthMax === 0 ? 0 : Math.ceil(items.length / lengthMax);
  return Array.from({ length: count }, (_, index) => items.slice(index * lengthMax, (index + 1) * lengthMax));
}

function textOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('utf8');
}

function readFailure(place: string, cause: unknown): Error {
  if (cause instanceof DomainError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  // The shim and the peer put their own words before the code: `GET_STATE failed: transaction ID: …: STATE_CORRUPT: …`.
  const isCorrupt = message.split(': ').some((part) => errorCodeOf(part) === 'STATE_CORRUPT');
  if (isCorrupt) return new DomainError('STATE_CORRUPT', `${place} cannot be read: ${message}`, { cause });
  return cause instanceof Error ? cause : new Error(message);
}
