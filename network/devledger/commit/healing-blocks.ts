import type { FrameFiles, FramePlace } from '../store/frame-files.js';
import { BlockCorruptError } from '../store/ledger-errors.js';
import { BlockDonors, type DonorOptions } from './block-donors.js';

/** Blocks as their owner reads and writes them. */
export type Blocks = Pick<FrameFiles, 'append' | 'close' | 'nextSequence' | 'place' | 'read'>;

/** The blocks of one owner. One that is found damaged is replaced by a copy of another peer's whose hashes fit. */
export class HealingBlocks implements Blocks {
  readonly #files: FrameFiles;
  readonly #donors: DonorOptions;
  readonly #onIncident: (sentence: string) => void;

  constructor(files: FrameFiles, options: { donors: DonorOptions; onIncident: (sentence: string) => void }) {
    this.#files = files;
    this.#donors = options.donors;
    this.#onIncident = options.onIncident;
  }

  get nextSequence(): number {
    return this.#files.nextSequence;
  }

  place(sequence: number): FramePlace | undefined {
    return this.#files.place(sequence);
  }

  append(payload: Uint8Array, onWritten?: () => void): Promise<void> {
    return this.#files.append(payload, onWritten);
  }

  /**
   * @returns undefined when no such block was ever written
   * @throws BlockCorruptError when nobody has a copy that fits
   */
  async read(sequence: number): Promise<Uint8Array | undefined> {
    try {
      return await this.#files.read(sequence);
    } catch (error) {
      if (!(error instanceof BlockCorruptError)) throw error;
      await this.#heal(sequence, error);
      return this.#files.read(sequence);
    }
  }

  close(): Promise<void> {
    return this.#files.close();
  }

  async #heal(sequence: number, cause: BlockCorruptError): Promise<void> {
    const donors = await BlockDonors.open(this.#donors);
    try {
      const aside = await this.#files.repair(sequence, (lost, own) => donors.give(lost, own));
      if (aside === undefined) return;
      this.#onIncident(`${cause.message} It was taken from another peer; the damaged file is in ${aside}.`);
    } finally {
      await donors.close();
    }
  }
}
