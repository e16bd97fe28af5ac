import { existsSync, readdirSync } from 'node:fs';
import { mkdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { syncFolder } from '../../network/identities/durable-file.js';
import { StartError } from '../start/start-error.js';
import { linesOf, summaryLine } from '../verify/report-lines.js';
import type { CheckResult } from '../verify/finding.js';
import { type VerifyReport, verifyDataFolder } from '../verify/verify-data-folder.js';
import { verifyPlainLedger } from '../verify/verify-plain-ledger.js';
import { copyOne, syncCopied } from './copied-files.js';
import { type NetworkContext, networkContext, type PlainContext, plainContext } from './network-context.js';
import { readWholeSnapshot, SNAPSHOT_DATA } from './snapshot-manifest.js';

export interface RestoreResult {
  readonly dataDir: string;
  readonly takenAt: string;
  readonly ledger: string;
  readonly heights: Readonly<Record<string, number>>;
  /** Of verify-ledger on the restored folder; undefined where it was left out. */
  readonly report?: VerifyReport;
}

/**
 * Puts a snapshot into an empty data folder, after every file was found to be the one that was put there, and looks at
 * the ledger as verify-ledger does.
 *
 * @throws StartError for a damaged or foreign snapshot, or a folder that holds something; nothing is changed then
 */
export async function restoreSnapshot(
  context: NetworkContext | PlainContext,
  from: string,
  options: { readonly verify: boolean },
): Promise<RestoreResult> {
  const { dataDir, topology, topologyFile, say } = context;
  requireEmpty(dataDir);
  const folder = resolve(from);
  const manifest = await readWholeSnapshot(folder);
  const { takenAt, ledger, heights } = manifest;
  // Where no other is named, the network is the one that the snapshot has in it.
  if (topologyFile !== undefined && manifest.channel !== topology.channel)
    throw new StartError(
      `The snapshot ${folder} is of the channel ${manifest.channel}, not of ${topology.channel}; nothing was restored.`,
    );
  const fresh = `${dataDir}.restoring`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true, mode: 0o700 });
  for (const { path, mode } of manifest.files)
    await copyOne(join(folder, SNAPSHOT_DATA, path), join(fresh, path), mode);
  await syncCopied(
    fresh,
    manifest.files.map(({ path }) => path),
  );
  if (existsSync(dataDir)) await rmdir(dataDir);
  await rename(fresh, dataDir);
  syncFolder(dirname(dataDir));
  say(
    `restored as of ${takenAt}: ${Object.entries(heights)
      .map(([mspId, height]) => `${mspId} ${height} blocks`)
      .join(', ')}`,
  );
  const restored = { dataDir, takenAt, ledger, heights };
  if (!options.verify) return restored;
  const report = await look(dataDir, context);
  say(summaryLine(report));
  return { ...restored, report };
}

/** As the folder itself says who takes part. */
function look(dataDir: string, { json, say }: Pick<NetworkContext, 'json' | 'say'>): Promise<VerifyReport> {
  const onCheck = (result: CheckResult): void => {
    if (result.findings.length > 0) for (const line of linesOf(result)) say(line);
  };
  const plain = plainContext({ data: dataDir, json });
  if (plain !== undefined) return verifyPlainLedger({ dataDir, topology: plain.topology, onCheck });
  const { topology } = networkContext({ data: dataDir, json });
  return verifyDataFolder({ dataDir, topology, vault: true, custody: true, onCheck });
}

function requireEmpty(dataDir: string): void {
  if (!existsSync(dataDir) || readdirSync(dataDir).length === 0) return;
  throw new StartError(`${dataDir} is not empty; move it away, or name another folder with --data.`);
}
