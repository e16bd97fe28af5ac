import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PUBLIC_FILE_MODE, replaceFile } from './identities/durable-file.js';
import type { Organisation, Topology } from './topology.js';

/** An organisation that came into the consortium while its network ran. */
export interface AddedOrganisation {
  readonly organisation: Organisation;
  /** `joining` until the consortium's register names it: till then it has a peer and no gateway. */
  readonly stage: 'joining' | 'serving';
  /** ISO 8601, UTC. */
  readonly addedAt: string;
}

const FORMAT = 1;

/** Gateways watch it: whoever joins is trusted by those that run. */
export function addedOrganisationsFile(dataDir: string): string {
  return join(dataDir, 'organisations.json');
}

/** The topology that a network was made with, and who has joined it since. */
export function withAddedOrganisations(topology: Topology, dataDir: string): Topology {
  const known = new Set(topology.organisations.map(({ mspId }) => mspId));
  const added = readAddedOrganisations(dataDir)
    .map(({ organisation }) => organisation)
    .filter(({ mspId }) => !known.has(mspId));
  return added.length === 0 ? topology : { ...topology, organisations: [...topology.organisations, ...added] };
}

/**
 * @returns in the order in which they came
 * @throws Error with a sentence when the file is there and cannot be read
 */
export function readAddedOrganisations(dataDir: string): readonly AddedOrganisation[] {
  const path = addedOrganisationsFile(dataDir);
  if (!existsSync(path)) return [];
  try {
    return parseAdded(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new Error(`${path} is not readable; restore it from a backup.`, { cause });
  }
}

/** Writes an organisation down, or its new stage. Durable on return. */
export function writeAddedOrganisation(dataDir: string, added: AddedOrganisation): void {
  const { mspId } = added.organisation;
  const others = readAddedOrganisations(dataDir).filter(({ organisation }) => organisation.mspId !== mspId);
  const record = { format: FORMAT, organisations: [...others, added] };
  replaceFile(addedOrganisationsFile(dataDir), `${JSON.stringify(record, undefined, 2)}\n`, PUBLIC_FILE_MODE);
}

function parseAdded(value: unknown): readonly AddedOrganisation[] {
  const { format, organisations } = value as { format?: number; organisations?: AddedOrganisation[] };
  if (format !== FORMAT || !Array.isArray(organisations)) throw new Error('it is of another format');
  return organisations;
}
