import { hash } from 'node:crypto';
import type { ledger } from '@hyperledger/fabric-protos';
import { lengthDelimitedField } from './wire-format.js';

type KVRead = ledger.rwset.kvrwset.KVRead;

/** What stands for many rows in a read/write set: the hashes of one level of the tree over them. */
export interface MerkleSummary {
  /** 1 for hashes over rows. */
  readonly level: number;
  readonly hashes: readonly Uint8Array[];
}

/** Rows, or hashes of a level, that are kept one by one: Fabric's maxDegreeQueryReadsHashing. */
export const DEGREE_MAX = 50;
/** Field of kvrwset.QueryReads. */
const QUERY_READS_ROW = 1;

/**
 * Records the rows of one range query: one by one up to 50; from the 51st on as a tree of hashes, in which every 51
 * rows make one hash, and every 51 hashes of a level one of the next. So a scan of any length adds a few hashes to a
 * transaction, and at commit the same rows must yield the same hashes.
 *
 * @see Fabric core/ledger/kvledger/txmgmt/rwsetutil/query_results_helper.go
 */
export class RangeSummary {
  #rows: KVRead[] = [];
  /** Hashes by level; index 0 is level 1. */
  readonly #levels: Uint8Array[][] = [];

  add(row: KVRead): void {
    this.#rows.push(row);
    if (this.#rows.length > DEGREE_MAX) this.#hashRows();
  }

  /** Call once, after the last row. */
  finish(): { readonly rows: readonly KVRead[] } | { readonly merkle: MerkleSummary } {
    if (this.#levels.length === 0) return { rows: this.#rows };
    if (this.#rows.length > 0) this.#hashRows();
    return { merkle: this.#top() };
  }

  #hashRows(): void {
    const rows = this.#rows.map((row) => lengthDelimitedField(QUERY_READS_ROW, row.serializeBinary()));
    this.#rows = [];
    this.#lift(sha256(rows), 0);
  }

  #lift(digest: Uint8Array, index: number): void {
    const level = this.#levels[index];
    if (level === undefined) {
      this.#levels[index] = [digest];
      return;
    }
    level.push(digest);
    if (level.length <= DEGREE_MAX) return;
    this.#levels[index] = [];
    this.#lift(sha256(level), index + 1);
  }

  /** What is left on lower levels goes up; a node that is alone goes up as it is. */
  #top(): MerkleSummary {
    const top = this.#levels.length - 1;
    for (let index = 0; index < top; index += 1) {
      const [first, ...more] = this.#levels[index] ?? [];
      if (first === undefined) continue;
      this.#levels[index + 1]?.push(more.length === 0 ? first : sha256([first, ...more]));
    }
    const hashes = this.#levels[top] ?? [];
    if (hashes.length <= DEGREE_MAX) return { level: top + 1, hashes };
    return { level: top + 2, hashes: [sha256(hashes)] };
  }
}

export function sameSummary(left: MerkleSummary, right: MerkleSummary): boolean {
  return (
    left.level === right.level &&
    left.hashes.length === right.hashes.length &&
    left.hashes.every((digest, index) => Buffer.compare(digest, right.hashes[index] ?? EMPTY) === 0)
  );
}

const EMPTY = new Uint8Array();

function sha256(parts: readonly Uint8Array[]): Uint8Array {
  return hash('sha256', Buffer.concat(parts), 'buffer');
}
