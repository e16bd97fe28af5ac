import { describe, expect, it } from '@jest/globals';
import { MemoryVault } from '../../../gateway/vault/memory-vault.js';
import { pinObjects } from '../../../gateway/vault/pinning.js';
import { type RemoteVault, ReplicatedVault } from '../../../gateway/vault/replication.js';
import { vaultConformance } from './vault-conformance.js';

type Remote = RemoteVault & { readonly vault: MemoryVault; calls: number };

function remote(name: string, fault?: 'down' | 'silent' | 'lies' | 'no reading'): Remote {
  const vault = new MemoryVault();
  return {
    name,
    vault,
    calls: 0,
    async pin(cids, objects = []) {
      this.calls += 1;
      if (fault === 'down') throw new Error('connection refused');
      if (fault === 'silent') return new Promise(() => undefined);
      if (fault === 'lies') return [...cids].fill('bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku');
      return pinObjects(vault, { cids, objects });
    },
    read: async (cid) => {
      if (fault === 'no reading') return undefined;
      return fault === 'lies' ? Buffer.from('something else') : vault.getLocal(cid);
    },
  };
}

function replicated(remotes: Remote[]) {
  const failures: string[] = [];
  const local = new MemoryVault();
  let nowMs = 0;
  const vault = new ReplicatedVault({
    local,
    remotes,
    pinTimeoutMs: 30,
    nowMs: () => nowMs,
    onRemoteFailure: ({ name }) => failures.push(name),
  });
  return { vault, local, failures, pass: (ms: number) => (nowMs += ms) };
}

const conforming = replicated([remote('b', 'no reading'), remote('c', 'no reading')]).vault;
vaultConformance('ReplicatedVault', () => conforming);

describe('ReplicatedVault.put', () => {
  it('has every object on another node too when it returns, each node in turn', async () => {
    const [b, c] = [remote('b'), remote('c')];
    const { vault, local } = replicated([b, c]);
    for (let index = 0; index < 4; index += 1) {
      const [cid = ''] = await vault.put([Buffer.from(`object ${index}`)]);
      expect(await local.has(cid)).toBe(true);
      expect((await b.vault.has(cid)) !== (await c.vault.has(cid))).toBe(true);
    }
    expect([b.calls, c.calls]).toEqual([2, 2]);
  });

  it('sends a batch in one call, and more than one call can carry in several', async () => {
    const b = remote('b');
    const { vault } = replicated([b]);
    await vault.put(Array.from({ length: 200 }, (_, index) => Buffer.from(`object ${index}`)));
    expect(b.calls).toBe(1);
    await vault.put([1, 2, 3].map((fill) => new Uint8Array(20 << 20).fill(fill)));
    expect(b.calls).toBe(4);
  });

  it.each(['down', 'silent', 'lies'] as const)('a node that is %s: the next one takes the copy', async (fault) => {
    const [b, c] = [remote('b', fault), remote('c')];
    const { vault, failures } = replicated([b, c]);
    const [cid = ''] = await vault.put([Buffer.from('object')]);
    expect(await c.vault.has(cid)).toBe(true);
    expect(failures).toEqual(['b']);
  });

  it('a node that failed is asked last for ten seconds, then in turn again', async () => {
    const [b, c] = [remote('b', 'down'), remote('c')];
    const { vault, pass } = replicated([b, c]);
    for (let index = 0; index < 4; index += 1) await vault.put([Buffer.from(`object ${index}`)]);
    expect([b.calls, c.calls]).toEqual([1, 4]);
    pass(10_001);
    for (let index = 4; index < 6; index += 1) await vault.put([Buffer.from(`object ${index}`)]);
    expect(b.calls).toBe(2);
  });

  it.each([
    { name: 'every other node is down', remotes: [remote('b', 'down'), remote('c', 'silent')], nodes: ['b', 'c'] },
    { name: 'no other node is configured', remotes: [], nodes: [] },
  ])('fails with the nodes asked when $name', async ({ remotes, nodes }) => {
    const { vault } = replicated(remotes);
    await expect(vault.put([Buffer.from('object')])).rejects.toMatchObject({ code: 'VAULT_UNAVAILABLE', nodes });
  });
});

describe('ReplicatedVault.get', () => {
  it('takes an object from another gateway, and keeps it, when this node cannot give it', async () => {
    const b = remote('b');
    const { vault, local } = replicated([remote('a'), b]);
    const [cid = ''] = await b.vault.put([Buffer.from('only there')]);
    expect(Buffer.from(await vault.get(cid)).toString()).toBe('only there');
    expect(await local.has(cid)).toBe(true);
  });

  it('believes no gateway: another object than the one asked for is not kept', async () => {
    const { vault, local, failures } = replicated([remote('b', 'lies')]);
    const [cid = ''] = await new MemoryVault().put([Buffer.from('nowhere')]);
    await expect(vault.get(cid)).rejects.toMatchObject({ code: 'CONTENT_MISSING' });
    const [wrong = ''] = await new MemoryVault().put([Buffer.from('something else')]);
    expect(await local.has(wrong)).toBe(false);
    expect(failures).toEqual(['b']);
  });
});

describe('pinObjects', () => {
  it('refuses objects that are not those of their CIDs, and keeps none of them', async () => {
    const vault = new MemoryVault();
    const [cid = ''] = await new MemoryVault().put([Buffer.from('right')]);
    const pinning = pinObjects(vault, { cids: [cid], objects: [Buffer.from('wrong')] });
    await expect(pinning).rejects.toMatchObject({ code: 'CONTENT_CORRUPT' });
    const [wrong = ''] = await new MemoryVault().put([Buffer.from('wrong')]);
    expect(await vault.has(wrong)).toBe(false);
  });
});
