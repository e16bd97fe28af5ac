import { peer } from '@hyperledger/fabric-protos';
import { lengthDelimitedField, varintField } from '../endorse/wire-format.js';

/** Rows that a chaincode asked for, already serialised as it will receive them. */
export interface ResultSource {
  /** @returns undefined when there are no more */
  next(): Promise<Uint8Array | undefined>;
  /** Where the next page starts; empty when there is none. */
  bookmark(): Promise<string>;
  close(): Promise<void>;
}

interface OpenIterator {
  readonly source: ResultSource;
  /** Fetched to learn that there is more, and not yet handed out. */
  pending: Uint8Array[];
  fetched: number;
}

/** Rows per message between peer and chaincode; Fabric's constant. */
const BATCH_ROWS = 100;
/** Rows are sent in fewer at once where they are long; how many there are in a message is not a chaincode's business. */
const BATCH_MAX_BYTES = 4 * 1024 * 1024;
/** A page goes out in one message: well below the longest one. */
const PAGE_MAX_BYTES = 24 * 1024 * 1024;
/** Rows of one query in all; Fabric's ledger.state.totalQueryLimit. */
const TOTAL_ROWS_MAX = 100_000;
const OPEN_ITERATORS_MAX = 1_000;
/** Fields of protos.QueryResponse and protos.QueryResultBytes. */
const RESPONSE_ROW = 1;
const RESPONSE_HAS_MORE = 2;
const RESPONSE_ID = 3;
const RESPONSE_METADATA = 4;
const ROW_BYTES = 1;
const EMPTY = new Uint8Array();

/**
 * The iterators one transaction has open: a chaincode takes rows in batches of 100 and asks for the next batch.
 *
 * @see Fabric core/chaincode/query_response_generator.go
 */
export class QueryIterators {
  readonly #open = new Map<string, OpenIterator>();
  #opened = 0;

  /**
   * @param pageSize - given: one page of at most that many rows (0: as many as there are) with the bookmark of the
   * next, and the iterator is closed
   * @returns serialised QueryResponse with the first rows
   */
  async open(source: ResultSource, pageSize?: number): Promise<Uint8Array> {
    if (this.#open.size >= OPEN_ITERATORS_MAX) {
      await source.close();
      throw new Error(`a transaction may have ${OPEN_ITERATORS_MAX} iterators open; close them after use`);
    }
    this.#opened += 1;
    const id = String(this.#opened);
    this.#open.set(id, { source, pending: [], fetched: 0 });
    return pageSize === undefined ? this.#nextBatch(id) : this.#page(id, pageSize);
  }

  async next(id: string): Promise<Uint8Array> {
    return this.#nextBatch(id);
  }

  async close(id: string): Promise<Uint8Array> {
    await this.#drop(id);
    return response(id, []);
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#open.keys()].map((id) => this.#drop(id)));
  }

  async #nextBatch(id: string): Promise<Uint8Array> {
    const iterator = this.#iterator(id);
    const rows = iterator.pending;
    let sizeBytes = sizeOf(rows);
    iterator.pending = [];
    while (iterator.fetched < TOTAL_ROWS_MAX) {
      const row = await this.#row(id, iterator);
      if (row === undefined) break;
      sizeBytes += row.length;
      if (rows.length === BATCH_ROWS || (rows.length > 0 && sizeBytes > BATCH_MAX_BYTES)) {
        iterator.pending = [row];
        return response(id, rows, { hasMore: true });
      }
      rows.push(row);
    }
    await this.#drop(id);
    return response(id, rows);
  }

  async #page(id: string, pageSize: number): Promise<Uint8Array> {
    const iterator = this.#iterator(id);
    const rowsMax = pageSize > 0 ? Math.min(pageSize, TOTAL_ROWS_MAX) : TOTAL_ROWS_MAX;
    const rows: Uint8Array[] = [];
    let sizeBytes = 0;
    while (rows.length < rowsMax) {
      const row = await this.#row(id, iterator);
      if (row === undefined) break;
      sizeBytes += row.length;
      if (sizeBytes > PAGE_MAX_BYTES) {
        await this.#drop(id);
        throw new Error(`a page of ${rowsMax} rows has more than ${PAGE_MAX_BYTES} bytes: ask for fewer rows`);
      }
      rows.push(row);
    }
    const metadata = new peer.QueryResponseMetadata();
    metadata.setFetchedRecordsCount(rows.length);
    metadata.setBookmark(await iterator.source.bookmark());
    await this.#drop(id);
    return response(id, rows, { metadata: metadata.serializeBinary() });
  }

  async #row(id: string, iterator: OpenIterator): Promise<Uint8Array | undefined> {
    try {
      const row = await iterator.source.next();
      if (row === undefined) return undefined;
      iterator.fetched += 1;
      return rowField(row);
    } catch (error) {
      await this.#drop(id);
      throw error;
    }
  }

  #iterator(id: string): OpenIterator {
    const iterator = this.#open.get(id);
    if (iterator === undefined) throw new Error('query iterator not found');
    return iterator;
  }

  async #drop(id: string): Promise<void> {
    const iterator = this.#open.get(id);
    this.#open.delete(id);
    await iterator?.source.close();
  }
}

function sizeOf(rows: readonly Uint8Array[]): number {
  return rows.reduce((total, row) => total + row.length, 0);
}

/** As a QueryResponse holds it. Written row by row: a hundred thousand at once would keep others waiting. */
function rowField(row: Uint8Array): Uint8Array {
  return lengthDelimitedField(RESPONSE_ROW, lengthDelimitedField(ROW_BYTES, row));
}

function response(
  id: string,
  rows: readonly Uint8Array[],
  rest: { readonly hasMore?: boolean; readonly metadata?: Uint8Array } = {},
): Uint8Array {
  const { hasMore = false, metadata } = rest;
  return Buffer.concat([
    ...rows,
    varintField(RESPONSE_HAS_MORE, hasMore ? 1 : 0),
    lengthDelimitedField(RESPONSE_ID, Buffer.from(id)),
    metadata === undefined ? EMPTY : lengthDelimitedField(RESPONSE_METADATA, metadata),
  ]);
}
