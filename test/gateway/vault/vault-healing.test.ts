import { createHash, randomBytes } from 'node:crypto';
import { unlink } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { pinObjects } from '../../../gateway/vault/pinning.js';
import { untilTrue } from '../../support/eventually.js';
import { flipByte, introduce, putAt, removeNodes, startNode, type VaultNode } from './vault-nodes.js';

/** How long a node looks for what it has not; it must not take that long where another node has it. */
const FETCH_MS = 120_000;
const SOON_MS = FETCH_MS / 2;

let nodes: [VaultNode, VaultNode, VaultNode];
beforeAll(async () => {
  const patient = { fetchTimeoutMs: FETCH_MS };
  nodes = [await startNode('a', patient), await startNode('b', patient), await startNode('c', patient)];
  introduce(nodes);
});
afterAll(() => removeNodes(nodes));
beforeEach(() => {
  for (const node of nodes) node.incidents.length = 0;
});

describe('Reading from HeliaVaults that know each other', () => {
  it.each([
    { name: 'a small object', sizeBytes: 4_000 },
    { name: 'an object of 4 MiB', sizeBytes: 4 << 20 },
  ])('$name is fetched from the node that has it, and kept', async ({ sizeBytes }) => {
    const [a, b] = nodes;
    const object = randomBytes(sizeBytes);
    const [cid = ''] = await a.vault.put([object]);
    const sha256Hex = createHash('sha256').update(object).digest('hex');
    const startedMs = performance.now();
    expect(Buffer.compare(await b.vault.get(cid, sha256Hex), object)).toBe(0);
    expect(performance.now() - startedMs).toBeLessThan(SOON_MS);
    expect(b.incidents[0]).toMatchObject({ kind: 'missing', healedFrom: 'a' });
    expect(Buffer.compare((await b.vault.getLocal(cid)) ?? Buffer.of(), object)).toBe(0);
  });

  it.each([
    { name: 'a flipped byte', spoil: flipByte, kind: 'corrupt' },
    { name: 'a deleted file', spoil: unlink, kind: 'missing' },
  ])('$name is noticed when the object is read, replaced from another node and stays so', async ({ spoil, kind }) => {
    const [a, b] = nodes;
    const object = randomBytes(3_000_000);
    const { cid, files } = await putAt(a, object);
    await pinObjects(b.vault, { cids: [cid] });
    await spoil(files[0] ?? '');
    const startedMs = performance.now();
    expect(Buffer.compare(await a.vault.get(cid), object)).toBe(0);
    expect(performance.now() - startedMs).toBeLessThan(SOON_MS);
    expect(a.incidents).toEqual([{ cid: expect.any(String), kind, healedFrom: 'b' }]);
    expect(Buffer.compare((await a.vault.getLocal(cid)) ?? Buffer.of(), object)).toBe(0);
  });

  it('damage that another node meets is healed at its owner, and the asker is served by a third', async () => {
    const [a, b, c] = nodes;
    const object = randomBytes(7_000);
    const { cid, files } = await putAt(a, object);
    await c.vault.put([object]);
    await flipByte(files[0] ?? '');
    expect(Buffer.compare(await b.vault.get(cid), object)).toBe(0);
    await untilTrue(
      () => a.incidents.length,
      (count) => count > 0,
    );
    expect(a.incidents[0]).toMatchObject({ cid, kind: 'corrupt', healedFrom: expect.stringMatching(/^[bc]$/) });
    expect(Buffer.compare((await a.vault.getLocal(cid)) ?? Buffer.of(), object)).toBe(0);
  });
});

describe('Asking HeliaVaults that know each other', () => {
  it('a hundred readers of one missing object cause one fetch', async () => {
    const [a, b] = nodes;
    const [cid = ''] = await a.vault.put([randomBytes(8_000)]);
    await Promise.all(Array.from({ length: 100 }, () => b.vault.get(cid)));
    expect(b.incidents).toHaveLength(1);
  });

  it('what nobody has is reported missing within the deadline', async () => {
    const cid = 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku';
    const asking = await startNode('asking', { fetchTimeoutMs: 500 });
    asking.vault.setPeers([{ name: 'a', addresses: nodes[0].vault.addresses() }]);
    const startedMs = performance.now();
    await expect(asking.vault.get(cid)).rejects.toMatchObject({ code: 'CONTENT_MISSING' });
    expect(performance.now() - startedMs).toBeLessThan(SOON_MS);
    await removeNodes([asking]);
  });

  it('a stranger is given nothing', async () => {
    const [a] = nodes;
    const [cid = ''] = await a.vault.put([randomBytes(2_000)]);
    const stranger = await startNode('stranger');
    stranger.vault.setPeers([{ name: 'a', addresses: a.vault.addresses() }]);
    await expect(stranger.vault.get(cid)).rejects.toMatchObject({ code: 'CONTENT_MISSING' });
    await removeNodes([stranger]);
  });

  it('a node that stops does not wait for answers to come', async () => {
    const stopping = await startNode('stopping', { fetchTimeoutMs: FETCH_MS });
    stopping.vault.setPeers([{ name: 'a', addresses: nodes[0].vault.addresses() }]);
    nodes[0].vault.setPeers([{ name: 'stopping', addresses: stopping.vault.addresses() }]);
    const reading = stopping.vault.get('bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku');
    const refused = expect(reading).rejects.toMatchObject({ code: 'CONTENT_MISSING' });
    await new Promise((resolve) => setTimeout(resolve, 200));
    const startedMs = performance.now();
    await removeNodes([stopping]);
    await refused;
    expect(performance.now() - startedMs).toBeLessThan(SOON_MS);
    introduce(nodes);
  });

  it('a node whose port is taken says so', async () => {
    const [address = ''] = nodes[0].vault.addresses();
    const taken = address.slice(0, address.indexOf('/p2p/'));
    await expect(startNode('second', { listenAddress: taken })).rejects.toMatchObject({ code: 'VAULT_UNAVAILABLE' });
  });
});
