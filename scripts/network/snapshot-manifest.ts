import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { LEDGER_KINDS, type LedgerKind } from '../start/ledger-choice.js';
import { StartError } from '../start/start-error.js';
import { filesOf } from './copied-files.js';

/** One file of a snapshot. */
export interface SnapshotFile {
  /** Within the data folder. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Hex. */
  readonly sha256: string;
  /** Permission bits. */
  readonly mode: number;
}

/** What a snapshot says of itself. */
export interface SnapshotManifest {
  readonly format: number;
  readonly takenAt: string;
  readonly ledger: LedgerKind;
  readonly channel: string;
  /** Whether the network ran and stood still for a moment. */
  readonly wasRunning: boolean;
  /** Number of blocks, by MSP id of the peer. */
  readonly heights: Readonly<Record<string, number>>;
  readonly files: readonly SnapshotFile[];
}

export const MANIFEST_FILE = 'manifest.json';
/** Below it lies the data folder as it was. */
export const SNAPSHOT_DATA = 'data';
export const SNAPSHOT_FORMAT = 1;

/** @returns the manifest with a digest over all it says, as text of the file */
export function formatManifest(manifest: SnapshotManifest): string {
  return `${JSON.stringify({ ...manifest, digest: digestOf(manifest) }, undefined, 2)}\n`;
}

/**
 * Reads a snapshot's manifest and every file that it names.
 *
 * @throws StartError with what is wrong with the snapshot
 */
export async function readWholeSnapshot(folder: string): Promise<SnapshotManifest> {
  const manifest = readManifest(folder);
  const data = join(folder, SNAPSHOT_DATA);
  const found = await filesOf(data);
  const named = new Map(manifest.files.map((file) => [file.path, file]));
  for (const path of found.keys())
    if (!named.has(path)) throw damaged(folder, `it holds ${path}, which its manifest does not name`);
  for (const [path, { sizeBytes, sha256 }] of named) {
    const state = found.get(path);
    if (state === undefined) throw damaged(folder, `${path} is missing`);
    if (state.sizeBytes !== sizeBytes || (await sha256Of(join(data, path))) !== sha256)
      throw damaged(folder, `${path} is not what was put there`);
  }
  return manifest;
}

export async function sha256Of(file: string): Promise<string> {
  const digest = createHash('sha256');
  await pipeline(createReadStream(file), digest);
  return digest.digest('hex');
}

function readManifest(folder: string): SnapshotManifest {
  const file = join(folder, MANIFEST_FILE);
  if (!existsSync(file))
    throw new StartError(`${folder} is no snapshot: it has no ${MANIFEST_FILE}; name a folder that snapshot made.`);
  const { digest, manifest } = parseManifest(folder, readFileSync(file, 'utf8'));
  if (manifest.format !== SNAPSHOT_FORMAT)
    throw new StartError(
      `${folder} was made by another version (format ${manifest.format}; this one reads ${SNAPSHOT_FORMAT}); restore it with that version.`,
    );
  if (digest !== digestOf(manifest)) throw damaged(folder, `its ${MANIFEST_FILE} was changed`);
  return manifest;
}

function parseManifest(folder: string, text: string): { digest: unknown; manifest: SnapshotManifest } {
  try {
    const { digest, ...manifest } = JSON.parse(text) as SnapshotManifest & { digest: unknown };
    const isManifest =
      typeof manifest.format === 'number' && Array.isArray(manifest.files) && LEDGER_KINDS.includes(manifest.ledger);
    if (!isManifest) throw new Error('fields are missing');
    return { digest, manifest };
  } catch (cause) {
    throw damaged(folder, `its ${MANIFEST_FILE} cannot be read`, cause);
  }
}

function digestOf(manifest: SnapshotManifest): string {
  return createHash('sha256').update(JSON.stringify(manifest)).digest('hex');
}

function damaged(folder: string, what: string, cause?: unknown): StartError {
  return new StartError(`The snapshot ${folder} is damaged: ${what}; nothing was restored. Use another one.`, {
    cause,
  });
}
