import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { appendDurably, PRIVATE_FILE_MODE, syncFolder } from './durable-file.js';
import { unreadable } from './identities-error.js';
import { issuedListPath, organisationFolder } from './identity-paths.js';
import { readText } from './key-pair.js';

/** One line of the list of issued certificates. */
export interface IssuedEntry {
  readonly serialHex: string;
  readonly memberId: string;
  readonly role: string;
  readonly agencyId?: string;
  readonly ou: 'client' | 'admin';
  /** SHA-256 of the SubjectPublicKeyInfo. */
  readonly keyHashHex: string;
  /** ISO 8601, UTC. */
  readonly issuedAt: string;
  readonly notAfter: string;
}

export interface IssuedList {
  /** Durable on return. */
  append(entry: IssuedEntry): void;
}

/**
 * Opens the append-only list of what an authority has issued. A line cut short by a crash was never acknowledged;
 * it is closed with a line end, so that the next entry stands on its own line.
 */
export function openIssuedList(path: string): IssuedList {
  const isNew = !existsSync(path);
  appendDurably(path, endsInsideALine(path) ? '\n' : '', PRIVATE_FILE_MODE);
  if (isNew) syncFolder(dirname(path));
  return { append: (entry) => appendDurably(path, `${JSON.stringify(entry)}\n`, PRIVATE_FILE_MODE) };
}

/**
 * What an authority has issued to members, oldest first; empty where it has issued nothing.
 *
 * @throws IdentitiesError IDENTITIES_UNREADABLE
 */
export function readIssued(dataDir: string, domain: string): readonly IssuedEntry[] {
  const path = issuedListPath(organisationFolder(dataDir, domain));
  if (!existsSync(path)) return [];
  const lines = readText(path).split('\n');
  // The last one may have been cut short, and was never acknowledged then.
  return lines.filter((line) => line.endsWith('}')).map((line) => parseEntry(path, line));
}

function parseEntry(path: string, line: string): IssuedEntry {
  try {
    return JSON.parse(line) as IssuedEntry;
  } catch (cause) {
    throw unreadable(path, 'has a line that is no JSON', cause);
  }
}

function endsInsideALine(path: string): boolean {
  try {
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    return text !== '' && !text.endsWith('\n');
  } catch (cause) {
    throw unreadable(path, 'cannot be read', cause);
  }
}
