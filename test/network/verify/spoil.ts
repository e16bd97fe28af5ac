import { readdirSync, readFileSync, type Stats, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readPeerState } from '../../../network/devledger/store/read-peer.js';
import { encodeVersion, stateKey } from '../../../network/devledger/store/row-keys.js';
import { StateDatabase } from '../../../network/devledger/store/state-database.js';
import { flipStoredRow } from '../../support/flip-stored-row.js';

export function peerFolder(dataDir: string, mspId: string) {
  return { mspId, directory: join(dataDir, 'ledger', 'peers', mspId) };
}

/** Text of one live value of one peer. */
export async function stateText(dataDir: string, mspId: string, key: string): Promise<string> {
  for await (const row of readPeerState(peerFolder(dataDir, mspId))) {
    if (row.key === key) return Buffer.from(row.value).toString('utf8');
  }
  throw new Error(`no ${key} in the state of ${mspId}`);
}

/** All keys of one peer's state that begin like this. */
export async function stateKeys(dataDir: string, mspId: string, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of readPeerState(peerFolder(dataDir, mspId))) if (key.startsWith(prefix)) keys.push(key);
  return keys;
}

/**
 * Changes live values behind the ledger's back, with digests that fit.
 *
 * @param texts - by key; undefined takes the row away
 */
export async function writeState(
  dataDir: string,
  mspId: string,
  texts: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const database = await StateDatabase.open(join(peerFolder(dataDir, mspId).directory, 'state'), mspId);
  const writes = Object.entries(texts).map(([key, text]) => ({
    key: stateKey('medledger', key),
    payload: text === undefined ? undefined : Buffer.concat([encodeVersion(2, 0), Buffer.from(text)]),
  }));
  await database.write(writes);
  await database.close();
}

/** Flips one bit in the last byte of a live value, as a bad disk would: the digest stays. */
export async function flipState(dataDir: string, mspId: string, key: string): Promise<void> {
  await flipStoredRow(join(peerFolder(dataDir, mspId).directory, 'state'), stateKey('medledger', key), 1);
}

export function flipByte(file: string, offset: number): void {
  const bytes = readFileSync(file);
  const place = offset < 0 ? bytes.length + offset : offset;
  bytes.writeUInt8(bytes.readUInt8(place) ^ 0x01, place);
  writeFileSync(file, bytes);
}

/** The only file in a folder whose name ends like this. */
export function onlyFile(directory: string, suffix: string): string {
  const [name, ...more] = readdirSync(directory).filter((candidate) => candidate.endsWith(suffix));
  if (name === undefined || more.length > 0) throw new Error(`${directory}: not one file *${suffix}`);
  return join(directory, name);
}

/** Replaced once, which must change it. */
export function changed(text: string, from: string | RegExp, to: string): string {
  const result = text.replace(from, to);
  if (result === text) throw new Error(`nothing like ${from} in ${text}`);
  return result;
}

export function statIfThere(file: string): Stats | undefined {
  return statSync(file, { throwIfNoEntry: false });
}

/** Names, sizes and times of everything below a folder. */
export function fingerprint(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => [name, statIfThere(join(directory, name))] as const)
    .map(([name, found]) => `${name} ${found?.size} ${found?.mtimeMs}`)
    .sort();
}
