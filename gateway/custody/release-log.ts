import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createDirectory, replaceFile, syncDirectory } from '../durable-files.js';
import { CustodyError } from './custody-errors.js';
import type { StatementSeen } from './evidence-case.js';
import {
  corruptLine,
  decodeLine,
  encodeLine,
  FIRST_LINK_HEX,
  isTorn,
  LINE_SIZE_BYTES_MAX,
  type RawLine,
  readLines,
} from './release-log-lines.js';

const ENTRIES_PER_LINE_MAX = 256;
const ENTRY_SIZE_BYTES_MAX = LINE_SIZE_BYTES_MAX / 4;

/** What a custodian writes down before it lets one share go. Who asked, and for what, stands in the transaction. */
export type ReleaseEntry = {
  readonly transactionId: string;
  readonly recordId: string;
  readonly version: number;
  readonly timeMs: number;
  /** The signed statements that the release rests on, in the versions that were checked. */
  readonly statements?: readonly StatementSeen[];
  /** Nothing was let go, for this reason: the entry notes that these versions were seen. */
  readonly refusedAs?: string;
};

export type LoggedRelease = ReleaseEntry & { readonly sequence: number };

/** What a crash had left of a line that was never acknowledged, cut off when the log was opened. */
export type CutTail = { readonly offset: number; readonly sizeBytes: number; readonly keptAs: string };

type Waiting = { entry: ReleaseEntry; resolve: () => void; reject: (error: unknown) => void };

/**
 * A custodian's log of releases: one file, appended to, each line chained to the one before.
 *
 * Appending is durable on return and safe from many places at once: what waits is written and synced together.
 * After a failed write the log takes nothing more until it is opened again, because what reached the disk is unknown.
 */
export class ReleaseLog {
  /** Undefined when the log ended in a whole line. */
  readonly cutTail: CutTail | undefined;
  readonly #file: string;
  readonly #handle: FileHandle;
  readonly #highestVersions: Map<string, number>;
  readonly #waiting: Waiting[] = [];
  #linkHex: string;
  #nextSequence: number;
  #writing: Promise<void> | undefined;
  #failure: unknown;

  /**
   * Opens, or creates, a log and checks all of it.
   *
   * @throws CustodyError STORE_CORRUPT naming the place of the first line that was changed
   */
  static async open(file: string): Promise<ReleaseLog> {
    await createDirectory(dirname(file));
    const handle = await open(file, 'a+', 0o600);
    try {
      const checked = await checkLog(file, handle);
      await syncDirectory(dirname(file));
      return new ReleaseLog(file, handle, checked);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  private constructor(file: string, handle: FileHandle, checked: CheckedLog) {
    this.#file = file;
    this.#handle = handle;
    this.#highestVersions = checked.highestVersions;
    this.#linkHex = checked.linkHex;
    this.#nextSequence = checked.nextSequence;
    this.cutTail = checked.cutTail;
  }

  /**
   * Returns when the entry is durable.
   *
   * @throws CustodyError STORE_CORRUPT after an earlier write failed
   */
  append(entry: ReleaseEntry): Promise<void> {
    if (Buffer.byteLength(JSON.stringify(entry)) > ENTRY_SIZE_BYTES_MAX) {
      return Promise.reject(new RangeError(`A release has at most ${ENTRY_SIZE_BYTES_MAX} bytes: split it`));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entry, resolve, reject });
      this.#writing ??= this.#writeWaiting();
    });
  }

  /** The highest version of a signed statement that a release or a refusal has rested on; 0 when there was none. */
  highestVersionSeen(statementId: string): number {
    return this.#highestVersions.get(statementId) ?? 0;
  }

  /** Sequence of the next entry and link of the last line: what a checkpoint of this log holds. */
  get head(): { nextSequence: number; linkHex: string } {
    return { nextSequence: this.#nextSequence, linkHex: this.#linkHex };
  }

  /** All entries from the first, read from the file and checked on the way. */
  async *entries(): AsyncGenerator<LoggedRelease> {
    const handle = await open(this.#file, 'r');
    try {
      const upTo = this.#nextSequence;
      for await (const { entries } of checkedLines(handle)) {
        for (const entry of entries) if (entry.sequence < upTo) yield entry;
        if ((entries.at(-1)?.sequence ?? 0) >= upTo - 1) return;
      }
    } finally {
      await handle.close();
    }
  }

  /** Waits for what was appended, then lets go of the file. */
  async close(): Promise<void> {
    await this.#writing;
    await this.#handle.close();
  }

  async #writeWaiting(): Promise<void> {
    // One turn later whatever was appended in this turn shares the first sync.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = this.#takeGroup();
      try {
        if (this.#failure !== undefined) throw this.#failure;
        await this.#writeGroup(group);
      } catch (cause) {
        this.#failure = cause;
        const message = 'The release log could not be written: free its disk and restart the gateway';
        for (const { reject } of group) reject(new CustodyError('STORE_CORRUPT', message, { cause }));
      }
    }
    this.#writing = undefined;
  }

  #takeGroup(): Waiting[] {
    let count = 0;
    let sizeBytes = 0;
    for (const { entry } of this.#waiting.slice(0, ENTRIES_PER_LINE_MAX)) {
      sizeBytes += Buffer.byteLength(JSON.stringify(entry));
      if (count > 0 && sizeBytes > LINE_SIZE_BYTES_MAX / 2) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #writeGroup(group: readonly Waiting[]): Promise<void> {
    const first = this.#nextSequence;
    const payload = JSON.stringify({ first, entries: group.map(({ entry }) => entry) });
    const { line, linkHex } = encodeLine(this.#linkHex, payload);
    await this.#handle.appendFile(line);
    await this.#handle.datasync();
    this.#linkHex = linkHex;
    this.#nextSequence += group.length;
    for (const { entry, resolve } of group) {
      noteVersions(this.#highestVersions, entry);
      resolve();
    }
  }
}

type CheckedLog = {
  readonly highestVersions: Map<string, number>;
  readonly linkHex: string;
  readonly nextSequence: number;
  readonly cutTail: CutTail | undefined;
};

async function checkLog(file: string, handle: FileHandle): Promise<CheckedLog> {
  const highestVersions = new Map<string, number>();
  let linkHex = FIRST_LINK_HEX;
  let nextSequence = 0;
  let torn: RawLine | undefined;
  for await (const line of checkedLines(handle, (raw) => (torn = raw))) {
    for (const entry of line.entries) noteVersions(highestVersions, entry);
    linkHex = line.linkHex;
    nextSequence += line.entries.length;
  }
  return { highestVersions, linkHex, nextSequence, cutTail: torn && (await cutOff(file, handle, torn)) };
}

/**
 * The lines of a log, checked. A bad line that is followed by another was acknowledged once, since a line is only
 * begun after the one before was synced; only a bad last line can be torn.
 */
async function* checkedLines(
  handle: FileHandle,
  onTorn?: (raw: RawLine) => void,
): AsyncGenerator<{ entries: LoggedRelease[]; linkHex: string }> {
  let linkHex = FIRST_LINK_HEX;
  let nextSequence = 0;
  let bad: RawLine | undefined;
  for await (const raw of readLines(handle)) {
    if (bad !== undefined) throw corruptLine(bad.offset);
    const line = decodeLine(linkHex, raw);
    if (line === undefined) {
      bad = raw;
      continue;
    }
    const entries = parseEntries(line.payload, nextSequence, raw.offset);
    linkHex = line.linkHex;
    nextSequence += entries.length;
    yield { entries, linkHex };
  }
  if (bad === undefined) return;
  if (onTorn === undefined || !isTorn(bad)) throw corruptLine(bad.offset);
  onTorn(bad);
}

function parseEntries(payload: string, nextSequence: number, offset: number): LoggedRelease[] {
  // The link shows that this process or an earlier one wrote these bytes, so their inner shape is known.
  const line = JSON.parse(payload) as { first: number; entries: ReleaseEntry[] };
  if (line.first !== nextSequence) throw corruptLine(offset);
  return line.entries.map((entry, index) => ({ ...entry, sequence: nextSequence + index }));
}

async function cutOff(file: string, handle: FileHandle, torn: RawLine): Promise<CutTail> {
  // It was never acknowledged, but it is kept: whoever reads the log can see what was cut.
  const keptAs = `${file}.cut-${torn.offset}`;
  await replaceFile(keptAs, torn.bytes);
  await handle.truncate(torn.offset);
  await handle.sync();
  return { offset: torn.offset, sizeBytes: torn.bytes.length, keptAs };
}

function noteVersions(highestVersions: Map<string, number>, entry: ReleaseEntry): void {
  for (const { id, version } of entry.statements ?? [])
    highestVersions.set(id, Math.max(version, highestVersions.get(id) ?? 0));
}
