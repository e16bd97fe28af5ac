import { dirname, join } from 'node:path';
import { type FileSystem, makeDurableDirectory } from '../store/file-system.js';
import { FrameFiles } from '../store/frame-files.js';
import { HeightMark } from '../store/height-mark.js';
import { BlockCorruptError, StoreError } from '../store/ledger-errors.js';

export interface PendingEnvelope {
  /** Counts every envelope the orderer ever accepted, from 1. */
  readonly sequence: number;
  readonly envelope: Uint8Array;
}

interface Group {
  readonly frame: number;
  readonly lastSequence: number;
}

const SEGMENT_MAX_BYTES = 16 * 1024 * 1024;
/** A fully ordered segment below this share of the size is kept and written on: deleting it would cost more than it frees. */
const SEGMENT_KEEP_SHARE = 1 / 16;
const MARK_NAME = 'accepted';

export interface PendingPlace {
  readonly directory: string;
  readonly files: FileSystem;
  readonly onIncident: (sentence: string) => void;
  /** Default 16 MiB. */
  readonly segmentMaxBytes: number | undefined;
}

/**
 * Envelopes that were accepted but are not in a block yet. A group is one frame, so it is there as a whole or not at
 * all. One caller at a time.
 */
export class PendingLog {
  readonly #files: FrameFiles;
  /** Of the last envelope that was accepted: by it a group that was lost is told from one that was never finished. */
  readonly #mark: HeightMark;
  #marking: Promise<void> = Promise.resolve();
  readonly #keepBytes: number;
  #groups: Group[] = [];

  private constructor(parts: { readonly files: FrameFiles; readonly mark: HeightMark }, keepBytes: number) {
    this.#files = parts.files;
    this.#mark = parts.mark;
    this.#keepBytes = keepBytes;
  }

  /**
   * @param place - `onIncident` is told what was found damaged
   * @param orderedSequence - the last envelope that is in a block
   * @returns the log and what has still to be ordered, oldest first
   * @throws StoreError when an accepted envelope can no longer be read
   */
  static async open(
    place: PendingPlace,
    orderedSequence: number,
  ): Promise<{ log: PendingLog; pending: PendingEnvelope[] }> {
    await makeDurableDirectory(place.files, place.directory);
    const mark = await HeightMark.open(place.files, join(place.directory, MARK_NAME));
    const files = await openFrames(place, mark.height > orderedSequence ? mark.height : 0).catch(
      async (error: unknown) => {
        await mark.close();
        throw error;
      },
    );
    const { segmentMaxBytes = SEGMENT_MAX_BYTES } = place;
    const log = new PendingLog({ files, mark }, segmentMaxBytes * SEGMENT_KEEP_SHARE);
    const pending: PendingEnvelope[] = [];
    try {
      for (
        let frame = files.nextSequence - 1, nextFirst: number | undefined;
        frame >= files.firstSequence;
        frame -= 1
      ) {
        const group = await readGroup(
          files,
          frame,
          isOrdered(nextFirst, orderedSequence) ? place.onIncident : undefined,
        );
        log.#groups.unshift({ frame, lastSequence: group.at(-1)?.sequence ?? 0 });
        pending.unshift(...group.filter(({ sequence }) => sequence > orderedSequence));
        nextFirst = group[0]?.sequence ?? nextFirst;
      }
      await log.trim(orderedSequence);
    } catch (error) {
      await log.close();
      throw error;
    }
    return { log, pending };
  }

  /** Durable on return. */
  async append(envelopes: readonly PendingEnvelope[]): Promise<void> {
    const frame = this.#files.nextSequence;
    await this.#files.append(encodeGroup(envelopes));
    const lastSequence = envelopes.at(-1)?.sequence ?? 0;
    this.#groups.push({ frame, lastSequence });
    // Nobody waits for it: a mark that comes late is a lower bound still.
    this.#marking = this.#marking.then(() => this.#mark.set(lastSequence)).catch(() => undefined);
  }

  /** Lets go of what is in blocks. */
  async trim(orderedSequence: number): Promise<void> {
    const kept = this.#groups.findIndex(({ lastSequence }) => lastSequence > orderedSequence);
    this.#groups = kept === -1 ? [] : this.#groups.slice(kept);
    const allOrdered = this.#groups.length === 0;
    if (allOrdered && this.#files.activeBytes() > this.#keepBytes) await this.#files.rotate();
    await this.#files.dropBefore(this.#groups[0]?.frame ?? this.#files.nextSequence);
  }

  async close(): Promise<void> {
    await this.#marking;
    await this.#mark.close();
    await this.#files.close();
  }
}

/**
 * @param neededSequence - of an envelope that was accepted and has to be there; 0 where all are in blocks
 * @throws StoreError when it is not; nothing is changed then
 */
async function openFrames(
  { directory, files, segmentMaxBytes = SEGMENT_MAX_BYTES }: PendingPlace,
  neededSequence: number,
): Promise<FrameFiles> {
  const place = { directory, files, owner: 'orderer' };
  const newest = neededSequence === 0 ? 0 : await FrameFiles.look(place, newestSequence);
  if (newest < neededSequence) {
    throw lostEnvelopes(`The orderer's list of accepted transactions is damaged (the end of ${directory}).`, directory);
  }
  // What is not sound at the end by now was never accepted, or is in a block.
  const cut = { acknowledgedSequence: 0, cutUnsoundTail: true };
  return FrameFiles.open({ ...place, ...cut, fileSizeMaxBytes: segmentMaxBytes });
}

/** @returns sequence number of the last envelope that can be read; 0 where there is none */
async function newestSequence(files: FrameFiles): Promise<number> {
  for (let frame = files.nextSequence - 1; frame >= files.firstSequence; frame -= 1) {
    const sequence = (await readGroup(files, frame, () => undefined)).at(-1)?.sequence;
    if (sequence !== undefined) return sequence;
  }
  return 0;
}

function lostEnvelopes(damage: string, directory: string, cause?: unknown): StoreError {
  return new StoreError(
    `${damage} Transactions in it that were not ordered yet are lost: move the folder ${directory} away, start again, ` +
      'and let clients ask for the status of what they sent last.',
    { cause },
  );
}

/** Sequence number of the first envelope (8 bytes), then each envelope behind its length (4 bytes). */
function encodeGroup(envelopes: readonly PendingEnvelope[]): Buffer {
  const first = Buffer.alloc(8);
  first.writeBigUInt64BE(BigInt(envelopes[0]?.sequence ?? 0));
  return Buffer.concat([
    first,
    ...envelopes.flatMap(({ envelope }) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(envelope.length);
      return [length, envelope];
    }),
  ]);
}

/** Whether everything before an envelope is in a block. */
function isOrdered(nextFirst: number | undefined, orderedSequence: number): boolean {
  return nextFirst !== undefined && nextFirst - 1 <= orderedSequence;
}

/**
 * @param onDamage - given where nothing is lost with the group: all of it is in blocks
 */
async function readGroup(
  files: FrameFiles,
  frame: number,
  onDamage: ((sentence: string) => void) | undefined,
): Promise<PendingEnvelope[]> {
  try {
    const payload = await files.read(frame);
    return payload === undefined ? [] : decodeGroup(Buffer.from(payload.buffer, payload.byteOffset, payload.length));
  } catch (cause) {
    if (!(cause instanceof BlockCorruptError)) throw cause;
    const damage = `The orderer's list of accepted transactions is damaged (${cause.file}, byte ${cause.offsetBytes}).`;
    if (onDamage !== undefined) {
      onDamage(`${damage} All transactions in the damaged part are in blocks: nothing is lost.`);
      return [];
    }
    throw lostEnvelopes(damage, dirname(cause.file), cause);
  }
}

function decodeGroup(bytes: Buffer): PendingEnvelope[] {
  const first = Number(bytes.readBigUInt64BE(0));
  const envelopes: PendingEnvelope[] = [];
  let offset = 8;
  while (offset < bytes.length) {
    const length = bytes.readUInt32BE(offset);
    envelopes.push({
      sequence: first + envelopes.length,
      envelope: bytes.subarray(offset + 4, offset + 4 + length),
    });
    offset += 4 + length;
  }
  return envelopes;
}
