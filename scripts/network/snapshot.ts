import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { blocksDirectory } from '../../network/devledger/commit/open-peer-ledger.js';
import { FrameFiles } from '../../network/devledger/store/frame-files.js';
import { syncFolder } from '../../network/identities/durable-file.js';
import { FabricBlockFiles } from '../../network/fabric/store/block-files.js';
import { peerBlocksFolder } from '../../network/fabric/store/store-paths.js';
import type { LedgerTopology } from '../../network/topology.js';
import { lockFolder } from '../start/folder-lock.js';
import type { LedgerKind } from '../start/ledger-choice.js';
import { StartError } from '../start/start-error.js';
import { copyChanged, type FileStates, syncCopied } from './copied-files.js';
import { whileFrozen } from './frozen-processes.js';
import { isHeld, type NetworkContext, type PlainContext, runningProcesses } from './network-context.js';
import {
  formatManifest,
  MANIFEST_FILE,
  sha256Of,
  SNAPSHOT_DATA,
  SNAPSHOT_FORMAT,
  type SnapshotFile,
  type SnapshotManifest,
} from './snapshot-manifest.js';

export interface SnapshotResult {
  readonly folder: string;
  readonly files: number;
  readonly sizeBytes: number;
  readonly heights: Readonly<Record<string, number>>;
  /** For how long a running network stood still; undefined where none ran. */
  readonly pausedMs?: number;
}

/** Second and later passes copy what changed during the one before: so that little is left for the moment itself. */
const PASSES_BEFORE = 2;

/**
 * Copies everything of a data folder that must not be lost, as of one moment: ledger, identities, gateways' stores,
 * vaults, shares. A network that runs stands still for that moment.
 *
 * @param out - a folder that is not there yet; beside the data folder, with the time in its name, where left out
 * @throws StartError when there is nothing to copy, the folder is there already, or it takes too long
 */
export async function takeSnapshot(context: NetworkContext | PlainContext, out?: string): Promise<SnapshotResult> {
  const { dataDir, topology, say } = context;
  const ledger = 'ledger' in context ? context.ledger : 'devledger';
  if (!existsSync(join(dataDir, 'consortium.json')))
    throw new StartError(`${dataDir} is no data folder of a network that was started once; name one with --data.`);
  const takenAt = new Date().toISOString();
  const folder = resolve(out ?? `${dataDir}-snapshot-${takenAt.replaceAll(/[:.]/g, '-')}`);
  if (existsSync(folder)) throw new StartError(`${folder} is there already; choose another folder with --out.`);
  const partial = `${folder}.partial`;
  const data = join(partial, SNAPSHOT_DATA);
  await rm(partial, { recursive: true, force: true });
  await mkdir(data, { recursive: true, mode: 0o700 });
  const { files: copied, pausedMs } = await copyMoment(context, data);
  await syncCopied(data, copied.keys());
  const files = await describe(data, copied);
  const heights = await heightsIn(data, ledger, topology);
  const { channel } = topology;
  const wasRunning = pausedMs !== undefined;
  const manifest: SnapshotManifest = { format: SNAPSHOT_FORMAT, takenAt, ledger, channel, wasRunning, heights, files };
  await writeFile(join(partial, MANIFEST_FILE), formatManifest(manifest), { mode: 0o600, flush: true });
  syncFolder(partial);
  await rename(partial, folder);
  syncFolder(dirname(folder));
  const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  say(
    `${files.length} files, ${(sizeBytes / 2 ** 20).toFixed(1)} MiB, in ${folder}; it holds keys: guard it as the data`,
  );
  return { folder, files: files.length, sizeBytes, heights, ...(pausedMs === undefined ? {} : { pausedMs }) };
}

interface CopiedMoment {
  readonly files: FileStates;
  readonly pausedMs: number | undefined;
}

async function copyMoment(
  { dataDir, say }: Pick<NetworkContext, 'dataDir' | 'say'>,
  to: string,
): Promise<CopiedMoment> {
  if (!isHeld(dataDir)) return copyStopped(dataDir, to);
  const pids = Object.values(runningProcesses(dataDir));
  if (pids.length === 0)
    throw new StartError(`A network is starting or stopping on ${dataDir}; try again when it is not.`);
  let files: FileStates = new Map();
  for (let pass = 0; pass < PASSES_BEFORE; pass += 1) files = await copyChanged(dataDir, to, files);
  const { result, frozenMs } = await whileFrozen(pids, (signal) => copyChanged(dataDir, to, files, signal));
  say(`the network stood still for ${frozenMs} ms`);
  return { files: result, pausedMs: frozenMs };
}

/** Nothing is started meanwhile. */
async function copyStopped(dataDir: string, to: string): Promise<CopiedMoment> {
  const lock = lockFolder(dataDir);
  if (lock === undefined) throw new StartError(`A network is just being started on ${dataDir}; try again in a moment.`);
  try {
    return { files: await copyChanged(dataDir, to), pausedMs: undefined };
  } finally {
    lock.release();
  }
}

async function describe(data: string, copied: FileStates): Promise<readonly SnapshotFile[]> {
  const files: SnapshotFile[] = [];
  for (const [path, { sizeBytes, mode }] of copied)
    files.push({ path, sizeBytes, sha256: await sha256Of(join(data, path)), mode });
  return files;
}

async function heightsIn(
  data: string,
  ledger: LedgerKind,
  { organisations, channel }: LedgerTopology,
): Promise<Record<string, number>> {
  const heights: Record<string, number> = {};
  for (const { mspId, peer } of organisations) {
    if (peer === undefined) continue;
    const embedded = blocksDirectory(join(data, 'ledger', 'peers', mspId));
    const directory = ledger === 'fabric' ? peerBlocksFolder(data, peer.host, channel) : embedded;
    if (!existsSync(directory)) continue;
    const place = { directory, owner: mspId };
    heights[mspId] =
      ledger === 'fabric'
        ? FabricBlockFiles.inspect(place).nextSequence
        : await FrameFiles.look(place, async ({ nextSequence }) => nextSequence);
  }
  return heights;
}
