import { randomBytes } from 'node:crypto';
import { access, unlink } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { KuboNode } from '../../../gateway/vault/kubo-node.js';
import { KuboRpc } from '../../../gateway/vault/kubo-rpc.js';
import { KuboVault, type KuboVaultOptions } from '../../../gateway/vault/kubo-vault.js';
import { blocksOf } from '../../../gateway/vault/object-blocks.js';
import type { VaultIncident } from '../../../gateway/vault/vault.js';
import { untilTrue } from '../../support/eventually.js';
import { blockFile, type KuboProcess, killAndRestart, removeKubo, startKubo } from './kubo-process.js';
import { vaultConformance } from './vault-conformance.js';
import { flipByte, removeNodes, startNode, type VaultNode } from './vault-nodes.js';

const BINARY = process.env.KUBO_BIN ?? '';
if (BINARY === '') process.stdout.write('No real Kubo was tried: set KUBO_BIN to the path of an ipfs binary.\n');
const onRealKubo = BINARY === '' ? describe.skip : describe;

type RunningVault = { vault: KuboVault; incidents: VaultIncident[]; warnings: string[] };

async function startVault(kubo: KuboProcess, options: Partial<KuboVaultOptions> = {}): Promise<RunningVault> {
  const incidents: VaultIncident[] = [];
  const warnings: string[] = [];
  const vault = await KuboVault.start({
    url: kubo.url,
    onIncident: (incident) => incidents.push(incident),
    onWarning: (warning) => warnings.push(warning),
    fetchTimeoutMs: 1_500,
    ...options,
  });
  return { vault, incidents, warnings };
}

const isThere = (file: string) =>
  access(file).then(
    () => true,
    () => false,
  );

let kubo: KuboProcess;
let running: RunningVault;
beforeAll(async () => {
  if (BINARY === '') return;
  kubo = await startKubo(BINARY);
  running = await startVault(kubo);
});
afterAll(async () => {
  if (BINARY === '') return;
  await running.vault.stop();
  await removeKubo(kubo);
});

onRealKubo('KuboVault on a real node', () => {
  vaultConformance('KuboVault', () => running.vault);

  it.each([0, 1, 255 << 10, 1 << 20, (1 << 20) + 1, 5 << 20, 16 << 20])(
    'an object of %i bytes has the CID of the embedded vault',
    async (sizeBytes) => {
      const object = randomBytes(sizeBytes);
      const node = new KuboNode(new KuboRpc(kubo.url));
      const [given] = await node.add([object]);
      node.close();
      expect(given).toBe((await blocksOf(object)).cid.toString());
    },
  );

  it('warns of nothing when the node is set up as the documentation asks', () => {
    expect(running.warnings).toEqual([]);
  });

  it('keeps a batch of many sizes, which is more than one call carries', async () => {
    const objects = Array.from({ length: 130 }, (_, index) => randomBytes((index * 7_919) % 300_000));
    const cids = await running.vault.put(objects);
    const trees = await Promise.all(objects.map(blocksOf));
    expect(cids).toEqual(trees.map(({ cid }) => cid.toString()));
    for (const index of [0, 99, 100, 129])
      expect(Buffer.compare(await running.vault.get(cids[index] ?? ''), objects[index] ?? Buffer.of())).toBe(0);
  });

  it('has its objects, pinned, after the node was killed', async () => {
    const objects = [randomBytes(4_000), randomBytes(2_500_000)];
    const cids = await running.vault.put(objects);
    await running.vault.stop();
    await killAndRestart(BINARY, kubo);
    running = await startVault(kubo);
    for (const [index, cid] of cids.entries())
      expect(Buffer.compare(await running.vault.get(cid), objects[index] ?? Buffer.of())).toBe(0);
    const collected = await fetch(`${kubo.url}/api/v0/repo/gc`, { method: 'POST' });
    expect(await collected.text()).not.toContain('"Error"');
    for (const cid of cids) expect(await running.vault.has(cid)).toBe(true);
  });
});

onRealKubo('The blocks of a KuboVault on disk', () => {
  it.each([
    { name: 'a flipped byte', spoil: flipByte, code: 'CONTENT_CORRUPT' },
    { name: 'a deleted file', spoil: unlink, code: 'CONTENT_MISSING' },
  ])('$name is noticed, and putting the object again mends it', async ({ spoil, code }) => {
    const object = randomBytes(3_000_000);
    const [cid = ''] = await running.vault.put([object, randomBytes(100)]);
    const leaf = (await blocksOf(object)).blocks[1]?.cid.toString() ?? '';
    await spoil(blockFile(kubo, leaf));
    await expect(running.vault.get(cid)).rejects.toMatchObject({ code });
    expect(await running.vault.getLocal(cid)).toBeUndefined();
    await running.vault.put([randomBytes(100), object]);
    expect(Buffer.compare((await running.vault.getLocal(cid)) ?? Buffer.of(), object)).toBe(0);
  });

  it('erases every block of an object from the disk, but for what another object shares', async () => {
    const shared = randomBytes(1_048_576);
    const object = Buffer.concat([shared, randomBytes(500_000)]);
    const [large = '', small = ''] = await running.vault.put([object, shared]);
    const files = (await blocksOf(object)).blocks.map(({ cid }) => blockFile(kubo, cid.toString()));
    expect(await Promise.all(files.map(isThere))).toEqual([true, true, true]);
    await running.vault.remove(large);
    expect(await Promise.all(files.map(isThere))).toEqual([true, false, false]);
    expect(Buffer.compare(await running.vault.get(small), shared)).toBe(0);
    await running.vault.remove(small);
    expect(await isThere(blockFile(kubo, small))).toBe(false);
  });
});

onRealKubo('KuboVault on a node with the settings of Kubo', () => {
  let lax: KuboProcess;
  let vault: KuboVault;
  let warnings: string[];
  beforeAll(async () => {
    lax = await startKubo(BINARY, { sync: false, hashOnRead: false });
    ({ vault, warnings } = await startVault(lax));
  });
  afterAll(async () => {
    await vault.stop();
    await removeKubo(lax);
  });

  it('names those that weaken the vault', () => {
    expect(warnings).toEqual([
      expect.stringContaining('the flatfs store blocks of Datastore.Spec has sync off'),
      expect.stringContaining('Datastore.HashOnRead is off'),
    ]);
  });

  it('finds damage that the node does not look for', async () => {
    const object = randomBytes(5_000);
    const [cid = ''] = await vault.put([object]);
    await flipByte(blockFile(lax, cid));
    await expect(vault.get(cid)).rejects.toMatchObject({ code: 'CONTENT_CORRUPT' });
    await vault.put([object]);
    expect(Buffer.compare(await vault.get(cid), object)).toBe(0);
  });
});

onRealKubo('Vault nodes of both kinds that know each other', () => {
  let kubos: [KuboProcess, KuboProcess];
  let vaults: [RunningVault, RunningVault];
  let embedded: VaultNode;
  beforeAll(async () => {
    kubos = [await startKubo(BINARY), await startKubo(BINARY)];
    vaults = [await startVault(kubos[0]), await startVault(kubos[1])];
    embedded = await startNode('embedded');
    const addresses = {
      a: await vaults[0].vault.addresses(),
      b: await vaults[1].vault.addresses(),
      embedded: embedded.vault.addresses(),
    };
    const others = (own: string) =>
      Object.entries(addresses).flatMap(([name, known]) => (name === own ? [] : [{ name, addresses: known }]));
    vaults[0].vault.setPeers(others('a'));
    vaults[1].vault.setPeers(others('b'));
    embedded.vault.setPeers(others('embedded'));
  });
  afterAll(async () => {
    for (const { vault } of vaults) await vault.stop();
    for (const kubo of kubos) await removeKubo(kubo);
    await removeNodes([embedded]);
  });

  it.each([
    { name: 'Kubo gets from the embedded node', from: () => embedded.vault, to: () => vaults[0].vault },
    { name: 'Kubo gets from Kubo', from: () => vaults[0].vault, to: () => vaults[1].vault },
    { name: 'the embedded node gets from Kubo', from: () => vaults[1].vault, to: () => embedded.vault },
  ])('$name, and keeps it', async ({ from, to }) => {
    const object = randomBytes(2_500_000);
    const [cid = ''] = await from().put([object]);
    expect(Buffer.compare(await to().get(cid), object)).toBe(0);
    expect(Buffer.compare((await to().getLocal(cid)) ?? Buffer.of(), object)).toBe(0);
  });

  it('a damaged block is dropped and fetched from another node, and its object pinned again', async () => {
    const [{ vault, incidents }] = vaults;
    const object = randomBytes(2_500_000);
    const [cid = ''] = await vault.put([object]);
    await embedded.vault.put([object]);
    const leaf = (await blocksOf(object)).blocks[0]?.cid.toString() ?? '';
    await flipByte(blockFile(kubos[0], leaf));
    incidents.length = 0;
    expect(Buffer.compare(await vault.get(cid), object)).toBe(0);
    expect(incidents).toEqual([{ cid: leaf, kind: 'corrupt', healedFrom: expect.stringContaining('embedded') }]);
    await fetch(`${kubos[0].url}/api/v0/repo/gc`, { method: 'POST' }).then((answer) => answer.text());
    expect(await vault.has(cid)).toBe(true);
  });

  it('a hundred readers of one missing object cause one fetch', async () => {
    const [a, b] = vaults;
    const [cid = ''] = await a.vault.put([randomBytes(8_000)]);
    b.incidents.length = 0;
    await Promise.all(Array.from({ length: 100 }, () => b.vault.get(cid)));
    expect(b.incidents).toHaveLength(1);
  });

  it('is told of the others for as long as it runs', async () => {
    const known = () =>
      fetch(`${kubos[0].url}/api/v0/swarm/peering/ls`, { method: 'POST' }).then((answer) => answer.text());
    await untilTrue(known, (list) => list.includes(embedded.vault.addresses()[0]?.split('/p2p/')[1] ?? 'none'));
    vaults[0].vault.setPeers([]);
    await untilTrue(known, (list) => !list.includes('12D3Koo'));
  });
});
