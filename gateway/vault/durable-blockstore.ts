import { randomBytes } from 'node:crypto';
import { access, readdir, readFile, rename, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { NextToLast } from 'blockstore-fs/sharding';
import type { HeliaInit } from 'helia';
import type { CID } from 'multiformats/cid';
import { createDirectory, hasErrorCode, isUnfinished, replaceFile, syncDirectory } from '../durable-files.js';
import { type Block, isContentOf, joined } from './object-blocks.js';

// As many as libuv's default thread pool can use, and a few to keep it busy.
const WRITES_AT_ONCE = 8;

type Blockstore = NonNullable<HeliaInit['blockstore']>;
type BlockInput = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** `corrupt`: the file was there with other bytes, and has been dropped. */
export type BlockRead =
  | { readonly state: 'ok'; readonly bytes: Uint8Array }
  | { readonly state: 'missing' | 'corrupt' };

/**
 * Blocks as files in the layout of blockstore-fs, with two differences: a block is on the disk, not only in the
 * system's cache, when writing returns; and a block is checked against its CID whenever it is read.
 */
export class DurableBlockstore implements Blockstore {
  readonly #directory: string;
  readonly #onCorrupt: (cid: CID) => void;
  readonly #sharding = new NextToLast();
  readonly #madeDirectories = new Map<string, Promise<void>>();

  /** @param onCorrupt - told of each damaged block that was dropped, whoever read it */
  constructor(directory: string, onCorrupt: (cid: CID) => void) {
    this.#directory = directory;
    this.#onCorrupt = onCorrupt;
  }

  /** Makes the directory and clears away what a crash left unfinished. */
  async open(): Promise<void> {
    await createDirectory(this.#directory);
    // A crash may have come between making a directory for blocks and making its name durable.
    await syncDirectory(this.#directory);
    for (const name of await readdir(this.#directory, { recursive: true })) {
      if (isUnfinished(name.slice(name.lastIndexOf('/') + 1))) await rm(join(this.#directory, name), { force: true });
    }
  }

  /** Keeps blocks; durable on return. One sync per file, then one per directory. */
  async keep(blocks: readonly Block[]): Promise<void> {
    const directories = new Set(blocks.map(({ cid }) => this.#place(cid).directory));
    await Promise.all([...directories].map((directory) => this.#makeDirectory(directory)));
    await forEachOf(blocks, async ({ cid, bytes }) => {
      const { file } = this.#place(cid);
      if (!(await holds(file, bytes))) await replaceFile(file, bytes);
    });
    await forEachOf([...directories], syncDirectory);
  }

  async read(cid: CID): Promise<BlockRead> {
    const bytes = await readIfThere(this.#place(cid).file);
    if (bytes === undefined) return { state: 'missing' };
    if (isContentOf(cid, bytes)) return { state: 'ok', bytes };
    return this.#drop(cid);
  }

  /** Erases blocks; durable on return. */
  async erase(cids: readonly CID[]): Promise<void> {
    const erased = new Set<string>();
    await forEachOf(cids, async (cid) => {
      const { directory, file } = this.#place(cid);
      if (await unlinkIfThere(file)) erased.add(directory);
    });
    await forEachOf([...erased], syncDirectory);
  }

  async has(cid: CID): Promise<boolean> {
    try {
      await access(this.#place(cid).file);
      return true;
    } catch {
      return false;
    }
  }

  async put(cid: CID, bytes: BlockInput): Promise<CID> {
    await this.keep([{ cid, bytes: bytes instanceof Uint8Array ? bytes : await joined(bytes) }]);
    return cid;
  }

  async *putMany(source: Iterable<{ cid: CID; bytes: BlockInput }> | AsyncIterable<{ cid: CID; bytes: BlockInput }>) {
    for await (const { cid, bytes } of source) yield await this.put(cid, bytes);
  }

  async *get(cid: CID): AsyncGenerator<Uint8Array> {
    const found = await this.read(cid);
    if (found.state !== 'ok') throw Object.assign(new Error(`Block ${cid} is not here`), { name: 'NotFoundError' });
    yield found.bytes;
  }

  async *getMany(source: Iterable<CID> | AsyncIterable<CID>) {
    for await (const cid of source) yield { cid, bytes: this.get(cid) };
  }

  async delete(cid: CID): Promise<void> {
    await this.erase([cid]);
  }

  async *deleteMany(source: Iterable<CID> | AsyncIterable<CID>) {
    for await (const cid of source) {
      await this.delete(cid);
      yield cid;
    }
  }

  async *getAll() {
    for (const name of await readdir(this.#directory, { recursive: true })) {
      if (!name.endsWith(this.#sharding.extension)) continue;
      const cid = this.#sharding.decode(name);
      yield { cid, bytes: this.get(cid) };
    }
  }

  #place(cid: CID): { directory: string; file: string } {
    const { dir, file } = this.#sharding.encode(cid);
    const directory = join(this.#directory, dir);
    return { directory, file: join(directory, file) };
  }

  /** Shared by all who need the directory at once: none of them may return before its name is durable. */
  #makeDirectory(directory: string): Promise<void> {
    const known = this.#madeDirectories.get(directory);
    if (known !== undefined) return known;
    const making = createDirectory(directory);
    this.#madeDirectories.set(directory, making);
    making.catch(() => this.#madeDirectories.delete(directory));
    return making;
  }

  /** Takes a damaged block out of the way; a good one that was written in the meantime is put back. */
  async #drop(cid: CID): Promise<BlockRead> {
    const { directory, file } = this.#place(cid);
    const aside = join(directory, `.writing-${randomBytes(8).toString('hex')}`);
    try {
      await rename(file, aside);
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT')) return { state: 'corrupt' };
      throw error;
    }
    const bytes = await readFile(aside);
    if (isContentOf(cid, bytes)) {
      await rename(aside, file);
      return { state: 'ok', bytes };
    }
    await unlink(aside);
    this.#onCorrupt(cid);
    return { state: 'corrupt' };
  }
}

async function holds(file: string, bytes: Uint8Array): Promise<boolean> {
  const held = await readIfThere(file);
  return held !== undefined && Buffer.compare(held, bytes) === 0;
}

async function readIfThere(file: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function unlinkIfThere(file: string): Promise<boolean> {
  try {
    await unlink(file);
    return true;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return false;
    throw error;
  }
}

async function forEachOf<Item>(items: readonly Item[], action: (item: Item) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const workers = Array.from({ length: Math.min(WRITES_AT_ONCE, waiting.length) }, async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await action(item);
  });
  await Promise.all(workers);
}
