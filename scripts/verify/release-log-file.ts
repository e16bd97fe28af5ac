import { type FileHandle, open } from 'node:fs/promises';
import type { LoggedRelease, ReleaseEntry } from '../../gateway/custody/release-log.js';
import {
  decodeLine,
  FIRST_LINK_HEX,
  isTorn,
  type RawLine,
  readLines,
} from '../../gateway/custody/release-log-lines.js';
import { CustodyError } from '../../gateway/custody/custody-errors.js';

/** One line that is as it was written, or the first that is not: nothing behind that one can be trusted. */
export type ReadLine =
  | { readonly releases: readonly LoggedRelease[] }
  | { readonly fault: string; readonly offset: number };

/**
 * Reads a custodian's release log without opening it as its gateway does, which would cut a torn end off.
 *
 * @param untilBytes - lines that begin behind it were written after the check began and are left out
 */
export async function* readReleaseLog(file: string, untilBytes: number): AsyncGenerator<ReadLine> {
  const handle = await open(file, 'r');
  try {
    yield* readChained(handle, untilBytes);
  } catch (error) {
    // A line without an end: longer than any that is written.
    if (!(error instanceof CustodyError)) throw error;
    yield { fault: error.message, offset: 0 };
  } finally {
    await handle.close();
  }
}

async function* readChained(handle: FileHandle, untilBytes: number): AsyncGenerator<ReadLine> {
  let linkHex = FIRST_LINK_HEX;
  let nextSequence = 0;
  for await (const raw of readLines(handle)) {
    if (raw.offset >= untilBytes || isUnfinished(raw, untilBytes)) return;
    const line = decodeLine(linkHex, raw);
    const releases = line && parseReleases(line.payload, nextSequence);
    if (line === undefined || releases === undefined) return yield changedAt(raw);
    linkHex = line.linkHex;
    nextSequence += releases.length;
    yield { releases };
  }
}

/** A last line that a crash or this moment cut short was never acknowledged; nothing was released on it. */
function isUnfinished(raw: RawLine, untilBytes: number): boolean {
  const endBytes = raw.offset + raw.bytes.length + (raw.terminated ? 1 : 0);
  return endBytes >= untilBytes && isTorn(raw);
}

/** @returns undefined for a line that does not go on where the one before ended */
function parseReleases(payload: string, nextSequence: number): readonly LoggedRelease[] | undefined {
  // The link shows that a gateway wrote these bytes, so their inner shape is known.
  const line = JSON.parse(payload) as { first: number; entries: readonly ReleaseEntry[] };
  if (line.first !== nextSequence) return undefined;
  return line.entries.map((entry, index) => ({ ...entry, sequence: nextSequence + index }));
}

function changedAt({ offset }: RawLine): ReadLine {
  return { fault: `the line at byte ${offset} was changed`, offset };
}
