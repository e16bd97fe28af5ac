import { randomBytes, webcrypto } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { GatewayError } from './identity-errors.js';

/** HMAC-SHA-256 keys shorter than the hash are refused by RFC 7518 section 3.2. */
const KEY_BYTES = 32;

/**
 * The key this gateway signs its tokens with, from its own file (64 hex digits, mode 0600), which is made where there
 * is none. No other gateway has it, so no other gateway's token is taken here.
 *
 * @throws GatewayError STORE_CORRUPT
 */
export async function loadSessionKey(path: string): Promise<webcrypto.CryptoKey> {
  if (!existsSync(path)) makeKeyFile(path);
  return webcrypto.subtle.importKey('raw', readKeyFile(path), { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
    'verify',
  ]);
}

function makeKeyFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporaryPath = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  const descriptor = openSync(temporaryPath, 'wx', 0o600);
  try {
    writeSync(descriptor, `${randomBytes(KEY_BYTES).toString('hex')}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporaryPath, path);
}

function readKeyFile(path: string): Uint8Array<ArrayBuffer> {
  const text = readText(path).trim();
  if (/^[0-9a-f]{64}$/.test(text)) return new Uint8Array(Buffer.from(text, 'hex'));
  throw new GatewayError(
    'STORE_CORRUPT',
    `${path} is not a key of 64 hex digits; delete it, and members sign in again.`,
  );
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new GatewayError('STORE_CORRUPT', `${path} cannot be read; give this user the right to read it.`, { cause });
  }
}
