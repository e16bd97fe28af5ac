import { createHash, type Hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decode as decodeDagPb } from '@ipld/dag-pb';
import { NextToLast } from 'blockstore-fs/sharding';
import type { CID } from 'multiformats/cid';
import { code as RAW_CODE } from 'multiformats/codecs/raw';
import { hasErrorCode } from '../../gateway/durable-files.js';
import { BLOCK_SIZE_BYTES_MAX } from '../../gateway/vault/cid-settings.js';
import type { KuboNode } from '../../gateway/vault/kubo-node.js';
import { isContentOf, parseCid } from '../../gateway/vault/object-blocks.js';

/** What one node holds of one object. `block` names the first that is not as it should be, `place` where it is. */
export type HeldObject =
  | { readonly state: 'whole'; readonly sha256Hex: string }
  | { readonly state: 'missing' | 'damaged'; readonly block: string; readonly place: string };

/** Blocks of one vault node, read past it or as it alone has them. */
export interface VaultBlocks {
  /** File, or node. */
  place(cid: CID): string;
  /** @returns undefined where there is none; the bytes may be damaged */
  read(cid: CID): Promise<Uint8Array | undefined>;
}

type Fault = Exclude<HeldObject, { state: 'whole' }>;

/**
 * Reads an object from a vault node, block by block. Nothing is dropped or healed, as a gateway would do when it meets
 * damage.
 *
 * @param object.cid - of the whole
 * @param object.sizeBytes - as the chain has it: no more blocks are read than an object of this size can have
 */
export async function readHeldObject(
  blocks: VaultBlocks,
  object: { readonly cid: string; readonly sizeBytes: number },
): Promise<HeldObject> {
  const digest = createHash('sha256');
  // A tree has fewer inner blocks than leaves, and a leaf is full unless it is the last.
  const blocksMax = 2 * Math.ceil(object.sizeBytes / BLOCK_SIZE_BYTES_MAX) + 1;
  const fault = await readTree(blocks, { root: parseCid(object.cid), blocksMax }, digest);
  return fault ?? { state: 'whole', sha256Hex: digest.digest('hex') };
}

/** Leaves in the order of the object's bytes: depth first, as the tree was built. */
async function readTree(
  vault: VaultBlocks,
  { root, blocksMax }: { root: CID; blocksMax: number },
  digest: Hash,
): Promise<Fault | undefined> {
  const ahead: CID[] = [root];
  let blocks = 0;
  for (let cid = ahead.pop(); cid !== undefined; cid = ahead.pop()) {
    const bytes = await vault.read(cid);
    if (bytes === undefined) return { state: 'missing', block: cid.toString(), place: vault.place(cid) };
    const links = isContentOf(cid, bytes) && ++blocks <= blocksMax ? linksOf(cid, bytes) : undefined;
    if (links === undefined) return { state: 'damaged', block: cid.toString(), place: vault.place(cid) };
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

/** @param directory - `vault/blocks` of a gateway, whose own node this is not asked of */
export function blocksInFolder(directory: string): VaultBlocks {
  const sharding = new NextToLast();
  const place = (cid: CID): string => {
    const { dir, file } = sharding.encode(cid);
    return join(directory, dir, file);
  };
  return { place, read: (cid) => readIfThere(place(cid)) };
}

/** What a Kubo node itself has; it fetches nothing from others. Damage it has noticed comes out as no bytes at all. */
export function blocksInKubo(node: KuboNode): VaultBlocks {
  return {
    place: () => `in the Kubo node at ${node.name}`,
    read: async (cid) => {
      const found = await node.readLocal(cid);
      if (found.state === 'missing') return undefined;
      return found.state === 'ok' ? found.bytes : new Uint8Array();
    },
  };
}

async function readIfThere(file: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT') || hasErrorCode(error, 'ENOTDIR')) return undefined;
    throw error;
  }
}
