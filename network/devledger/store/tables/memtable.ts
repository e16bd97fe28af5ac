import type { RowEntry } from './row-block.js';
import type { CursorStart, RowCursor } from './row-cursor.js';
import { type KeyPlace, SortedKeys } from './sorted-keys.js';

/** What one batch wrote to a key. */
interface RowVersion {
  readonly sequence: number;
  readonly entry: RowEntry;
  readonly older: RowVersion | undefined;
}

/** What a row costs in memory beside its bytes: key and row objects, map and order. */
const ROW_OVERHEAD_BYTES = 200;

/** Rows that are in no table yet, each with the number of the batch that wrote it, so that one can read as of a batch. */
export class Memtable {
  readonly #versions = new Map<string, RowVersion>();
  readonly #keys = new SortedKeys();
  #sizeBytes = 0;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get isEmpty(): boolean {
    return this.#versions.size === 0;
  }

  /** @param sequence - not below that of any earlier write */
  put(entry: RowEntry, sequence: number): void {
    const older = this.#versions.get(entry.key);
    this.#versions.set(entry.key, { sequence, entry, older });
    if (older === undefined) this.#keys.add(entry.key);
    this.#sizeBytes += entry.key.length + (entry.row?.length ?? 0) + ROW_OVERHEAD_BYTES;
  }

  /** @returns undefined when nothing was written to the key up to that batch */
  get(key: string, sequence: number): RowEntry | undefined {
    let version = this.#versions.get(key);
    while (version !== undefined && version.sequence > sequence) version = version.older;
    return version?.entry;
  }

  cursor(start: CursorStart, sequence: number): RowCursor {
    return new MemtableCursor(this.#keys, start, (key) => this.get(key, sequence));
  }
}

class MemtableCursor implements RowCursor {
  readonly #keys: SortedKeys;
  readonly #backward: boolean;
  readonly #read: (key: string) => RowEntry | undefined;
  #place: KeyPlace;
  current: RowEntry | undefined;

  constructor(keys: SortedKeys, { direction, key }: CursorStart, read: (key: string) => RowEntry | undefined) {
    this.#keys = keys;
    this.#backward = direction === 'backward';
    this.#read = read;
    if (this.#backward) this.#place = keys.before(key === undefined ? keys.end() : keys.seek(key));
    else this.#place = keys.seek(key ?? '');
    this.#settle();
  }

  next(): void {
    this.#move();
    this.#settle();
  }

  /** Goes on to a key that had been written by then. */
  #settle(): void {
    for (let key = this.#keys.at(this.#place); key !== undefined; key = this.#keys.at(this.#place)) {
      this.current = this.#read(key);
      if (this.current !== undefined) return;
      this.#move();
    }
    this.current = undefined;
  }

  #move(): void {
    this.#place = this.#backward ? this.#keys.before(this.#place) : this.#keys.after(this.#place);
  }
}
