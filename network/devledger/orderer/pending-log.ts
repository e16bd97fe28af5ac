import type { FileSystem } from '../store/file-system.js';
import { FrameFiles } from '../store/frame-files.js';
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
/** A fully ordered segment below this size is kept and written on: deleting it would cost more than it frees. */
const SEGMENT_KEEP_BYTES = 1024 * 1024;

export interface PendingPlace {
  readonly directory: string;
  readonly files: FileSystem;
  readonly onIncident: (sentence: string) => void;
}

/**
 * Envelopes that were accepted but are not in a block yet. A group is one frame, so it is there as a whole or not at
 * all. One caller at a time.
 */
export class PendingLog {
  readonly #files: FrameFiles;
  #groups: Group[] = [];

  private constructor(files: FrameFiles) {
    this.#files = files;
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
    const files = await FrameFiles.open({
      directory: place.directory,
      files: place.files,
      owner: 'orderer',
      fileSizeMaxBytes: SEGMENT_MAX_BYTES,
      acknowledgedSequence: 0,
      // A group at the end that is complete may have been acknowledged: it is never taken for a torn write.
      cutUnsoundTail: false,
    });
    const log = new PendingLog(files);
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
      await files.close();
      throw error;
    }
    return { log, pending };
  }

  /** Durable on return. */
  async append(envelopes: readonly PendingEnvelope[]): Promise<void> {
    const frame = this.#files.nextSequence;
    await this.#files.append(encodeGroup(envelopes));
    this.#groups.push({ frame, lastSequence: envelopes.at(-1)?.sequence ?? 0 });
  }

  /** Lets go of what is in blocks. */
  async trim(orderedSequence: number): Promise<void> {
    const kept = this.#groups.findIndex(({ lastSequence }) => lastSequence > orderedSequence);
    this.#groups = kept === -1 ? [] : this.#groups.slice(kept);
    const allOrdered = this.#groups.length === 0;
    if (allOrdered && this.#files.activeBytes() > SEGMENT_KEEP_BYTES) await this.#files.rotate();
    await this.#files.dropBefore(this.#groups[0]?.frame ?? this.#files.nextSequence);
  }

  close(): Promise<void> {
    return this.#files.close();
  }
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
    throw new StoreError(
      `${damage} Transactions in it that were not ordered yet are lost: move this file away, start again, and let ` +
        'clients ask for the status of what they sent last.',
      { cause },
    );
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
