import { hkdfSync, randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createDirectory, hasErrorCode, replaceFile, syncDirectory } from '../durable-files.js';
import { CustodyError } from './custody-errors.js';

const STORE_KEY_SIZE_BYTES = 32;
const OTHERS_MASK = 0o077;

/** Sealing and digesting use keys of their own, both derived from the one in the file. */
export type StoreKeys = { readonly sealKey: Uint8Array; readonly digestKey: Uint8Array };

/**
 * The keys of a store, from a file that only its owner can read. The file is made when the store is new.
 *
 * @param storeExists - a store without its key file is unreadable: making a new key would hide that
 * @throws CustodyError STORE_CORRUPT when the file is missing beside a store, open to others, or of a wrong size
 */
export async function loadStoreKeys(keyFile: string, storeExists: boolean): Promise<StoreKeys> {
  const key = (await readKeyFile(keyFile)) ?? (storeExists ? undefined : await createKeyFile(keyFile));
  if (key === undefined) {
    throw new CustodyError('STORE_CORRUPT', `The key file ${keyFile} is missing: restore it from its backup`);
  }
  if (key.length !== STORE_KEY_SIZE_BYTES) {
    throw new CustodyError('STORE_CORRUPT', `The key file ${keyFile} is damaged: restore it from its backup`);
  }
  return { sealKey: derive(key, 'seal'), digestKey: derive(key, 'digest') };
}

async function readKeyFile(keyFile: string): Promise<Uint8Array | undefined> {
  try {
    const { mode } = await stat(keyFile);
    if ((mode & OTHERS_MASK) !== 0) {
      throw new CustodyError('STORE_CORRUPT', `Others can read the key file ${keyFile}: run chmod 600 on it`);
    }
    return await readFile(keyFile);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function createKeyFile(keyFile: string): Promise<Uint8Array> {
  const key = randomBytes(STORE_KEY_SIZE_BYTES);
  await createDirectory(dirname(keyFile));
  await replaceFile(keyFile, key);
  await syncDirectory(dirname(keyFile));
  return key;
}

function derive(key: Uint8Array, use: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, new Uint8Array(), `medledger/share-store/v1/${use}`, 32));
}
