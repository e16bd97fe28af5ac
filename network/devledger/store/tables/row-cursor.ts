import type { RowEntry } from './row-block.js';

/** A place among sorted rows, moving one way. Used at one go: what it stands on may change between two turns. */
export interface RowCursor {
  /** Undefined at the end. */
  readonly current: RowEntry | undefined;
  next(): void;
}

export type Direction = 'forward' | 'backward';

/** Where a cursor begins: forward at the key or behind it, backward before the key; without one at the end of all. */
export interface CursorStart {
  readonly direction: Direction;
  readonly key: string | undefined;
}

/**
 * Goes through several sources as if they were one. Where a key is in several, the first source that has it counts.
 *
 * @param cursors - the newest source first
 */
export class MergedCursor implements RowCursor {
  readonly #cursors: readonly RowCursor[];
  readonly #backward: boolean;
  #current: RowEntry | undefined;

  constructor(cursors: readonly RowCursor[], direction: Direction) {
    this.#cursors = cursors;
    this.#backward = direction === 'backward';
    this.#choose();
  }

  get current(): RowEntry | undefined {
    return this.#current;
  }

  next(): void {
    const passed = this.#current?.key;
    for (const cursor of this.#cursors) if (cursor.current?.key === passed) cursor.next();
    this.#choose();
  }

  #choose(): void {
    let chosen: RowEntry | undefined;
    for (const { current } of this.#cursors) {
      if (current === undefined) continue;
      if (chosen === undefined || (this.#backward ? current.key > chosen.key : current.key < chosen.key)) {
        chosen = current;
      }
    }
    this.#current = chosen;
  }
}
