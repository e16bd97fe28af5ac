import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite';
import { peerOrganisations } from '../../network/fabric/members.js';
import { localTopology } from '../../network/topology.js';
import { openFabricState } from './fabric-state.js';
import { LEDGER } from './running-network.js';
import { StateDatabase } from '../../network/devledger/store/state-database.js';
import { readPeerBlocks } from '../../network/devledger/store/read-peer.js';

/** A secret in one form in which it might lie about. */
export interface Needle {
  readonly name: string;
  readonly bytes: Buffer;
}

export interface Finding {
  readonly place: string;
  readonly needle: string;
}

const ALL_ROWS = { gte: Buffer.alloc(0), lt: Buffer.of(0xff) };

/**
 * The forms in which a secret is looked for: as it is, hex in both cases, base64 and base64url at each of the three
 * places at which it can begin within a group of three bytes.
 */
export function needlesOf(name: string, secret: Uint8Array): readonly Needle[] {
  const bytes = Buffer.from(secret);
  const hex = bytes.toString('hex');
  const base64 = [0, 1, 2].map((shift) => innerBase64(bytes, shift));
  const texts = [hex, hex.toUpperCase(), ...base64, ...base64.map(urlSafe)];
  return [
    { name: `${name} plain`, bytes },
    ...[...new Set(texts)].map((text, at) => ({ name: `${name} as text ${at}`, bytes: Buffer.from(text) })),
  ];
}

/** The characters of base64 that depend on the secret alone, wherever in a longer text it stands. */
function innerBase64(bytes: Buffer, shift: number): string {
  const text = Buffer.concat([Buffer.alloc(shift), bytes])
    .toString('base64')
    .replaceAll('=', '');
  const from = shift === 0 ? 0 : shift + 1;
  const whole = (bytes.length + shift) % 3 === 0 ? text.length : text.length - 1;
  return text.slice(from, whole);
}

function urlSafe(text: string): string {
  return text.replaceAll('+', '-').replaceAll('/', '_');
}

/**
 * Looks through everything that a stopped network has left: every file as it lies, and what databases give when they
 * are read, because LevelDB (on Fabric) compresses and SQLite cuts long values into pages.
 */
export async function searchDataFolder(dataDir: string, needles: readonly Needle[]): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const look = (place: string, bytes: Buffer) => {
    for (const needle of needles) if (bytes.includes(needle.bytes)) findings.push({ place, needle: needle.name });
  };
  for (const file of filesBelow(dataDir)) {
    look(file, readFileSync(join(dataDir, file)));
    if (file.endsWith('.sqlite')) lookInTables(join(dataDir, file), (table, bytes) => look(`${file} ${table}`, bytes));
  }
  if (LEDGER === 'fabric') await lookInFabricStates(dataDir, look);
  else await lookInDevLedger(dataDir, look);
  return findings;
}

/** Blocks lie uncompressed in files, which were looked through already. */
async function lookInFabricStates(dataDir: string, look: (place: string, bytes: Buffer) => void): Promise<void> {
  for (const { mspId } of peerOrganisations(localTopology())) {
    const state = await openFabricState(dataDir, mspId);
    try {
      for await (const [key, row] of state.rows()) {
        look(`state of ${mspId}: ${key.toString('latin1')}`, row);
        look(`state of ${mspId}: ${key.toString('latin1')}`, key);
      }
    } finally {
      await state.close();
    }
  }
}

async function lookInDevLedger(dataDir: string, look: (place: string, bytes: Buffer) => void): Promise<void> {
  for (const mspId of readdirSync(join(dataDir, 'ledger', 'peers'))) {
    const directory = join(dataDir, 'ledger', 'peers', mspId);
    await lookInState(mspId, directory, (key, bytes) => look(`state of ${mspId}: ${key}`, bytes));
    for await (const { blockNumber, bytes } of readPeerBlocks({ mspId, directory }))
      look(`block ${blockNumber} of ${mspId}`, Buffer.from(bytes));
  }
}

function filesBelow(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));
}

function lookInTables(path: string, look: (table: string, bytes: Buffer) => void): void {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    for (const table of tables.map(({ name }) => String(name))) {
      const rows = database.prepare(`SELECT * FROM "${table}"`).all();
      for (const bytes of rows.flatMap((row) => Object.values(row).flatMap(bytesOf))) look(table, bytes);
    }
  } finally {
    database.close();
  }
}

function bytesOf(value: SQLOutputValue): Buffer[] {
  return typeof value === 'string' || value instanceof Uint8Array ? [Buffer.from(value)] : [];
}

async function lookInState(
  mspId: string,
  directory: string,
  look: (key: string, bytes: Buffer) => void,
): Promise<void> {
  const database = await StateDatabase.open(join(directory, 'state'), mspId);
  try {
    for await (const [key, row] of database.rawRows(ALL_ROWS)) {
      look(key.toString('latin1'), row);
      look(key.toString('latin1'), key);
    }
  } finally {
    await database.close();
  }
}
