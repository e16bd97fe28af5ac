import { rootOf } from './accumulator.js';
import { isIntact, type LaneEntry } from './entry.js';
import { difficultyFor, extendHead, firstHead, type LaneHead } from './head.js';
import type { HistoryFault } from './history-check.js';

export type WalkFault = {
  readonly sequence: number;
  readonly reason: HistoryFault['reason'] | 'root' | 'difficulty' | 'time' | 'unreadable';
};

/** A full verification of one lane, entry by entry; it can stop and go on from its last `head`. */
export type Walk = { readonly ok: true; readonly head: LaneHead } | { readonly ok: false; readonly fault: WalkFault };

export function startWalk(genesis: string): Walk {
  return { ok: true, head: firstHead(genesis) };
}

/** Checks one entry against everything before it, and steps onto it. */
export function stepWalk(walk: Walk, entry: LaneEntry, targetIntervalMs: number): Walk {
  if (!walk.ok) return walk;
  const { head } = walk;
  const reason = faultOf(head, entry);
  if (reason !== undefined) return { ok: false, fault: { sequence: head.sequence, reason } };
  return { ok: true, head: extendHead(head, entry, targetIntervalMs) };
}

/** The stored head must be the one that the walk arrives at. */
export function endWalk(walk: Walk, stored: LaneHead): Walk {
  if (!walk.ok) return walk;
  const { head } = walk;
  const same =
    head.sequence === stored.sequence &&
    head.previous === stored.previous &&
    head.difficulty === stored.difficulty &&
    head.timeMs === stored.timeMs &&
    head.windowStartMs === stored.windowStartMs &&
    head.peaks.join() === stored.peaks.join();
  return same ? walk : { ok: false, fault: { sequence: Math.min(head.sequence, stored.sequence), reason: 'head' } };
}

function faultOf(head: LaneHead, entry: LaneEntry): WalkFault['reason'] | undefined {
  if (entry.sequence !== head.sequence) return 'missing';
  if (!isIntact(entry)) return 'changed';
  if (entry.previous !== head.previous) return 'unlinked';
  if (entry.root !== rootOf({ leafCount: head.sequence, peaks: head.peaks })) return 'root';
  if (entry.difficulty !== difficultyFor(entry.transaction, head.difficulty)) return 'difficulty';
  return entry.timeMs < head.timeMs ? 'time' : undefined;
}
