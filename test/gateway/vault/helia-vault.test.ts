import { randomBytes } from 'node:crypto';
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FsBlockstore } from 'blockstore-fs';
import { CID } from 'multiformats/cid';
import { vaultConformance } from './vault-conformance.js';
import { blockFiles, flipByte, putAt, removeNodes, restartNode, startNode, type VaultNode } from './vault-nodes.js';

let alone: VaultNode;
beforeAll(async () => {
  alone = await startNode('alone');
});
afterAll(() => removeNodes([alone]));

vaultConformance('HeliaVault', () => alone.vault);

describe('A HeliaVault by itself', () => {
  it('has its objects and its node id after a restart', async () => {
    const objects = [randomBytes(4_000), randomBytes(2_500_000)];
    const cids = await alone.vault.put(objects);
    const idOf = (address = '') => address.slice(address.indexOf('/p2p/'));
    const before = idOf(alone.vault.addresses()[0]);
    await restartNode(alone);
    expect(before).toMatch(/^\/p2p\/12D3Koo/);
    expect(idOf(alone.vault.addresses()[0])).toBe(before);
    for (const [index, cid] of cids.entries()) {
      expect(Buffer.compare(await alone.vault.get(cid), objects[index] ?? Buffer.of())).toBe(0);
    }
  });

  it('keeps its folder to its owner, and files that the stock blockstore reads', async () => {
    const object = randomBytes(2_000);
    const [cid = ''] = await alone.vault.put([object]);
    expect((await stat(join(alone.directory, 'peer.key'))).mode & 0o777).toBe(0o600);
    const stock = new FsBlockstore(join(alone.directory, 'blocks'));
    const portions: Uint8Array[] = [];
    for await (const portion of stock.get(CID.parse(cid))) portions.push(portion);
    expect(Buffer.compare(Buffer.concat(portions), object)).toBe(0);
  });

  it('clears away at start what a crash left unfinished', async () => {
    const [shard = ''] = (await readdir(join(alone.directory, 'blocks'))).filter((name) => name.length === 2);
    const left = join(alone.directory, 'blocks', shard, '.writing-0123456789abcdef');
    await writeFile(left, 'half a block');
    await restartNode(alone);
    await expect(stat(left)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('says that a damaged object cannot be healed, drops it, and takes it anew', async () => {
    const object = randomBytes(5_000);
    const { cid, files } = await putAt(alone, object);
    await flipByte(files[0] ?? '');
    alone.incidents.length = 0;
    await expect(alone.vault.get(cid)).rejects.toMatchObject({ code: 'CONTENT_CORRUPT' });
    expect(alone.incidents).toEqual([{ cid, kind: 'corrupt' }]);
    await alone.vault.put([object]);
    expect(Buffer.compare(await alone.vault.get(cid), object)).toBe(0);
  });

  it('putting an object again replaces a damaged copy', async () => {
    const object = randomBytes(6_000);
    const { cid, files } = await putAt(alone, object);
    await flipByte(files[0] ?? '');
    await alone.vault.put([object]);
    expect(Buffer.compare((await alone.vault.getLocal(cid)) ?? Buffer.of(), object)).toBe(0);
  });

  it('erases every block of a large object from the disk', async () => {
    const before = await blockFiles(alone);
    const [cid = ''] = await alone.vault.put([randomBytes(2_500_000)]);
    expect((await blockFiles(alone)).length).toBe(before.length + 4);
    await alone.vault.remove(cid);
    expect(await blockFiles(alone)).toEqual(before);
  });

  it('says so when parts of an object cannot be found to erase them', async () => {
    const { cid, files } = await putAt(alone, randomBytes(2_500_000));
    // The root is the smallest block: links to the leaves, 159 bytes.
    await flipByte(files.at(-1) ?? '');
    await expect(alone.vault.remove(cid)).rejects.toMatchObject({ code: 'CONTENT_MISSING' });
  });
});
