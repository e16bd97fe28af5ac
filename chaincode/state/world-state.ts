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
    const { readMax = 0 } = this.#batches ?? {};
    const unread = keys.filter((key) => !this.#ahead.has(key));
    if (unread.length < 2 || unread.length > readMax) return;
    try {
      const values = (await this.#batches?.read(unread)) ?? [];
      for (const [index, key] of unread.entries()) {
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
    const { writeMax = 0 } = this.#batches ?? {};
    if (writes.length > 1 && writes.length <= writeMax) await this.#batches?.write(writes);
    else for (const write of writes) await this.#writeOne(write);
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
