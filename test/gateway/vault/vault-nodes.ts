import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HeliaVault, type HeliaVaultOptions } from '../../../gateway/vault/helia-vault.js';
import type { VaultIncident } from '../../../gateway/vault/vault.js';

/** A real vault node on loopback with its folder and the incidents it told of. */
export type VaultNode = {
  readonly name: string;
  readonly directory: string;
  readonly incidents: VaultIncident[];
  vault: HeliaVault;
};

export async function startNode(name: string, options: Partial<HeliaVaultOptions> = {}): Promise<VaultNode> {
  const directory = await mkdtemp(join(tmpdir(), `vault-${name}-`));
  const incidents: VaultIncident[] = [];
  try {
    return { name, directory, incidents, vault: await startVault(directory, incidents, options) };
  } catch (error) {
    await rm(directory, { recursive: true });
    throw error;
  }
}

export async function restartNode(node: VaultNode): Promise<void> {
  await node.vault.stop();
  node.vault = await startVault(node.directory, node.incidents, {});
}

export async function removeNodes(nodes: readonly VaultNode[]): Promise<void> {
  for (const { vault, directory } of nodes) {
    await vault.stop();
    await rm(directory, { recursive: true });
  }
}

/** Tells every node of all others. */
export function introduce(nodes: readonly VaultNode[]): void {
  for (const node of nodes) {
    const others = nodes.filter((other) => other !== node);
    node.vault.setPeers(others.map(({ name, vault }) => ({ name, addresses: vault.addresses() })));
  }
}

/** Paths of a node's block files, the largest first. */
export async function blockFiles({ directory }: VaultNode): Promise<string[]> {
  const blocks = join(directory, 'blocks');
  const names = (await readdir(blocks, { recursive: true })).filter((name) => name.endsWith('.data'));
  const files = await Promise.all(
    names.map(async (name) => ({ path: join(blocks, name), sizeBytes: (await readFile(join(blocks, name))).length })),
  );
  return files.sort((a, b) => b.sizeBytes - a.sizeBytes).map(({ path }) => path);
}

/** Keeps an object at a node; also the paths of the files that this made, the largest first. */
export async function putAt(node: VaultNode, object: Uint8Array): Promise<{ cid: string; files: string[] }> {
  const before = new Set(await blockFiles(node));
  const [cid = ''] = await node.vault.put([object]);
  return { cid, files: (await blockFiles(node)).filter((file) => !before.has(file)) };
}

export async function flipByte(file: string): Promise<void> {
  const bytes = await readFile(file);
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 0xff;
  await writeFile(file, bytes);
}

function startVault(
  directory: string,
  incidents: VaultIncident[],
  options: Partial<HeliaVaultOptions>,
): Promise<HeliaVault> {
  return HeliaVault.start({
    directory,
    listenAddress: '/ip4/127.0.0.1/tcp/0',
    onIncident: (incident) => incidents.push(incident),
    fetchTimeoutMs: 1_500,
    ...options,
  });
}
