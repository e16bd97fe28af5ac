import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { replaceFile } from '../../gateway/durable-files.js';
import type { LedgerTopology } from '../../network/topology.js';
import { topologyFileText } from '../../network/topology-file.js';

/** In the data folder: the topology its network was started with last, where that came from a file. */
const KEPT_FILE = 'topology.json';

/**
 * The file that describes the network: the one that is given, else the one that the data folder's network was started
 * with.
 *
 * @returns undefined for the consortium on consecutive ports
 */
export function chooseTopologyFile(dataDir: string, given: string | undefined): string | undefined {
  if (given !== undefined) return resolve(given);
  const kept = join(dataDir, KEPT_FILE);
  return existsSync(kept) ? kept : undefined;
}

/** Kept for the verbs that come later; folders and files in it are absolute. Durable on return. */
export async function keepTopology(dataDir: string, topology: LedgerTopology): Promise<string> {
  const path = join(dataDir, KEPT_FILE);
  await replaceFile(path, Buffer.from(topologyFileText(topology)), 0o644);
  return path;
}
