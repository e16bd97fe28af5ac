import type { FileSystem } from '../file-system.js';
import { writeManifest } from './manifest.js';
import type { Table } from './table.js';

/** Which tables there are, as the manifest says, and which number the next one gets. One caller at a time. */
export class TableCatalogue {
  readonly #files: FileSystem;
  readonly #directory: string;
  #nextNumber: number;
  /** Of tables that were written and could not be put into the manifest. */
  readonly #spareNumbers: number[] = [];

  constructor(files: FileSystem, directory: string, nextNumber: number) {
    this.#files = files;
    this.#directory = directory;
    this.#nextNumber = nextNumber;
  }

  takeNumber(): number {
    const number = this.#spareNumbers.pop() ?? this.#nextNumber;
    this.#nextNumber = Math.max(this.#nextNumber, number + 1);
    return number;
  }

  /**
   * Durable on return.
   *
   * @param written - of the tables the one that is new, if one is; closed when it could not be put into the manifest
   */
  async write(tables: readonly Table[], written: Table | undefined): Promise<void> {
    const descriptions = tables.map(({ description }) => description);
    try {
      await writeManifest(this.#files, this.#directory, { tables: descriptions, nextNumber: this.#nextNumber });
    } catch (error) {
      // Its file stays: should the manifest have been replaced all the same, it names that file.
      if (written !== undefined) this.#spareNumbers.push(written.description.number);
      await written?.close();
      throw error;
    }
  }
}
