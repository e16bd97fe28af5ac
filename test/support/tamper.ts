import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { NextToLast } from 'blockstore-fs/sharding';
import { CID } from 'multiformats/cid';
import { type SharePlace, ShareRowSealer } from '../../gateway/custody/share-rows.js';
import { loadStoreKeys } from '../../gateway/custody/store-key.js';
import { openFabricState } from './fabric-state.js';
import { flipStoredRow } from './flip-stored-row.js';
import { LEDGER } from './running-network.js';
import { encodeVersion, stateKey, VERSION_BYTES } from '../../network/devledger/store/row-keys.js';
import { StateDatabase } from '../../network/devledger/store/state-database.js';

/** What somebody with an organisation's disk can do, and does well: every digest of the store itself fits. */

const CHAINCODE = 'medledger';

/**
 * Changes rows of one peer's world state behind the chain's back, digests and all. The network must be stopped.
 *
 * @param change - gets the stored text, undefined where there is none; what it returns is stored
 */
export async function changeState(
  dataDir: string,
  mspId: string,
  changes: Readonly<Record<string, (text: string | undefined) => string>>,
): Promise<void> {
  if (LEDGER === 'fabric') return changeFabricState(dataDir, mspId, changes);
  const database = await StateDatabase.open(join(dataDir, 'ledger', 'peers', mspId, 'state'), mspId);
  try {
    for (const [name, change] of Object.entries(changes)) {
      const key = stateKey(CHAINCODE, name);
      const row = database.get(key);
      const version = row?.subarray(0, VERSION_BYTES) ?? encodeVersion(1, 0);
      const text = change(row?.subarray(VERSION_BYTES).toString('utf8'));
      await database.write([{ key, payload: Buffer.concat([version, Buffer.from(text)]) }]);
    }
  } finally {
    await database.close();
  }
}

/** Fabric keeps no digests beside its values, so there is nothing to make anew. */
async function changeFabricState(
  dataDir: string,
  mspId: string,
  changes: Readonly<Record<string, (text: string | undefined) => string>>,
): Promise<void> {
  const state = await openFabricState(dataDir, mspId);
  try {
    for (const [name, change] of Object.entries(changes)) {
      await state.write(name, Buffer.from(change((await state.read(name))?.toString('utf8'))));
    }
  } finally {
    await state.close();
  }
}

/** Takes a row away from one peer of the embedded ledger, without a trace. The network must be stopped. */
export async function removeStateRow(dataDir: string, mspId: string, name: string): Promise<void> {
  const database = await StateDatabase.open(join(dataDir, 'ledger', 'peers', mspId, 'state'), mspId);
  try {
    await database.write([{ key: stateKey(CHAINCODE, name), payload: undefined }]);
  } finally {
    await database.close();
  }
}

/** Flips one bit of a stored value and leaves its digest as it was. The network must be stopped. */
export async function flipStateBit(dataDir: string, mspId: string, name: string): Promise<void> {
  if (LEDGER === 'fabric') return flipFabricStateBit(dataDir, mspId, name);
  await flipStoredRow(join(dataDir, 'ledger', 'peers', mspId, 'state'), stateKey(CHAINCODE, name), 10);
}

async function flipFabricStateBit(dataDir: string, mspId: string, name: string): Promise<void> {
  const state = await openFabricState(dataDir, mspId);
  try {
    const value = await state.read(name);
    if (value === undefined) throw new Error(`${mspId} holds no ${name}`);
    const changed = Buffer.from(value);
    changed.writeUInt8(changed.readUInt8(changed.length - 10) ^ 1, changed.length - 10);
    await state.write(name, changed);
  } finally {
    await state.close();
  }
}

/** Puts another share in the place of a custodian's, sealed as the custodian would. Its gateway must be stopped. */
export async function replaceShare(
  dataDir: string,
  mspId: string,
  place: Omit<SharePlace, 'depositor'> & { share: Uint8Array },
) {
  const directory = join(dataDir, 'gateways', mspId, 'custody');
  const sealer = new ShareRowSealer(await loadStoreKeys(join(directory, 'share-store.key'), true), mspId);
  const database = new DatabaseSync(join(directory, 'shares.sqlite'));
  const { recordId, version, ciphertextSha256 } = place;
  const where = 'record_id = ? AND version = ? AND ciphertext_sha256 = ?';
  const held = database
    .prepare(`SELECT patient_id, depositor FROM shares WHERE ${where}`)
    .get(recordId, version, ciphertextSha256);
  const owner = { patientId: String(held?.patient_id), depositor: String(held?.depositor) };
  const row = sealer.seal({ recordId, version, ciphertextSha256, ...owner }, place.share);
  database
    .prepare(`UPDATE shares SET sealed = ?, digest = ? WHERE ${where}`)
    .run(row.sealed, row.digest, recordId, version, ciphertextSha256);
  database.close();
}

/** Whether a custodian's store, which is not running, holds a share for this place. */
export function holdsShare(dataDir: string, mspId: string, recordId: string): boolean {
  const path = join(dataDir, 'gateways', mspId, 'custody', 'shares.sqlite');
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return database.prepare('SELECT 1 FROM shares WHERE record_id = ?').get(recordId) !== undefined;
  } finally {
    database.close();
  }
}

/** The file of one block on an organisation's vault node; undefined where it holds none. */
export function vaultBlockFile(dataDir: string, mspId: string, cid: string): string | undefined {
  const { dir, file } = new NextToLast().encode(CID.parse(cid));
  const path = join(dataDir, 'gateways', mspId, 'vault', 'blocks', dir, file);
  return existsSync(path) ? path : undefined;
}

export function flipByte(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  writeFileSync(path, bytes);
}

/** Lines of a process's log as the JSON they are; others are left out. */
export function logLines(dataDir: string, name: string): readonly Readonly<Record<string, unknown>>[] {
  return readFileSync(join(dataDir, 'logs', `${name}.log`), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
