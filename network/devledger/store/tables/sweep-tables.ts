import { join } from 'node:path';
import type { FileSystem } from '../file-system.js';
import type { Manifest } from './manifest.js';
import { isTableName, tableName } from './table-writer.js';

const TEMPORARY_SUFFIX = '.new';

/** Takes away what a crash left behind: tables that no manifest names, manifests that were never put in place. */
export async function sweep(files: FileSystem, directory: string, { tables }: Manifest): Promise<void> {
  const named = new Set(tables.map(({ number }) => tableName(number)));
  for (const name of files.list(directory)) {
    const isOrphan = isTableName(name) && !named.has(name);
    if (isOrphan || name.endsWith(TEMPORARY_SUFFIX)) await files.remove(join(directory, name));
  }
}
