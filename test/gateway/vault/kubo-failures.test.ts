import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { KuboRpc } from '../../../gateway/vault/kubo-rpc.js';
import { KuboVault, type KuboVaultOptions } from '../../../gateway/vault/kubo-vault.js';
import { MemoryVault } from '../../../gateway/vault/memory-vault.js';
import { blocksOf } from '../../../gateway/vault/object-blocks.js';
import { ReplicatedVault } from '../../../gateway/vault/replication.js';
import type { VaultIncident } from '../../../gateway/vault/vault.js';
import { refuse, StubKubo } from './stub-kubo.js';
import { vaultConformance } from './vault-conformance.js';

const OTHER_CID = 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku';
const PEER = { name: 'b', addresses: ['/ip4/127.0.0.1/tcp/9/p2p/12D3KooWOther'] };

let stub: StubKubo;
let vault: KuboVault;
let incidents: VaultIncident[];
let warnings: string[];
beforeEach(async () => {
  stub = await StubKubo.start();
  incidents = [];
  warnings = [];
  vault = await start();
});
afterEach(async () => {
  await vault.stop();
  await stub.stop();
});

function start(options: Partial<KuboVaultOptions> = {}): Promise<KuboVault> {
  return KuboVault.start({
    url: stub.url,
    onIncident: (incident) => incidents.push(incident),
    onWarning: (warning) => warnings.push(warning),
    fetchTimeoutMs: 100,
    ...options,
  });
}

vaultConformance('KuboVault over the RPC alone', () => vault);

describe('KuboVault.start', () => {
  it('fails when nothing answers, and does not show the password', async () => {
    const starting = start({ url: 'http://vault:secret@127.0.0.1:9' });
    await expect(starting).rejects.toMatchObject({
      code: 'VAULT_UNAVAILABLE',
      message: 'The Kubo node at http://127.0.0.1:9 does not answer id: start it, or correct VAULT_KUBO_URL',
    });
  });

  it('sends user and password, and says when they are not enough', async () => {
    stub.authorization = `Basic ${Buffer.from('vault:a secret').toString('base64')}`;
    const named = await start({ url: stub.url.replace('//', '//vault:a%20secret@') });
    expect(await named.put([Buffer.from('object')])).toHaveLength(1);
    await named.stop();
    await expect(start()).rejects.toMatchObject({ message: expect.stringContaining('API.Authorizations') });
  });

  it.each([
    { name: 'has no such path', status: 404, part: 'by default port 5001' },
    { name: 'is a web server', status: 200, part: 'is no Kubo node' },
  ])('fails when what answers $name', async ({ status, part }) => {
    const server = createServer((_request, answer) => answer.writeHead(status).end('<html>'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await expect(start({ url })).rejects.toMatchObject({
      code: 'VAULT_UNAVAILABLE',
      message: expect.stringContaining(part),
    });
    server.close();
  });

  it('fails when the node gives other CIDs', async () => {
    stub.faults.set('add', (_call, answer) => void answer.end(JSON.stringify({ Name: '0', Hash: OTHER_CID })));
    await expect(start()).rejects.toMatchObject({ message: expect.stringContaining('gives other CIDs') });
  });

  it('warns when the settings may not be read', async () => {
    stub.faults.set('config/show', (_call, answer) => void answer.writeHead(403).end('denied'));
    await (await start()).stop();
    expect(warnings).toEqual([expect.stringContaining('settings are not known')]);
  });

  it('warns when the node announces no address over TCP', async () => {
    const Addresses = ['/ip4/127.0.0.1/udp/4001/quic-v1/p2p/12D3KooWStub'];
    stub.faults.set('id', (_call, answer) => void answer.end(JSON.stringify({ ID: '12D3KooWStub', Addresses })));
    await (await start()).stop();
    expect(warnings).toEqual([expect.stringContaining('no address that the other')]);
  });
});

describe('KuboVault.put', () => {
  it('acknowledges nothing when the node fails half way, and says why', async () => {
    stub.faults.set('add', (_call, answer) => {
      answer.writeHead(200, { trailer: 'X-Stream-Error' });
      answer.write(`${JSON.stringify({ Name: '0', Hash: OTHER_CID })}\n`);
      answer.addTrailers({ 'X-Stream-Error': 'no space left on device' });
      answer.end();
    });
    await expect(vault.put([Buffer.from('object')])).rejects.toMatchObject({
      code: 'VAULT_UNAVAILABLE',
      message: expect.stringContaining('no space left on device'),
    });
  });

  it('acknowledges nothing when the answer is cut off', async () => {
    stub.faults.set('add', (_call, answer) => {
      answer.write('{"Name":');
      setImmediate(() => answer.destroy());
    });
    await expect(vault.put([Buffer.from('object')])).rejects.toMatchObject({ code: 'VAULT_UNAVAILABLE' });
  });

  it.each([
    { name: 'another CID', lines: [{ Name: '0', Hash: OTHER_CID }] },
    { name: 'none', lines: [] },
  ])('fails when the node answers with $name', async ({ lines }) => {
    stub.faults.set('add', (_call, answer) => void answer.end(lines.map((line) => JSON.stringify(line)).join('\n')));
    await expect(vault.put([Buffer.from('object')])).rejects.toMatchObject({ code: 'VAULT_UNAVAILABLE' });
  });

  it.each([
    { name: 'that the node checks', hashOnRead: true },
    { name: 'that the node does not check', hashOnRead: false },
  ])('mends damage $name', async ({ hashOnRead }) => {
    stub.hashOnRead = hashOnRead;
    const object = randomBytes(2_500_000);
    const [cid = ''] = await vault.put([object]);
    stub.damage((await blocksOf(object)).blocks[1]?.cid.toString() ?? '');
    await expect(vault.get(cid)).rejects.toMatchObject({ code: 'CONTENT_CORRUPT' });
    await vault.put([Buffer.from('another'), object]);
    expect(Buffer.compare(await vault.get(cid), object)).toBe(0);
    expect(stub.pins.has(cid)).toBe(true);
  });

  it('fails when damage cannot be mended', async () => {
    const [cid = ''] = await vault.put([Buffer.from('object')]);
    stub.damage(cid);
    stub.faults.set('block/rm', ({ args }, answer) => void answer.end(JSON.stringify({ Hash: args[0] })));
    await expect(vault.put([Buffer.from('object')])).rejects.toMatchObject({
      code: 'VAULT_UNAVAILABLE',
      message: expect.stringContaining('ipfs repo verify --drop'),
    });
  });
});

describe('KuboVault.get', () => {
  it.each([
    { name: 'this node alone', call: () => vault.getLocal('x') },
    { name: 'the others too', call: () => vault.get('x') },
  ])('takes no refusal for absence when it asks $name', async ({ call }) => {
    const [cid = ''] = await vault.put([Buffer.from('object')]);
    stub.faults.set('block/get', (_call, answer) => refuse(answer, 'too many open files'));
    await expect(vault.getLocal(cid)).rejects.toMatchObject({ code: 'VAULT_UNAVAILABLE' });
    await expect(vault.get(cid)).rejects.toMatchObject({ code: 'VAULT_UNAVAILABLE' });
    await expect(call()).rejects.toMatchObject({ code: 'CONTENT_MISSING' });
  });

  it.each([
    { name: 'nobody is known', peers: [] },
    { name: 'nobody can be reached', peers: [PEER] },
  ])('says at once that an object is missing when $name', async ({ peers }) => {
    vault.setPeers(peers);
    stub.taken();
    await expect(vault.get(OTHER_CID)).rejects.toMatchObject({ code: 'CONTENT_MISSING' });
    expect(stub.taken().filter((command) => command === 'block/get')).toHaveLength(1);
    expect(incidents).toEqual([{ cid: OTHER_CID, kind: 'missing' }]);
  });

  it('believes no node: other bytes than those of the CID are not given', async () => {
    vault.setPeers([PEER]);
    stub.peers = ['12D3KooWOther'];
    stub.faults.set('block/get', ({ query }, answer) => {
      if (query.get('offline') === 'true') refuse(answer, `ipld: could not find ${OTHER_CID}`);
      else answer.end('something else');
    });
    await expect(vault.get(OTHER_CID)).rejects.toMatchObject({ code: 'CONTENT_MISSING' });
  });

  it('damage that no node heals is mended from the gateway of another organisation', async () => {
    const other = new MemoryVault();
    const remotes = [{ name: 'b', pin: other.put.bind(other, []), read: (cid: string) => other.getLocal(cid) }];
    const replicated = new ReplicatedVault({ local: vault, remotes });
    const object = randomBytes(1_500_000);
    const [cid = ''] = await vault.put([object]);
    await other.put([object]);
    stub.damage((await blocksOf(object)).blocks[0]?.cid.toString() ?? '');
    expect(Buffer.compare(await replicated.get(cid), object)).toBe(0);
    expect(Buffer.compare((await vault.getLocal(cid)) ?? Buffer.of(), object)).toBe(0);
  });
});

describe('A KuboVault among others', () => {
  it('gives the addresses that an embedded node can dial', async () => {
    expect(await vault.addresses()).toEqual(['/ip4/127.0.0.1/tcp/4001/p2p/12D3KooWStub']);
  });

  it('warns when another organisation uses the same node, which then is no second one', async () => {
    vault.setPeers([{ name: 'b', addresses: await vault.addresses() }]);
    expect(warnings).toEqual([expect.stringContaining('b uses this same node')]);
  });

  it('erases nothing silently: what the node keeps without a pin is told', async () => {
    const [cid = ''] = await vault.put([Buffer.from('object')]);
    stub.faults.set('block/rm', ({ args }, answer) => {
      answer.end(JSON.stringify({ Hash: args[0], Error: 'permission denied' }));
    });
    await expect(vault.remove(cid)).rejects.toMatchObject({ message: expect.stringContaining('permission denied') });
  });

  it('does not wait longer than it was told', async () => {
    stub.faults.set('id', () => undefined);
    const rpc = new KuboRpc(stub.url);
    await expect(rpc.call('id', { timeoutMs: 50 })).rejects.toMatchObject({ code: 'VAULT_UNAVAILABLE' });
    rpc.close();
  });

  it('takes no answer that is larger than it can be', async () => {
    stub.faults.set('cat', (_call, answer) => void answer.end(Buffer.alloc(2_000)));
    const rpc = new KuboRpc(stub.url);
    await expect(rpc.call('cat', { answerBytesMax: 1_999 })).rejects.toMatchObject({ code: 'VAULT_UNAVAILABLE' });
    expect(await rpc.call('cat', { answerBytesMax: 2_000 })).toHaveLength(2_000);
    rpc.close();
  });
});
