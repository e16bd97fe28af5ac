import { existsSync, readFileSync } from 'node:fs';
import { PRIVATE_FILE_MODE, replaceFile } from '../../identities/durable-file.js';
import type { ChaincodeEntry } from '../../topology.js';
import type { ServiceConnection } from '../chaincode/service-connection.js';
import { DefinitionError } from '../definition/definition-error.js';

/** A chaincode as it was deployed, with what was in the files that it named then. */
export interface RunEntry extends ChaincodeEntry {
  readonly service?: ServiceConnection;
}

/** How the deployed chaincodes are run, by name; kept over restarts. What they may do is in the definitions. */
export class RunList {
  readonly #path: string;
  readonly #entries: Map<string, RunEntry>;

  /** @throws DefinitionError DEFINITIONS_UNREADABLE */
  constructor(path: string) {
    this.#path = path;
    const entries = existsSync(path) ? readEntries(path) : [];
    this.#entries = new Map(entries.map((entry) => [entry.name, entry]));
  }

  entries(): readonly RunEntry[] {
    return [...this.#entries.values()];
  }

  /** Durable on return. */
  set(entry: RunEntry): void {
    this.#entries.set(entry.name, entry);
    replaceFile(this.#path, `${JSON.stringify(this.entries(), undefined, 2)}\n`, PRIVATE_FILE_MODE);
  }
}

function readEntries(path: string): RunEntry[] {
  try {
    return parseEntries(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new DefinitionError(
      'DEFINITIONS_UNREADABLE',
      `${path} cannot be read (${String(cause)}); remove it and deploy the chaincodes again.`,
      { cause },
    );
  }
}

function parseEntries(value: unknown): RunEntry[] {
  return value as RunEntry[];
}
