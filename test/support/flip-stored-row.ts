import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StateDatabase } from '../../network/devledger/store/state-database.js';

/**
 * Flips one bit of a stored row where it lies in a table, as a bad disk would. The ledger must be stopped.
 *
 * @param key - of the row, as the database has it
 * @param fromEndBytes - 1 for the last byte of the row
 */
export async function flipStoredRow(directory: string, key: Buffer, fromEndBytes: number): Promise<void> {
  const row = await storedRow(directory, key);
  const stored = Buffer.concat([key, row]);
  const tables = readdirSync(directory).filter((name) => name.endsWith('.table'));
  const path = tables
    .sort()
    .reverse()
    .map((name) => join(directory, name))
    .find((candidate) => readFileSync(candidate).includes(stored));
  if (path === undefined) throw new Error(`${directory}: no table holds this row`);
  const bytes = readFileSync(path);
  const place = bytes.indexOf(stored) + stored.length - fromEndBytes;
  bytes.writeUInt8(bytes.readUInt8(place) ^ 1, place);
  writeFileSync(path, bytes);
}

async function storedRow(directory: string, key: Buffer): Promise<Buffer> {
  const database = await StateDatabase.open(directory, 'the peer under test');
  try {
    for await (const [, row] of database.rawRows({ gte: key, lte: key })) return row;
    throw new Error(`${directory} holds no such row`);
  } finally {
    await database.close();
  }
}
