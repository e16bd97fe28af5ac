import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LEDGER_KINDS, type LedgerKind } from './ledger-choice.js';

/** How the network in a data folder was started last. */
export interface RememberedPlace {
  readonly ledger: LedgerKind;
  readonly portBase: number;
}

const PLACE_FILE = 'place.json';

export function writePlace(dataDir: string, place: RememberedPlace): void {
  const path = join(dataDir, PLACE_FILE);
  writeFileSync(`${path}.tmp`, `${JSON.stringify(place)}\n`);
  renameSync(`${path}.tmp`, path);
}

/** @returns undefined when no network was ever started there */
export function readPlace(dataDir: string): RememberedPlace | undefined {
  const path = join(dataDir, PLACE_FILE);
  return existsSync(path) ? parsePlace(readFileSync(path, 'utf8')) : undefined;
}

/** @returns undefined for what is no such file: options say it then */
function parsePlace(text: string): RememberedPlace | undefined {
  try {
    const place = JSON.parse(text) as RememberedPlace;
    return LEDGER_KINDS.includes(place.ledger) && Number.isInteger(place.portBase) ? place : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
