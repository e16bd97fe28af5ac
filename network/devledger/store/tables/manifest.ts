import { hash } from 'node:crypto';
import { join } from 'node:path';
import { type FileSystem, isUnreadable, readWholeFile, replaceFile } from '../file-system.js';
import { DamagedTable } from './damaged-table.js';
import { isTableName, type TableDescription } from './table-writer.js';

/** Which tables a database consists of. */
export interface Manifest {
  /** Newest first: what a table says of a key hides what those behind it say. */
  readonly tables: readonly TableDescription[];
  /** No file of this number was ever named here. */
  readonly nextNumber: number;
}

const MANIFEST_NAME = 'manifest';
/** Every LevelDB has it. */
const LEVELDB_NAME = 'CURRENT';
const FORMAT = 'medledger-tables 1';
const HASH = 'sha256';
const EMPTY: Manifest = { tables: [], nextNumber: 1 };

/**
 * First line: format and SHA-256 of the second line; second line: JSON.
 *
 * @returns an empty database where there is neither manifest nor table
 * @throws DamagedTable
 */
export async function readManifest(files: FileSystem, directory: string): Promise<Manifest> {
  const path = join(directory, MANIFEST_NAME);
  const bytes = await readWholeFile(files, path).catch((cause: unknown) => {
    if (!isUnreadable(cause)) throw cause;
    throw new DamagedTable(path, 'it cannot be read', { cause });
  });
  if (bytes === undefined) {
    const names = files.list(directory);
    if (names.some(isTableName)) throw new DamagedTable(path, 'it is gone');
    if (names.includes(LEVELDB_NAME)) throw new DamagedTable(directory, 'it is the LevelDB of an earlier version');
    return EMPTY;
  }
  const text = bytes.toString('latin1');
  const body = text.slice(text.indexOf('\n') + 1);
  if (text !== seal(body)) throw new DamagedTable(path, 'it does not match its digest');
  return parseManifest(body);
}

/** Durable on return; after a crash the old one or the new one is there. */
export async function writeManifest(files: FileSystem, directory: string, manifest: Manifest): Promise<void> {
  const body = JSON.stringify({
    nextNumber: manifest.nextNumber,
    tables: manifest.tables.map(({ root, ...table }) => ({
      ...table,
      root: { offsetBytes: root.offsetBytes, sizeBytes: root.sizeBytes, digest: root.digest.toString('hex') },
    })),
  });
  await replaceFile(files, directory, MANIFEST_NAME, Buffer.from(seal(body), 'latin1'));
}

function seal(body: string): string {
  return `${FORMAT} ${hash(HASH, Buffer.from(body, 'latin1'), 'hex')}\n${body}`;
}

/** @param body - its digest was checked, so it is what `writeManifest` wrote */
function parseManifest(body: string): Manifest {
  const stored = JSON.parse(body) as {
    nextNumber: number;
    tables: {
      number: number;
      sizeBytes: number;
      rows: number;
      root: { offsetBytes: number; sizeBytes: number; digest: string };
    }[];
  };
  return {
    nextNumber: stored.nextNumber,
    tables: stored.tables.map(({ root, ...table }) => ({
      ...table,
      root: { ...root, lastKey: '', digest: Buffer.from(root.digest, 'hex') },
    })),
  };
}
