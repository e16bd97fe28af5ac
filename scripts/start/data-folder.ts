import { accessSync, chmodSync, constants, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { replaceFile, syncDirectory } from '../../gateway/durable-files.js';
import type { FileLock } from '../../network/devledger/store/file-lock.js';
import { type Consensus, DEFAULT_CONSENSUS } from '../../network/topology.js';
import { lockFolder } from './folder-lock.js';
import type { LedgerKind } from './ledger-choice.js';
import { StartError } from './start-error.js';

/** The folder that holds all of one network, kept for this process. */
export interface DataFolder {
  readonly path: string;
  /** Whether the consortium's register is on the ledger. */
  readonly isFounded: boolean;
  /** Durable on return: the next start resumes instead of founding. */
  markFounded(): Promise<void>;
  release(): void;
}

const MARKER = 'consortium.json';
/** Counts the layouts of the folder. A start refuses those it does not know. */
const FORMAT = 1;
/** What a network that was founded cannot do without, beside its ledger. */
const PARTS = ['organizations', 'gateways'];
const LEDGER_FOLDERS: Readonly<Record<LedgerKind, string>> = { devledger: 'ledger', fabric: 'fabric' };

interface Marker {
  readonly format: number;
  readonly channel: string;
  readonly createdAt: string;
  readonly foundedAt?: string;
  /** The embedded one where left out. */
  readonly ledger?: LedgerKind;
  /** Of real Fabric; Raft where left out. */
  readonly consensus?: Consensus;
}

/** What the folder is to hold; which it does is written into it when it is made. */
interface WantedNetwork {
  readonly channel: string;
  readonly ledger: LedgerKind;
  readonly consensus: Consensus;
}

/**
 * Opens a data folder, or makes a new one, and says in one line what stands in the way.
 *
 * @param input.channel - what the network in the folder is called
 * @param input.ledger - the embedded one where left out
 * @param input.consensus - of real Fabric; Raft where left out
 * @throws StartError
 */
export async function openDataFolder(input: {
  path: string;
  channel: string;
  nowMs: number;
  ledger?: LedgerKind;
  consensus?: Consensus;
}): Promise<DataFolder> {
  const { path, channel, nowMs, ledger = 'devledger', consensus = DEFAULT_CONSENSUS } = input;
  const wanted = { channel, ledger, consensus };
  makeFolder(path);
  const lock = takeLock(path);
  try {
    const marker = readMarker(path) ?? (await newMarker(path, wanted, nowMs));
    requireUsable(path, marker, wanted);
    return {
      path,
      isFounded: marker.foundedAt !== undefined,
      markFounded: () => writeMarker(path, { ...marker, foundedAt: new Date().toISOString() }),
      release: () => lock.release(),
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/**
 * How the orderers of the network in the folder agree.
 *
 * @returns undefined when there is no network yet, or none with orderers that have to
 * @throws StartError when the folder is broken
 */
export function recordedConsensus(path: string): Consensus | undefined {
  const marker = readMarker(path);
  return marker?.ledger === 'fabric' ? (marker.consensus ?? DEFAULT_CONSENSUS) : undefined;
}

function makeFolder(path: string): void {
  try {
    if (existsSync(path) && !statSync(path).isDirectory())
      throw new StartError(`${path} is a file, not a folder; choose another one with --data.`);
    makeMissing(resolve(path));
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    if (cause instanceof StartError) throw cause;
    throw new StartError(
      `The data folder ${path} cannot be used (${reasonOf(cause)}); make it readable and writable, or choose another one with --data.`,
      { cause },
    );
  }
}

/** One by one: Node's recursive mkdir never returns where a file system, such as /proc, takes no folder and says ENOENT. */
function makeMissing(path: string): void {
  if (existsSync(path)) return;
  makeMissing(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}

function takeLock(path: string): FileLock {
  let lock: FileLock | undefined;
  try {
    lock = lockFolder(path);
  } catch (cause) {
    throw broken(path, `its lock file cannot be opened (${reasonOf(cause)})`, cause);
  }
  if (lock !== undefined) return lock;
  throw new StartError(
    `A network is running on the data folder ${path} already; stop it first, or choose another folder with --data.`,
  );
}

function readMarker(path: string): Marker | undefined {
  const file = join(path, MARKER);
  if (!existsSync(file)) return undefined;
  try {
    return parseMarker(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    throw broken(path, `${MARKER} is not readable (${reasonOf(cause)})`, cause);
  }
}

function parseMarker(value: unknown): Marker {
  const marker = value as Partial<Marker> | null;
  if (typeof marker?.format !== 'number' || typeof marker.channel !== 'string') throw new Error('fields are missing');
  return marker as Marker;
}

async function newMarker(path: string, wanted: WantedNetwork, nowMs: number): Promise<Marker> {
  const found = readdirSync(path).find((name) => !name.startsWith('start.lock') && !name.startsWith('.'));
  if (found !== undefined) {
    throw new StartError(
      `${path} is not a data folder of MedLedger: it holds ${found} and no ${MARKER}; choose an empty one with --data.`,
    );
  }
  // An empty folder that somebody made beforehand may be open to all; state and share files rely on it being closed.
  chmodSync(path, 0o700);
  const { channel, ledger, consensus } = wanted;
  const choice = ledger === 'fabric' ? { ledger, consensus } : { ledger };
  const marker = { format: FORMAT, channel, ...choice, createdAt: new Date(nowMs).toISOString() };
  await writeMarker(path, marker);
  return marker;
}

async function writeMarker(path: string, marker: Marker): Promise<void> {
  await replaceFile(join(path, MARKER), Buffer.from(`${JSON.stringify(marker, undefined, 2)}\n`), 0o644);
  await syncDirectory(path);
}

function requireUsable(path: string, marker: Marker, wanted: WantedNetwork): void {
  const { channel, ledger } = wanted;
  if (marker.format !== FORMAT || marker.channel !== channel) {
    throw new StartError(
      `${path} was made by another version (format ${marker.format}, channel ${marker.channel}; this one reads format ${FORMAT}, channel ${channel}); start that version, or choose another folder with --data.`,
    );
  }
  const made = marker.ledger ?? 'devledger';
  if (made !== ledger) {
    throw new StartError(
      `${path} holds a network on ${made}, not on ${ledger}; start it with --ledger ${made}, or choose another folder with --data.`,
    );
  }
  if (ledger === 'fabric') requireConsensus(path, marker.consensus ?? DEFAULT_CONSENSUS, wanted.consensus);
  if (marker.foundedAt === undefined) return;
  const missing = [...PARTS, LEDGER_FOLDERS[ledger]].find((part) => !existsSync(join(path, part)));
  if (missing !== undefined) throw broken(path, `its folder ${missing} is missing`);
}

/** @throws StartError when they differ: the channel records how its orderers agree */
export function requireConsensus(path: string, made: Consensus, wanted: Consensus): void {
  if (made === wanted) return;
  throw new StartError(
    `${path} holds a network whose orderers agree by ${made}, not by ${wanted}; start it with --consensus ${made}, or choose another folder with --data.`,
  );
}

function broken(path: string, what: string, cause?: unknown): StartError {
  return new StartError(
    `The data folder ${path} is broken: ${what}; restore it from a backup, or choose an empty folder with --data.`,
    { cause },
  );
}

function reasonOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'code' in error) return String(error.code);
  return error instanceof Error ? error.message : String(error);
}
