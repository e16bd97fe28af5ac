import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import {
  type FabricStateRow,
  parseStateRowKey,
  parseStateValue,
  savepointKey,
  stateRowKey,
} from '../../../network/fabric/store/state-row.js';
import { decodeHeight } from '../../../network/fabric/store/order-preserving.js';
import { CannotLook } from '../cannot-look.js';

import { DAMAGED, type StateView, type StoredRow, type StoredText } from '../peer-state.js';
import { endOf } from '../state-keys.js';
import { copyLevelDb } from './copy-leveldb.js';

/** A row of the state; `undefined` parts are bytes that are no value. */
export type ScannedRow = Pick<FabricStateRow, 'namespace' | 'key'> & {
  readonly stored: Pick<FabricStateRow, 'version' | 'value'> | undefined;
};

/** Where a copy of a peer's state was put, or why LevelDB could not read it. */
export type StateCopy = { readonly file: string } | { readonly fault: string };

const READ_MS = 10 * 60_000;
const NOTES_MAX_BYTES = 1024 * 1024;

/**
 * Copies the state of one of Fabric's peers, also of one that runs, into a form that can be asked.
 *
 * @param temporary - an empty folder
 */
export async function copyFabricState(stateFolder: string, temporary: string): Promise<StateCopy> {
  const levels = join(temporary, 'leveldb');
  await copyLevelDb(stateFolder, levels);
  const file = join(temporary, 'state.sqlite');
  const fault = await readLevels(levels, file);
  return fault === undefined ? { file } : { fault };
}

/** @returns why it cannot be read */
function readLevels(from: string, to: string): Promise<string | undefined> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const program = fileURLToPath(new URL(`./read-leveldb.${extension}`, import.meta.url));
  const options = { timeout: READ_MS, maxBuffer: NOTES_MAX_BYTES, env: { ...process.env, NODE_NO_WARNINGS: '1' } };
  return new Promise((resolve) => {
    execFile(process.execPath, [program, from, to], options, (error, _stdout, stderr) => {
      if (error === null) resolve(undefined);
      else resolve(error.signal ? `LevelDB ended with ${error.signal}` : reasonIn(stderr));
    });
  });
}

/** What LevelDB says, without the place in our program where it was said. */
function reasonIn(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim());
  const said = lines.filter((line) => /^(?:\[cause\]: )?\w*Error\b/.test(line)).at(-1);
  return said?.replace('[cause]: ', '') ?? 'LevelDB gave no reason';
}

/** The live state of one peer of Fabric, as the chaincode would read it. */
export class FabricState implements StateView {
  readonly #database: DatabaseSync;
  readonly #channel: string;
  readonly #namespace: string;

  /** @param input.file - as `copyFabricState` made it */
  constructor(input: { readonly file: string; readonly channel: string; readonly namespace: string }) {
    if (!existsSync(input.file)) throw new CannotLook(`${input.file} is gone: start the check again.`);
    this.#database = new DatabaseSync(input.file, { readOnly: true });
    this.#channel = input.channel;
    this.#namespace = input.namespace;
  }

  get height(): number | undefined {
    const savepoint = this.#get(savepointKey(this.#channel));
    const newest = savepoint && decodeHeight(savepoint);
    return newest && newest.blockNumber + 1;
  }

  read(key: string): StoredText {
    const row = this.#get(stateRowKey(this.#channel, this.#namespace, Buffer.from(key, 'utf8')));
    return row === undefined ? undefined : textOf(parseStateValue(row));
  }

  async *rows(prefix: string): AsyncGenerator<StoredRow> {
    const from = stateRowKey(this.#channel, this.#namespace, Buffer.from(prefix, 'utf8'));
    const to = stateRowKey(this.#channel, this.#namespace, Buffer.from(endOf(prefix), 'utf8'));
    const found = this.#database.prepare('SELECT key, value FROM rows WHERE key >= ? AND key < ? ORDER BY key');
    for (const row of found.iterate(from, to)) {
      const name = parseStateRowKey(this.#channel, bytesOf(row.key));
      if (name?.kind !== 'data') continue;
      yield { key: name.key.toString('utf8'), text: textOf(parseStateValue(bytesOf(row.value))) };
    }
  }

  /** Everything that the channel's state holds, of every namespace. */
  *scan(): Generator<ScannedRow> {
    const found = this.#database.prepare('SELECT key, value FROM rows ORDER BY key');
    for (const row of found.iterate()) {
      const name = parseStateRowKey(this.#channel, bytesOf(row.key));
      if (name?.kind !== 'data') continue;
      yield { namespace: name.namespace, key: name.key, stored: parseStateValue(bytesOf(row.value)) };
    }
  }

  async close(): Promise<void> {
    this.#database.close();
  }

  #get(key: Buffer): Buffer | undefined {
    const row = this.#database.prepare('SELECT value FROM rows WHERE key = ?').get(key);
    return row === undefined ? undefined : bytesOf(row.value);
  }
}

function textOf(stored: Pick<FabricStateRow, 'value'> | undefined): string | typeof DAMAGED {
  return stored === undefined ? DAMAGED : stored.value.toString('utf8');
}

function bytesOf(column: unknown): Buffer {
  return column instanceof Uint8Array
    ? Buffer.from(column.buffer, column.byteOffset, column.byteLength)
    : Buffer.alloc(0);
}
