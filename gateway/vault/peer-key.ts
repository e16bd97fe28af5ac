import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys';
import type { PrivateKey } from '@libp2p/interface';
import { createDirectory, hasErrorCode, replaceFile, syncDirectory } from '../durable-files.js';

/**
 * The Ed25519 key that a vault node is known by among the others; made when there is none.
 * It proves which node one talks to and opens nothing.
 */
export async function loadPeerKey(file: string): Promise<PrivateKey> {
  try {
    return privateKeyFromProtobuf(await readFile(file));
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT')) throw error;
  }
  const key = await generateKeyPair('Ed25519');
  await createDirectory(dirname(file));
  await replaceFile(file, privateKeyToProtobuf(key));
  await syncDirectory(dirname(file));
  return key;
}
