import { createHash } from 'node:crypto';
import { unixfs } from '@helia/unixfs';
import { code as DAG_PB_CODE, decode as decodeDagPb } from '@ipld/dag-pb';
import { CID } from 'multiformats/cid';
import * as raw from 'multiformats/codecs/raw';
import { create as createDigest } from 'multiformats/hashes/digest';
import { BLOCK_SIZE_BYTES_MAX, CID_SETTINGS } from './cid-settings.js';
import { VaultError } from './vault-errors.js';

const SHA2_256_CODE = 0x12;

export type Block = { readonly cid: CID; readonly bytes: Uint8Array };
export type ObjectBlocks = { readonly cid: CID; readonly blocks: readonly Block[] };

/**
 * The blocks of an object and the CID of the whole. An object that fits in one block is that block, under the CID
 * of a raw leaf; a larger one is a UnixFS tree.
 */
export async function blocksOf(object: Uint8Array): Promise<ObjectBlocks> {
  if (object.length <= BLOCK_SIZE_BYTES_MAX) {
    // The same as the importer's result for one leaf, at a tenth of its time: most objects are this small.
    const cid = CID.createV1(raw.code, createDigest(SHA2_256_CODE, sha256(object)));
    return { cid, blocks: [{ cid, bytes: object }] };
  }
  const blocks: Block[] = [];
  const collector = {
    put: async (cid: CID, bytes: Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>) => {
      blocks.push({ cid, bytes: bytes instanceof Uint8Array ? bytes : await joined(bytes) });
      return cid;
    },
    has: () => false,
    get: (): Generator<Uint8Array> => {
      throw new Error('Importing an object reads no blocks');
    },
  };
  const cid = await unixfs({ blockstore: collector }).addBytes(object, CID_SETTINGS);
  return { cid, blocks };
}

/**
 * The CIDs of an object's tree, root first, as far as its inner blocks can be read. Leaves are named, not read.
 *
 * @param read - an inner block, or undefined when it cannot be had
 * @returns `complete` is false when an inner block was lacking, so that CIDs below it are not in the list
 */
export async function treeOf(
  root: CID,
  read: (cid: CID) => Promise<Uint8Array | undefined>,
): Promise<{ cids: CID[]; complete: boolean }> {
  const cids: CID[] = [root];
  let complete = true;
  for (let next = 0; next < cids.length; next += 1) {
    const cid = cids[next];
    if (cid === undefined || cid.code !== DAG_PB_CODE) continue;
    const bytes = await read(cid);
    if (bytes === undefined) complete = false;
    else for (const { Hash } of decodeDagPb(bytes).Links) cids.push(Hash);
  }
  return { cids, complete };
}

/** The bytes of an object, from its blocks. Whoever reads them checks them: nothing is compared with a CID here. */
export async function objectOf(root: CID, readBlock: (cid: CID) => Promise<Uint8Array>): Promise<Uint8Array> {
  if (root.code === raw.code) return readBlock(root);
  const blockstore = {
    get: async function* (cid: CID) {
      yield await readBlock(cid);
    },
    has: () => true,
    put: (): CID => {
      throw new Error('Reading an object writes no blocks');
    },
  };
  return joined(unixfs({ blockstore }).cat(root));
}

/** Whether bytes are those that a CID names. Only SHA-256 is known here, since nothing else is ever written. */
export function isContentOf(cid: CID, bytes: Uint8Array): boolean {
  return cid.multihash.code === SHA2_256_CODE && Buffer.compare(cid.multihash.digest, sha256(bytes)) === 0;
}

/** @throws VaultError CONTENT_MISSING when the text is no CID: nothing can be kept under it */
export function parseCid(text: string): CID {
  try {
    return CID.parse(text);
  } catch (cause) {
    throw new VaultError('CONTENT_MISSING', `Not a content identifier: ${text.slice(0, 100)}`, { cause });
  }
}

/** @throws VaultError CONTENT_CORRUPT when the object is not the one that the chain describes */
export function requireSha256(object: Uint8Array, expectedSha256Hex: string | undefined, cid: string): void {
  if (expectedSha256Hex === undefined || Buffer.from(sha256(object)).toString('hex') === expectedSha256Hex) return;
  throw new VaultError(
    'CONTENT_CORRUPT',
    `The object ${cid} has another SHA-256 than the chain says: report the record`,
  );
}

export async function joined(portions: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const portion of portions) parts.push(portion);
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
}

function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}
