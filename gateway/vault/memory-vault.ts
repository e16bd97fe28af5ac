import { blocksOf, parseCid, requireSha256 } from './object-blocks.js';
import type { Vault } from './vault.js';
import { VaultError } from './vault-errors.js';

/** A vault in memory, for tests of what stands on the port: same CIDs and refusals, nothing durable. */
export class MemoryVault implements Vault {
  readonly #objects = new Map<string, Uint8Array>();

  async put(objects: readonly Uint8Array[]): Promise<string[]> {
    const trees = await Promise.all(objects.map(blocksOf));
    return trees.map(({ cid }, index) => {
      this.#objects.set(cid.toString(), Uint8Array.from(objects[index] ?? []));
      return cid.toString();
    });
  }

  async get(cid: string, expectedSha256Hex?: string): Promise<Uint8Array> {
    const object = await this.getLocal(cid);
    if (object === undefined) throw new VaultError('CONTENT_MISSING', `No vault node has the object ${cid}`);
    requireSha256(object, expectedSha256Hex, cid);
    return object;
  }

  async getLocal(cid: string): Promise<Uint8Array | undefined> {
    return this.#objects.get(parseCid(cid).toString());
  }

  async has(cid: string): Promise<boolean> {
    return this.#objects.has(parseCid(cid).toString());
  }

  async remove(cid: string): Promise<void> {
    this.#objects.delete(parseCid(cid).toString());
  }

  async stop(): Promise<void> {}
}
