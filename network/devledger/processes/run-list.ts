import { createHash } from 'node:crypto';
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
    const chaincodes = this.entries();
    const text = JSON.stringify({ digest: digestOf(chaincodes), chaincodes }, undefined, 2);
    replaceFile(this.#path, `${text}\n`, PRIVATE_FILE_MODE);
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

/** A list from before there was a digest is taken as it is. */
function parseEntries(value: unknown): RunEntry[] {
  if (Array.isArray(value)) return value as RunEntry[];
  const { digest, chaincodes } = value as { digest: string; chaincodes: RunEntry[] };
  if (digest !== digestOf(chaincodes)) throw new Error('it does not match its digest');
  return chaincodes;
}

function digestOf(chaincodes: readonly RunEntry[]): string {
  return createHash('sha256')
    .update(`devledger-chaincodes\n${JSON.stringify(chaincodes)}`)
    .digest('hex');
}
