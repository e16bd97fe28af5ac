import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { kuboUrlOf } from '../../gateway/config.js';
import { KuboNode } from '../../gateway/vault/kubo-node.js';
import { KuboRpc } from '../../gateway/vault/kubo-rpc.js';
import { VaultError } from '../../gateway/vault/vault-errors.js';
import { START_KUBO, VAULT_HEALS, VAULT_LOST } from './advice.js';
import { CheckLog, type CheckResult } from './finding.js';
import { gatewayDirectory, type LedgerFolder } from './ledger-folder.js';
import type { StateView } from './peer-state.js';
import { type StoredObject, storedObjects } from './stored-objects.js';
import { blocksInFolder, blocksInKubo, type HeldObject, readHeldObject, type VaultBlocks } from './vault-files.js';

/** Every ciphertext is on this many nodes when its record is written. */
const COPIES_MIN = 2;
const OBJECTS_AT_ONCE = 8;

interface VaultNode {
  readonly mspId: string;
  readonly blocks: VaultBlocks;
}

/**
 * Every ciphertext that the chain names: whole on two nodes at least, damaged on none, and the one of the record. An
 * organisation whose vault is a Kubo node is asked for by VAULT_KUBO_URL, as its gateway does.
 */
export async function checkVaults(
  folder: LedgerFolder,
  state: StateView,
  kuboUrls: string | undefined = process.env.VAULT_KUBO_URL,
): Promise<CheckResult> {
  const log = new CheckLog('vault', 'network', VAULT_LOST);
  const rpcs: KuboRpc[] = [];
  const nodes: VaultNode[] = [];
  try {
    for (const { mspId } of folder.topology.organisations) {
      const url = kuboUrlOf(kuboUrls, folder.topology, { mspId });
      const blocks = url === undefined ? blocksOnDisk(folder, mspId, log) : await blocksOf(url, mspId, { log, rpcs });
      if (blocks !== undefined) nodes.push({ mspId, blocks });
    }
    await eachAtOnce(storedObjects(state), (object) => checkObject(object, nodes, log));
  } finally {
    for (const rpc of rpcs) rpc.close();
  }
  return log.result;
}

function blocksOnDisk({ dataDir }: LedgerFolder, mspId: string, log: CheckLog): VaultBlocks {
  const directory = join(gatewayDirectory(dataDir, mspId), 'vault', 'blocks');
  if (!existsSync(directory)) log.found(`${mspId}, ${directory}`, 'the vault node has no folder');
  return blocksInFolder(directory);
}

/** @returns undefined for a node that does not answer, which is a finding */
async function blocksOf(
  url: string,
  mspId: string,
  { log, rpcs }: { readonly log: CheckLog; readonly rpcs: KuboRpc[] },
): Promise<VaultBlocks | undefined> {
  const rpc = new KuboRpc(url);
  rpcs.push(rpc);
  const node = new KuboNode(rpc);
  try {
    await node.identity();
    return blocksInKubo(node);
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    log.found(`${mspId}, ${node.name}`, 'the Kubo node does not answer', START_KUBO);
    return undefined;
  }
}

async function checkObject(object: StoredObject, nodes: readonly VaultNode[], log: CheckLog): Promise<void> {
  log.count(object.record === undefined ? 'reasons' : 'records');
  const held = await Promise.all(nodes.map(async (node) => [node, await readHeldObject(node.blocks, object)] as const));
  for (const [{ mspId }, found] of held) checkHeld(object, mspId, found, log);
  const copies = held.filter(([, { state }]) => state === 'whole').length;
  log.count('whole copies', copies);
  if (copies >= COPIES_MIN) return;
  const where = `${object.name}, CID ${object.cid}`;
  if (copies === 0) log.found(where, 'no vault node has a whole copy: its content is lost until one is brought back');
  else log.found(where, `only ${copies} vault node has a whole copy, ${COPIES_MIN} are needed`);
}

function checkHeld({ name, cid, sha256 }: StoredObject, mspId: string, found: HeldObject, log: CheckLog): void {
  if (found.state === 'damaged')
    log.found(`${mspId}, ${name}, CID ${cid}`, `block ${found.block} is damaged (${found.place})`, VAULT_HEALS);
  // A node is given an object whole: one that has the root and lacks a part has lost it.
  if (found.state === 'missing' && found.block !== cid)
    log.found(`${mspId}, ${name}, CID ${cid}`, `block ${found.block} is missing (${found.place})`, VAULT_HEALS);
  if (found.state === 'whole' && found.sha256Hex !== sha256)
    log.found(`${mspId}, ${name}, CID ${cid}`, 'the object has another SHA-256 than the chain says');
}

async function eachAtOnce<T>(items: AsyncGenerator<T>, action: (item: T) => Promise<void>): Promise<void> {
  const work = async (): Promise<void> => {
    for (let next = await items.next(); next.done !== true; next = await items.next()) await action(next.value);
  };
  // A generator answers those who ask it at once one after the other.
  await Promise.all(Array.from({ length: OBJECTS_AT_ONCE }, work));
}
