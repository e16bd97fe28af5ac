import type { CID } from 'multiformats/cid';
import { BLOCK_SIZE_BYTES_MAX } from './cid-settings.js';
import type { KuboNode } from './kubo-node.js';
import { KuboRefusal } from './kubo-rpc.js';
import { blocksOf, type ObjectBlocks } from './object-blocks.js';
import { VaultError } from './vault-errors.js';

// Their CIDs make up a query of some 7 KiB, when they are read back.
const OBJECTS_PER_CALL_MAX = 100;
const PORTION_SIZE_BYTES_MAX = 32 << 20;

type KeptObject = ObjectBlocks & { readonly bytes: Uint8Array };

/**
 * Has a node keep and pin objects, and reads them back from it. What it held damaged before is replaced.
 *
 * @returns their CIDs in order, which are not the node's but our own
 * @throws VaultError VAULT_UNAVAILABLE when the node cannot keep them, or gives them other CIDs
 */
export async function putObjects(node: KuboNode, objects: readonly Uint8Array[]): Promise<string[]> {
  const trees = await Promise.all(objects.map(blocksOf));
  const kept = trees.map((tree, index): KeptObject => ({ ...tree, bytes: objects[index] ?? new Uint8Array() }));
  for (const portion of portionsOf(kept)) {
    await add(node, portion);
    if (await readsBack(node, portion)) continue;
    for (const object of portion) await replaceIfDamaged(node, object);
  }
  return kept.map(({ cid }) => cid.toString());
}

/** Erases blocks, but for those that are part of another object too. */
export async function eraseBlocks(node: KuboNode, cids: readonly CID[]): Promise<void> {
  for (const { cid, reason } of await node.erase(cids)) {
    if (await node.isPinned(cid)) continue;
    throw new VaultError('VAULT_UNAVAILABLE', `The Kubo node could not erase the block ${cid}: ${reason}`);
  }
}

/** @throws VaultError VAULT_UNAVAILABLE when a node gives other CIDs than this gateway */
export async function requireSameCids(node: KuboNode): Promise<void> {
  // A byte more than a block, so that leaves, the tree above them and their order all count.
  const sample = new Uint8Array(BLOCK_SIZE_BYTES_MAX + 1);
  const [{ cid }, given] = await Promise.all([blocksOf(sample), node.cidOf(sample)]);
  if (cid.toString() === given) return;
  const message = `The Kubo node at ${node.name} gives other CIDs (${given} for ${cid}): use Kubo 0.35 or later`;
  throw new VaultError('VAULT_UNAVAILABLE', message);
}

async function add(node: KuboNode, objects: readonly KeptObject[]): Promise<void> {
  const given = await node.add(objects.map(({ bytes }) => bytes));
  const wrong = objects.findIndex(({ cid }, index) => cid.toString() !== given[index]);
  if (wrong === -1) return;
  const message = `The Kubo node keeps ${objects[wrong]?.cid} as ${given[wrong]}: use Kubo 0.35 or later`;
  throw new VaultError('VAULT_UNAVAILABLE', message);
}

/** Whether the node holds what it was given: it does not write a block that it believes to have, damaged or not. */
async function readsBack(node: KuboNode, objects: readonly KeptObject[]): Promise<boolean> {
  const expected = objects.map(({ bytes }) => bytes);
  const sizeBytes = expected.reduce((sum, { length }) => sum + length, 0);
  try {
    const cids = objects.map(({ cid }) => cid.toString());
    const read = await node.cat(cids, sizeBytes + BLOCK_SIZE_BYTES_MAX);
    return read.length === sizeBytes && isJoined(read, expected);
  } catch (error) {
    if (error instanceof KuboRefusal) return false;
    throw error;
  }
}

async function replaceIfDamaged(node: KuboNode, object: KeptObject): Promise<void> {
  const damaged = await notWhole(node, object);
  if (damaged.length === 0) return;
  // A pinned block cannot be erased, and what the node has it does not write.
  await node.unpin(object.cid.toString());
  await eraseBlocks(node, damaged);
  await add(node, [object]);
  if ((await notWhole(node, object)).length === 0) return;
  const advice = 'run `ipfs repo verify --drop` where the node is, then repeat';
  throw new VaultError('VAULT_UNAVAILABLE', `The Kubo node keeps ${object.cid} damaged: ${advice}`);
}

async function notWhole(node: KuboNode, { blocks }: ObjectBlocks): Promise<CID[]> {
  const read = await Promise.all(blocks.map(({ cid }) => node.readLocal(cid)));
  return blocks.flatMap(({ cid }, index) => (read[index]?.state === 'ok' ? [] : [cid]));
}

function portionsOf(objects: readonly KeptObject[]): KeptObject[][] {
  const portions: KeptObject[][] = [];
  let sizeBytes = 0;
  for (const object of objects) {
    const last = portions.at(-1);
    const isFull = last === undefined || last.length === OBJECTS_PER_CALL_MAX;
    if (isFull || sizeBytes + object.bytes.length > PORTION_SIZE_BYTES_MAX) {
      portions.push([object]);
      sizeBytes = 0;
    } else {
      last.push(object);
    }
    sizeBytes += object.bytes.length;
  }
  return portions;
}

function isJoined(read: Uint8Array, parts: readonly Uint8Array[]): boolean {
  let start = 0;
  return parts.every((part) => {
    const end = start + part.length;
    const isEqual = Buffer.compare(read.subarray(start, end), part) === 0;
    start = end;
    return isEqual;
  });
}
