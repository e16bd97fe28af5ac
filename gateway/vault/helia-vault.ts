import { join } from 'node:path';
import type { CID } from 'multiformats/cid';
import { DurableBlockstore } from './durable-blockstore.js';
import { blocksOf, objectOf, parseCid, requireSha256, treeOf } from './object-blocks.js';
import { loadPeerKey } from './peer-key.js';
import type { Vault, VaultIncident } from './vault.js';
import { VaultError } from './vault-errors.js';
import { VaultNetwork, type VaultPeer } from './vault-network.js';

const FETCH_TIMEOUT_MS_DEFAULT = 5_000;

export type HeliaVaultOptions = {
  /** Blocks go to `blocks/`, the node's key to `peer.key`. */
  readonly directory: string;
  /** A TCP multiaddr, such as /ip4/127.0.0.1/tcp/0. */
  readonly listenAddress: string;
  readonly peers?: readonly VaultPeer[];
  readonly onIncident?: (incident: VaultIncident) => void;
  /** How long the other nodes may take for one block. */
  readonly fetchTimeoutMs?: number;
};

type Healing = { readonly bytes?: Uint8Array; readonly cause?: unknown };

/** A vault on this machine's disk: an IPFS node that knows only the nodes of the other organisations. */
export class HeliaVault implements Vault {
  readonly #blocks: DurableBlockstore;
  readonly #network: VaultNetwork;
  readonly #onIncident: (incident: VaultIncident) => void;
  readonly #fetchTimeoutMs: number;
  readonly #healing = new Map<string, Promise<Healing>>();

  static async start(options: HeliaVaultOptions): Promise<HeliaVault> {
    // Damage met while serving another node, or by getLocal, is healed as well: nobody else would come back to it.
    let heal = (_cid: CID): void => undefined;
    const blockstore = new DurableBlockstore(join(options.directory, 'blocks'), (cid) => heal(cid));
    await blockstore.open();
    const network = await VaultNetwork.start({
      blockstore,
      privateKey: await loadPeerKey(join(options.directory, 'peer.key')),
      listenAddress: options.listenAddress,
      peers: options.peers ?? [],
    });
    const vault = new HeliaVault(blockstore, network, options);
    heal = (cid) => void vault.#heal(cid, 'corrupt');
    return vault;
  }

  private constructor(blocks: DurableBlockstore, network: VaultNetwork, options: HeliaVaultOptions) {
    this.#blocks = blocks;
    this.#network = network;
    this.#onIncident = options.onIncident ?? (() => undefined);
    this.#fetchTimeoutMs = options.fetchTimeoutMs ?? FETCH_TIMEOUT_MS_DEFAULT;
  }

  /** Multiaddrs that the other organisations' nodes reach this one at. */
  addresses(): string[] {
    return this.#network.addresses();
  }

  /** Replaces the list of other nodes; see VaultNetwork. */
  setPeers(peers: readonly VaultPeer[]): void {
    this.#network.setPeers(peers);
  }

  async put(objects: readonly Uint8Array[]): Promise<string[]> {
    const trees = await Promise.all(objects.map(blocksOf));
    await this.#blocks.keep(trees.flatMap(({ blocks }) => blocks));
    return trees.map(({ cid }) => cid.toString());
  }

  async get(cid: string, expectedSha256Hex?: string): Promise<Uint8Array> {
    const object = await objectOf(parseCid(cid), (blockCid) => this.#readOrFetch(blockCid));
    requireSha256(object, expectedSha256Hex, cid);
    return object;
  }

  async getLocal(cid: string): Promise<Uint8Array | undefined> {
    const root = parseCid(cid);
    // Looking first keeps reading an object of which only parts are here from failing half way.
    if (!(await this.has(cid))) return undefined;
    try {
      return await objectOf(root, async (blockCid) => {
        const found = await this.#blocks.read(blockCid);
        if (found.state === 'ok') return found.bytes;
        throw new VaultError('CONTENT_MISSING', `The block ${blockCid} of ${cid} is not whole here`);
      });
    } catch (error) {
      if (error instanceof VaultError) return undefined;
      throw error;
    }
  }

  async has(cid: string): Promise<boolean> {
    const { cids, complete } = await treeOf(parseCid(cid), (inner) => this.#readLocal(inner));
    if (!complete) return false;
    const held = await Promise.all(cids.map((blockCid) => this.#blocks.has(blockCid)));
    return held.every(Boolean);
  }

  async remove(cid: string): Promise<void> {
    const root = parseCid(cid);
    const wasHere = await this.#blocks.has(root);
    const { cids, complete } = await treeOf(root, (inner) => this.#readLocal(inner));
    // A block that is just being fetched would otherwise come back after it was erased.
    await Promise.all(cids.map((blockCid) => this.#healing.get(blockCid.toString())));
    await this.#blocks.erase(cids);
    if (wasHere && !complete) {
      const message = `A block that names parts of ${cid} is damaged: those parts could not be found and may remain`;
      throw new VaultError('CONTENT_MISSING', message);
    }
  }

  async stop(): Promise<void> {
    await this.#network.stop();
    await Promise.all(this.#healing.values());
  }

  async #readLocal(cid: CID): Promise<Uint8Array | undefined> {
    const found = await this.#blocks.read(cid);
    return found.state === 'ok' ? found.bytes : undefined;
  }

  async #readOrFetch(cid: CID): Promise<Uint8Array> {
    const found = await this.#blocks.read(cid);
    if (found.state === 'ok') return found.bytes;
    const healed = await this.#heal(cid, found.state);
    if (healed.bytes !== undefined) return healed.bytes;
    const [code, what] =
      found.state === 'corrupt'
        ? (['CONTENT_CORRUPT', 'was damaged'] as const)
        : (['CONTENT_MISSING', 'is missing'] as const);
    const message = `The block ${cid} ${what} here and no other vault node gave it: bring one that has it back`;
    throw new VaultError(code, message, { cause: healed.cause });
  }

  /** Fetches a block that is damaged or missing here, once however many wait for it. Never rejects. */
  #heal(cid: CID, kind: VaultIncident['kind']): Promise<Healing> {
    const key = cid.toString();
    const known = this.#healing.get(key);
    if (known !== undefined) return known;
    const healing = this.#fetch(cid, kind).finally(() => this.#healing.delete(key));
    this.#healing.set(key, healing);
    return healing;
  }

  async #fetch(cid: CID, kind: VaultIncident['kind']): Promise<Healing> {
    try {
      const found = await this.#network.fetch(cid, this.#fetchTimeoutMs);
      this.#onIncident({ cid: cid.toString(), kind, ...(found === undefined ? {} : { healedFrom: found.from }) });
      return found === undefined ? {} : { bytes: found.bytes };
    } catch (cause) {
      this.#onIncident({ cid: cid.toString(), kind });
      return { cause };
    }
  }
}
