import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { replaceFile, syncDirectory } from '../../gateway/durable-files.js';
import { StartError } from '../start/start-error.js';

/** How far the seeding of one patient has come. */
export interface PatientNote {
  /** Name of the bundle, without its ending. */
  readonly bundle: string;
  readonly mspId: string;
  /** Chosen before the sign-up, so that a sign-up whose answer was lost can be asked for again. */
  readonly password: string;
  readonly patientId?: string;
  readonly entries?: number;
  /** Names of the demonstration's grants that are given. */
  readonly grants: readonly string[];
}

interface Notes {
  /** Part of every Idempotency-Key: another data folder is another seeding. */
  readonly seedId: string;
  readonly isDone: boolean;
  readonly patients: readonly PatientNote[];
}

const NOTES_FILE = 'seed.json';

/** What the seeding has done, in `seed.json`; every change is on disk when it resolves. */
export class SeedNotes {
  readonly #path: string;
  #notes: Notes;
  #writing: Promise<void> = Promise.resolve();

  /**
   * @param first - the notes of a seeding that has not begun
   * @throws StartError when the file is there and not readable
   */
  constructor(dataDir: string, first: () => Pick<Notes, 'seedId' | 'patients'>) {
    this.#path = join(dataDir, NOTES_FILE);
    this.#notes = existsSync(this.#path) ? readNotes(this.#path) : { ...first(), isDone: false };
  }

  get seedId(): string {
    return this.#notes.seedId;
  }

  get isDone(): boolean {
    return this.#notes.isDone;
  }

  get patients(): readonly PatientNote[] {
    return this.#notes.patients;
  }

  patient(bundle: string): PatientNote {
    const found = this.#notes.patients.find((note) => note.bundle === bundle);
    if (found === undefined) throw new Error(`invariant failed: no note for ${bundle}`);
    return found;
  }

  begin(): Promise<void> {
    return this.#write(this.#notes);
  }

  update(bundle: string, change: Partial<PatientNote>): Promise<void> {
    const patients = this.#notes.patients.map((note) => (note.bundle === bundle ? { ...note, ...change } : note));
    return this.#write({ ...this.#notes, patients });
  }

  finish(): Promise<void> {
    return this.#write({ ...this.#notes, isDone: true });
  }

  #write(notes: Notes): Promise<void> {
    this.#notes = notes;
    this.#writing = this.#writing.then(async () => {
      await replaceFile(this.#path, Buffer.from(`${JSON.stringify(this.#notes, undefined, 2)}\n`));
      await syncDirectory(dirname(this.#path));
    });
    return this.#writing;
  }
}

function readNotes(path: string): Notes {
  try {
    return parseNotes(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new StartError(`${path} is not readable; restore it from a backup, or start with --no-seed.`, { cause });
  }
}

function parseNotes(value: unknown): Notes {
  const notes = value as Partial<Notes> | null;
  if (typeof notes?.seedId !== 'string' || !Array.isArray(notes.patients)) throw new Error('fields are missing');
  return notes as Notes;
}
