import { WHOLE_LANE_CHECK_ENTRIES_MAX } from '../limits.js';
import { bytesToHex, hexToBytes } from '../bytes.js';
import { accumulate, isWellFormed, leafHash, rootOf } from './accumulator.js';
import { isIntact, type LaneEntry } from './entry.js';
import type { LaneHead } from './head.js';

/**
 * Which earlier entries a write looks at: all of a short lane, else the last one and one adjacent pair that the new
 * entry hash chooses. Nobody knows the choice before the puzzle is solved.
 *
 * @param entryHashHex - of the new entry
 * @returns sequences in ascending order
 */
export function sequencesToCheck(entryCount: number, entryHashHex: string): readonly number[] {
  if (entryCount <= WHOLE_LANE_CHECK_ENTRIES_MAX) return Array.from({ length: entryCount }, (_, sequence) => sequence);
  const older = Number(BigInt(`0x${entryHashHex}`) % BigInt(entryCount - 2));
  return [older, older + 1, entryCount - 1];
}

export type HistoryFault = { readonly sequence: number; readonly reason: 'missing' | 'changed' | 'unlinked' | 'head' };

/**
 * Recomputes hash, proof and link of the loaded entries, their adjacency, and that the head stands on the last one
 * and, as far as these entries tell, on the peaks over all of them.
 *
 * @param entries - by sequence, as stored; undefined where nothing is stored
 * @returns the first fault, or undefined
 */
export function findHistoryFault(
  head: LaneHead,
  entries: ReadonlyMap<number, LaneEntry | undefined>,
): HistoryFault | undefined {
  if (!isWellFormed({ leafCount: head.sequence, peaks: head.peaks })) return headFault(head);
  for (const [sequence, entry] of entries) {
    const reason = entryFault(sequence, entry, entries.get(sequence - 1));
    if (reason !== undefined) return { sequence, reason };
  }
  return head.sequence === 0 || standsOnLast(head, entries) ? undefined : headFault(head);
}

function standsOnLast(head: LaneHead, entries: ReadonlyMap<number, LaneEntry | undefined>): boolean {
  const last = entries.get(head.sequence - 1);
  if (last === undefined) return false;
  return last.link === head.previous && last.timeMs === head.timeMs && peaksFit(head, last, entries);
}

/**
 * The peaks of a lane that was loaded whole are built again. Those of a longer one can be compared with the root in
 * the last entry where that entry's leaf stands alone, which is so for every other count.
 */
function peaksFit(head: LaneHead, last: LaneEntry, entries: ReadonlyMap<number, LaneEntry | undefined>): boolean {
  if (entries.size === head.sequence) return rebuiltPeaks(entries).join() === head.peaks.join();
  if (head.sequence % 2 === 0) return true;
  const before = rootOf({ leafCount: head.sequence - 1, peaks: head.peaks.slice(0, -1) });
  return before === last.root && head.peaks.at(-1) === bytesToHex(leafHash(hexToBytes(last.link)));
}

function rebuiltPeaks(entries: ReadonlyMap<number, LaneEntry | undefined>): readonly string[] {
  const links = Array.from({ length: entries.size }, (_, sequence) => entries.get(sequence)?.link ?? '');
  return accumulate(links.map(hexToBytes)).peaks;
}

function headFault(head: LaneHead): HistoryFault {
  return { sequence: head.sequence - 1, reason: 'head' };
}

function entryFault(
  sequence: number,
  entry: LaneEntry | undefined,
  before: LaneEntry | undefined,
): HistoryFault['reason'] | undefined {
  if (entry === undefined) return 'missing';
  if (entry.sequence !== sequence || !isIntact(entry)) return 'changed';
  return before !== undefined && entry.previous !== before.link ? 'unlinked' : undefined;
}
