import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createDirectory, hasErrorCode, replaceFile, syncDirectory } from '../durable-files.js';
import { CustodyError } from './custody-errors.js';
import { generateHpkeKeyPair, type HpkeKeyPair, hpkePublicKeyOf, X25519_KEY_SIZE_BYTES } from './hpke.js';

const OTHERS_MASK = 0o077;

/**
 * The X25519 pair that shares are sealed to. The file holds the private key as one line of base64url and is readable
 * by its owner only; a new pair is made, durably, where there is no file. The public key goes into the register, so
 * the file is worth a backup: without it the shares that are on their way to this custodian are lost.
 *
 * @throws CustodyError STORE_CORRUPT when the file is open to others or holds anything else
 */
export async function loadOrMakeCustodianKey(keyFile: string): Promise<HpkeKeyPair> {
  const privateKey = await readPrivateKey(keyFile);
  if (privateKey === undefined) return makeKeyPair(keyFile);
  return { privateKey, publicKey: hpkePublicKeyOf(privateKey) };
}

async function makeKeyPair(keyFile: string): Promise<HpkeKeyPair> {
  const pair = generateHpkeKeyPair();
  await createDirectory(dirname(keyFile));
  await replaceFile(keyFile, Buffer.from(`${Buffer.from(pair.privateKey).toString('base64url')}\n`));
  await syncDirectory(dirname(keyFile));
  return pair;
}

async function readPrivateKey(keyFile: string): Promise<Uint8Array | undefined> {
  const text = await readOwnFile(keyFile);
  if (text === undefined) return undefined;
  const bytes = Buffer.from(text.trim(), 'base64url');
  if (bytes.length !== X25519_KEY_SIZE_BYTES || bytes.toString('base64url') !== text.trim()) {
    throw new CustodyError('STORE_CORRUPT', `The key file ${keyFile} is damaged: restore it from its backup`);
  }
  return new Uint8Array(bytes);
}

async function readOwnFile(keyFile: string): Promise<string | undefined> {
  try {
    const { mode } = await stat(keyFile);
    if ((mode & OTHERS_MASK) !== 0) {
      throw new CustodyError('STORE_CORRUPT', `Others can read the key file ${keyFile}: run chmod 600 on it`);
    }
    return await readFile(keyFile, 'utf8');
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
