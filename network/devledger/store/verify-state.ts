import type { Finding } from './finding.js';
import { StateCorruptError } from './ledger-errors.js';
import { digestOf, type ReplayedState, type ReplayedValue } from './replayed-state.js';
import { openRow } from './row.js';
import {
  blockHashKey,
  blockKey,
  describeRowKey,
  historyKey,
  kindRange,
  parseStateKey,
  type RowKind,
  readVersion,
  stateKey,
  transactionKey,
  VERSION_BYTES,
} from './row-keys.js';
import type { StateDatabase } from './state-database.js';
import type { BlockRows } from './state-store.js';

/**
 * Compares every live state row with the state made again from the blocks.
 *
 * @param unreadable - numbers of blocks that could not be read; rows they may have written are not judged
 */
export async function compareState(
  peer: string,
  database: StateDatabase,
  replayed: { readonly state: ReplayedState; readonly unreadable: readonly number[] },
): Promise<{ findings: Finding[]; rows: number }> {
  const findings: Finding[] = [];
  const found = (key: Buffer, detail: string) =>
    findings.push({ peer, kind: 'state', where: describeRowKey(key), detail });
  const seen = new Set<ReplayedValue>();
  let rows = 0;
  const unreadable = (detail: string) => findings.push({ peer, kind: 'state', where: 'state rows', detail });
  for await (const [key, row] of rowsUntilUnreadable(database, 'state', unreadable)) {
    rows += 1;
    const name = parseStateKey(key);
    const expected = replayed.state.get(name.namespace, name.key);
    if (expected !== undefined) seen.add(expected);
    const payload = openRow(key, row);
    const detail = payload === undefined ? DAMAGED : difference(payload, expected, replayed.unreadable);
    if (detail !== undefined) found(key, detail);
  }
  // A block that cannot be read may have deleted what an earlier one wrote.
  const newestUnreadable = replayed.unreadable.at(-1) ?? -1;
  const missing = [...replayed.state.values()].filter(
    (value) => !seen.has(value) && value.version.blockNumber > newestUnreadable,
  );
  for (const { namespace, key, version } of missing) {
    found(stateKey(namespace, key), `missing; block ${version.blockNumber} wrote it`);
  }
  return { findings, rows };
}

/** Looks up history, transaction and block rows of one block after the other; names what is missing or different. */
export class IndexCheck {
  readonly #peer: string;
  readonly #database: StateDatabase;
  readonly #expected = new Map<RowKind, number>();
  readonly #named = new Set<string>();
  readonly findings: Finding[] = [];

  constructor(peer: string, database: StateDatabase) {
    this.#peer = peer;
    this.#database = database;
  }

  check({ tip, history, transactions }: BlockRows): void {
    const blockNumber = tip.height - 1;
    for (const { namespace, key, version } of history) {
      this.#expect('history', historyKey(namespace, key, version.blockNumber, version.txNumber), () => true);
    }
    for (const { txId, txNumber, code } of transactions) {
      this.#expect('transaction', transactionKey(txId), (payload) => {
        const place = readVersion(payload, 0);
        return (
          place.blockNumber === blockNumber && place.txNumber === txNumber && payload.readUInt8(VERSION_BYTES) === code
        );
      });
    }
    const hashes = Buffer.concat([tip.headerHash, tip.commitHash]);
    this.#expect('block', blockKey(blockNumber), (payload) => payload.equals(hashes));
    this.#expect('blockHash', blockHashKey(tip.headerHash), (payload) => payload.readUIntBE(0, 6) === blockNumber);
  }

  /** Rows beyond those the blocks account for; only when every block could be read. */
  async checkCounts(): Promise<void> {
    for (const [kind, expected] of this.#expected) {
      let rows = 0;
      const unreadable = (detail: string) => this.#found(`${kind} rows`, detail);
      for await (const [key, row] of rowsUntilUnreadable(this.#database, kind, unreadable)) {
        rows += 1;
        if (openRow(key, row) === undefined) this.#found(describeRowKey(key), DAMAGED);
      }
      if (rows > expected) this.#found(`${kind} rows`, `${rows} where the blocks account for ${expected}`);
    }
  }

  #expect(kind: RowKind, key: Buffer, fits: (payload: Buffer) => boolean): void {
    this.#expected.set(kind, (this.#expected.get(kind) ?? 0) + 1);
    try {
      const payload = this.#database.get(key);
      if (payload === undefined) this.#found(describeRowKey(key), 'missing');
      else if (!fits(payload)) this.#found(describeRowKey(key), 'not what the block says');
    } catch (error) {
      if (!(error instanceof StateCorruptError)) throw error;
      this.#found(describeRowKey(key), error.message);
    }
  }

  #found(where: string, detail: string): void {
    if (this.#named.has(where)) return;
    this.#named.add(where);
    this.findings.push({ peer: this.#peer, kind: 'index', where, detail });
  }
}

/** A walk ends where the index of a table is damaged; that is a finding, not the end of the check. */
async function* rowsUntilUnreadable(
  database: StateDatabase,
  kind: RowKind,
  unreadable: (detail: string) => void,
): AsyncGenerator<[key: Buffer, row: Buffer]> {
  try {
    yield* database.rawRows(kindRange(kind));
  } catch (error) {
    if (!(error instanceof StateCorruptError)) throw error;
    unreadable(error.message);
  }
}

const DAMAGED = 'the stored bytes do not match their digest';

function difference(
  payload: Buffer,
  expected: ReplayedValue | undefined,
  unreadable: readonly number[],
): string | undefined {
  const version = readVersion(payload, 0);
  if (unreadable.includes(version.blockNumber)) return undefined;
  if (expected === undefined) return `no block wrote it (it claims block ${version.blockNumber})`;
  if (version.blockNumber !== expected.version.blockNumber || version.txNumber !== expected.version.txNumber) {
    return (
      `it claims block ${version.blockNumber}, transaction ${version.txNumber}, but the newest write is in ` +
      `block ${expected.version.blockNumber}, transaction ${expected.version.txNumber}`
    );
  }
  if (digestOf(payload.subarray(VERSION_BYTES)) === expected.valueDigest) return undefined;
  return `its value is not the one block ${version.blockNumber}, transaction ${version.txNumber} wrote`;
}
