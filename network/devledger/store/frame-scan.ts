import { readPossible, type StoredFile } from './file-system.js';
import { FRAME_HEADER_BYTES, findFrameHeader, readFrameHeader } from './frame.js';

/** Where the frames of one file stand; payloads were not looked at. */
export interface FrameScan {
  /** Offset of each frame from the file's first sequence number on; the last one ends at `endBytes`. */
  readonly offsets: readonly number[];
  /** Sequence numbers whose header is unreadable although later frames follow. */
  readonly damaged: readonly number[];
  /** Behind the last complete frame. What lies beyond is a write that never finished. */
  readonly endBytes: number;
}

const SEARCH_CHUNK_BYTES = 1024 * 1024;

/**
 * Walks from header to header. A header that cannot be read is stepped over by searching for the next one, so that
 * one flipped byte costs one frame and not the rest of the file.
 *
 * @param firstSequence - sequence number of the first frame in the file
 */
export function scanFrames(file: StoredFile, sizeBytes: number, firstSequence: number): FrameScan {
  const offsets: number[] = [];
  const damaged: number[] = [];
  let position = 0;
  while (position < sizeBytes) {
    const sequence = firstSequence + offsets.length;
    const end = frameEnd(file, position, sequence);
    if (end !== undefined && end > sizeBytes) break;
    if (end !== undefined) {
      offsets.push(position);
      position = end;
      continue;
    }
    const next = findLaterFrame(file, position + 1, sizeBytes, sequence);
    if (next === undefined) break;
    for (let lost = sequence; lost < next.sequence; lost += 1) {
      offsets.push(position);
      damaged.push(lost);
    }
    position = next.offset;
  }
  return { offsets, damaged, endBytes: position };
}

function frameEnd(file: StoredFile, position: number, sequence: number): number | undefined {
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES);
  if (readPossible(file, bytes, position) < FRAME_HEADER_BYTES) return undefined;
  const header = readFrameHeader(bytes);
  if (header === undefined || header.sequence !== sequence) return undefined;
  return position + FRAME_HEADER_BYTES + header.payloadBytes;
}

function findLaterFrame(
  file: StoredFile,
  from: number,
  sizeBytes: number,
  afterSequence: number,
): { offset: number; sequence: number } | undefined {
  // Chunks overlap by one header, so that none is missed at a border.
  for (let start = from; start < sizeBytes; start += SEARCH_CHUNK_BYTES) {
    const chunk = Buffer.alloc(Math.min(SEARCH_CHUNK_BYTES + FRAME_HEADER_BYTES, sizeBytes - start));
    readPossible(file, chunk, start);
    let at = findFrameHeader(chunk, 0);
    while (at !== -1) {
      const header = readFrameHeader(chunk, at);
      // More lost frames than fit into the gap: this is payload that looks like a header.
      const lostMax = 1 + Math.floor((start + at - from) / FRAME_HEADER_BYTES);
      const lost = header === undefined ? 0 : header.sequence - afterSequence;
      if (header !== undefined && lost > 0 && lost <= lostMax) return { offset: start + at, sequence: header.sequence };
      at = findFrameHeader(chunk, at + 1);
    }
  }
  return undefined;
}
