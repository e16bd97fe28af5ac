import { createHash, type Hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decode as decodeDagPb } from '@ipld/dag-pb';
import { NextToLast } from 'blockstore-fs/sharding';
import type { CID } from 'multiformats/cid';
import { code as RAW_CODE } from 'multiformats/codecs/raw';
import { hasErrorCode } from '../../gateway/durable-files.js';
import { BLOCK_SIZE_BYTES_MAX } from '../../gateway/vault/cid-settings.js';
import { isContentOf, parseCid } from '../../gateway/vault/object-blocks.js';

/** What one node holds of one object. `block` names the first that is not as it should be. */
export type HeldObject =
  | { readonly state: 'whole'; readonly sha256Hex: string }
  | { readonly state: 'missing' | 'damaged'; readonly block: string; readonly file: string };

type Fault = Exclude<HeldObject, { state: 'whole' }>;

/**
 * Reads an object from a vault node's folder without the node, block by block. Nothing is dropped or healed, as the
 * node itself would do when it meets damage.
 *
 * @param blocksDirectory - `vault/blocks` of a gateway
 * @param object.cid - of the whole
 * @param object.sizeBytes - as the chain has it: no more blocks are read than an object of this size can have
 */
export async function readHeldObject(
  blocksDirectory: string,
  object: { readonly cid: string; readonly sizeBytes: number },
): Promise<HeldObject> {
  const digest = createHash('sha256');
  // A tree has fewer inner blocks than leaves, and a leaf is full unless it is the last.
  const blocksMax = 2 * Math.ceil(object.sizeBytes / BLOCK_SIZE_BYTES_MAX) + 1;
  const fault = await readTree(blocksDirectory, { root: parseCid(object.cid), blocksMax }, digest);
  return fault ?? { state: 'whole', sha256Hex: digest.digest('hex') };
}

/** Leaves in the order of the object's bytes: depth first, as the tree was built. */
async function readTree(
  directory: string,
  { root, blocksMax }: { root: CID; blocksMax: number },
  digest: Hash,
): Promise<Fault | undefined> {
  const ahead: CID[] = [root];
  let blocks = 0;
  for (let cid = ahead.pop(); cid !== undefined; cid = ahead.pop()) {
    const file = fileOf(directory, cid);
    const bytes = await readIfThere(file);
    if (bytes === undefined) return { state: 'missing', block: cid.toString(), file };
    const links = isContentOf(cid, bytes) && ++blocks <= blocksMax ? linksOf(cid, bytes) : undefined;
    if (links === undefined) return { state: 'damaged', block: cid.toString(), file };
    if (cid.code === RAW_CODE) digest.update(bytes);
    ahead.push(...links.reverse());
  }
  return undefined;
}

/** @returns undefined for a block that has its CID but is of no object that a gateway made */
function linksOf(cid: CID, bytes: Uint8Array): CID[] | undefined {
  if (cid.code === RAW_CODE) return [];
  try {
    return decodeDagPb(bytes).Links.map(({ Hash }) => Hash);
  } catch {
    return undefined;
  }
}

const SHARDING = new NextToLast();

function fileOf(directory: string, cid: CID): string {
  const { dir, file } = SHARDING.encode(cid);
  return join(directory, dir, file);
}

async function readIfThere(file: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT') || hasErrorCode(error, 'ENOTDIR')) return undefined;
    throw error;
  }
}
