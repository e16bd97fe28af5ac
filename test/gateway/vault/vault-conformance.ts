import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { Vault } from '../../../gateway/vault/vault.js';

/** What every vault keeps to; `vault` gives the one under test, ready to use. */
export function vaultConformance(name: string, vault: () => Vault): void {
  describe(`${name} as a Vault`, () => {
    it.each([
      { name: 'nothing', sizeBytes: 0 },
      { name: 'a small object', sizeBytes: 4_000 },
      { name: 'a full block', sizeBytes: 1_048_576 },
      { name: 'one byte over a block', sizeBytes: 1_048_577 },
      { name: 'several blocks', sizeBytes: 3_500_000 },
    ])('$name comes back as it was put, and is gone once removed', async ({ sizeBytes }) => {
      const object = randomBytes(sizeBytes);
      const [cid = ''] = await vault().put([object]);
      expect(await vault().has(cid)).toBe(true);
      const sha256Hex = createHash('sha256').update(object).digest('hex');
      expect(Buffer.compare(await vault().get(cid, sha256Hex), object)).toBe(0);
      expect(Buffer.compare((await vault().getLocal(cid)) ?? Buffer.from('none'), object)).toBe(0);
      await vault().remove(cid);
      expect(await vault().has(cid)).toBe(false);
      expect(await vault().getLocal(cid)).toBeUndefined();
      await expect(vault().get(cid)).rejects.toMatchObject({ code: 'CONTENT_MISSING' });
    });

    it('gives CIDs in the order of the objects, and the same for the same bytes', async () => {
      const objects = Array.from({ length: 20 }, (_, index) => Buffer.from(`object ${index}`));
      const cids = await vault().put(objects);
      expect(new Set(cids).size).toBe(20);
      expect(await vault().put([...objects].reverse())).toEqual([...cids].reverse());
      expect(Buffer.from(await vault().get(cids[7] ?? '')).toString()).toBe('object 7');
    });

    it('refuses an object that is not the one the chain describes', async () => {
      const [cid = ''] = await vault().put([Buffer.from('something')]);
      await expect(vault().get(cid, '00'.repeat(32))).rejects.toMatchObject({ code: 'CONTENT_CORRUPT' });
    });

    it('removes what is not there, and refuses what is no CID', async () => {
      const [cid = ''] = await vault().put([Buffer.from('once')]);
      await vault().remove(cid);
      await vault().remove(cid);
      await expect(vault().get('../../etc/passwd')).rejects.toMatchObject({ code: 'CONTENT_MISSING' });
    });
  });
}
