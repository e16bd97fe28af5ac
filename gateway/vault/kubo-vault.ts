import type { CID } from 'multiformats/cid';
import { code as RAW_CODE } from 'multiformats/codecs/raw';
import { KuboNode } from './kubo-node.js';
import { KuboPeers } from './kubo-peers.js';
import { KuboRpc } from './kubo-rpc.js';
import { settingsOff } from './kubo-settings.js';
import { eraseBlocks, putObjects, requireSameCids } from './kubo-writing.js';
import { objectOf, parseCid, requireSha256, treeOf } from './object-blocks.js';
import type { VaultIncident } from './vault.js';
import { VaultError } from './vault-errors.js';
import type { VaultPeer } from './vault-network.js';
import type { VaultNode } from './vault-node.js';

const FETCH_TIMEOUT_MS_DEFAULT = 5_000;
const TCP_ADDRESS = /^\/(ip4|ip6|dns|dns4|dns6)\/[^/]+\/tcp\/\d+\/p2p\/[^/]+$/;
export type KuboVaultOptions = {
  /** Of the node's RPC API, http or https. */
  readonly url: string;
  readonly peers?: readonly VaultPeer[];
  readonly onIncident?: (incident: VaultIncident) => void;
  /** Told in a sentence of each setting of the node that weakens the vault, and of other nodes that fail it. */
  readonly onWarning?: (warning: string) => void;
  /** How long the other nodes may take for one block. */
  readonly fetchTimeoutMs?: number;
};

type Healing = { readonly bytes?: Uint8Array; readonly cause?: unknown };

/**
 * A vault in a Kubo node, which the operator runs. Its CIDs are those of the embedded vault; the node is believed
 * neither in its CIDs nor in its blocks. It is as durable as the node's settings make it: start names what is off.
 */
export class KuboVault implements VaultNode {
  readonly #node: KuboNode;
  readonly #peers: KuboPeers;
  readonly #onIncident: (incident: VaultIncident) => void;
  readonly #onWarning: (warning: string) => void;
  readonly #fetchTimeoutMs: number;
  readonly #healing = new Map<string, Promise<Healing>>();

  /** @throws VaultError VAULT_UNAVAILABLE when the node does not answer, or gives other CIDs than this gateway */
  static async start(options: KuboVaultOptions): Promise<KuboVault> {
    const node = new KuboNode(new KuboRpc(options.url));
    try {
      const { id } = await node.identity();
      await requireSameCids(node);
      const vault = new KuboVault(node, id, options);
      await vault.#warnOfSettings();
      vault.setPeers(options.peers ?? []);
      return vault;
    } catch (error) {
      node.close();
      throw error;
    }
  }

  private constructor(node: KuboNode, id: string, options: KuboVaultOptions) {
    this.#node = node;
    this.#onIncident = options.onIncident ?? (() => undefined);
    this.#onWarning = options.onWarning ?? (() => undefined);
    this.#peers = new KuboPeers(node, id, this.#onWarning);
    this.#fetchTimeoutMs = options.fetchTimeoutMs ?? FETCH_TIMEOUT_MS_DEFAULT;
  }

  /** Those with TCP alone: the embedded node of another organisation dials no others. */
  async addresses(): Promise<readonly string[]> {
    const { addresses } = await this.#node.identity();
    return addresses.filter((address) => TCP_ADDRESS.test(address));
  }

  setPeers(peers: readonly VaultPeer[]): void {
    this.#peers.set(peers);
  }

  put(objects: readonly Uint8Array[]): Promise<string[]> {
    return putObjects(this.#node, objects);
  }

  async get(cid: string, expectedSha256Hex?: string): Promise<Uint8Array> {
    const root = parseCid(cid);
    let isChanged = false;
    const object = await objectOf(root, async (blockCid) => {
      const found = await this.#node.readLocal(blockCid);
      if (found.state === 'ok') return found.bytes;
      isChanged = true;
      return this.#healedBlock(root, blockCid, found.state);
    });
    if (isChanged) await this.#pin(cid);
    requireSha256(object, expectedSha256Hex, cid);
    return object;
  }

  async getLocal(cid: string): Promise<Uint8Array | undefined> {
    const root = parseCid(cid);
    // Looking first keeps reading an object of which only parts are here from failing half way.
    if (root.code !== RAW_CODE && !(await this.has(cid))) return undefined;
    try {
      return await objectOf(root, async (blockCid) => {
        const found = await this.#node.readLocal(blockCid);
        if (found.state === 'ok') return found.bytes;
        if (found.state === 'corrupt') this.#onIncident({ cid: blockCid.toString(), kind: 'corrupt' });
        throw new VaultError('CONTENT_MISSING', `The block ${blockCid} of ${cid} is not whole here`);
      });
    } catch (error) {
      if (error instanceof VaultError && error.code === 'CONTENT_MISSING') return undefined;
      throw error;
    }
  }

  async has(cid: string): Promise<boolean> {
    const { cids, complete } = await treeOf(parseCid(cid), (inner) => this.#readLocal(inner));
    if (!complete) return false;
    const held = await Promise.all(cids.map((blockCid) => this.#node.hasBlock(blockCid)));
    return held.every(Boolean);
  }

  async remove(cid: string): Promise<void> {
    const root = parseCid(cid);
    const wasHere = await this.#node.hasBlock(root);
    const { cids, complete } = await treeOf(root, (inner) => this.#readLocal(inner));
    // A block that is just being fetched would otherwise come back after it was erased.
    await Promise.all(cids.map((blockCid) => this.#healing.get(blockCid.toString())));
    await this.#node.unpin(root.toString());
    await eraseBlocks(this.#node, cids);
    if (wasHere && !complete) {
      const message = `A block that names parts of ${cid} is damaged: those parts could not be found and may remain`;
      throw new VaultError('CONTENT_MISSING', message);
    }
  }

  /** The node itself goes on. */
  async stop(): Promise<void> {
    this.#node.close();
    await this.#peers.stop();
    await Promise.all(this.#healing.values());
  }

  async #warnOfSettings(): Promise<void> {
    if ((await this.addresses()).length === 0) {
      const advice = 'see Addresses.Swarm, Addresses.Announce and Addresses.NoAnnounce';
      this.#onWarning(`Kubo: no address that the other organisations' nodes could reach this node at; ${advice}`);
    }
    try {
      for (const sentence of settingsOff(await this.#node.config())) this.#onWarning(`Kubo: ${sentence}`);
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      this.#onWarning(`Kubo's settings are not known, so neither is whether it syncs what it writes: ${error.message}`);
    }
  }

  async #readLocal(cid: CID): Promise<Uint8Array | undefined> {
    const found = await this.#node.readLocal(cid);
    return found.state === 'ok' ? found.bytes : undefined;
  }

  async #healedBlock(root: CID, cid: CID, state: 'corrupt' | 'missing'): Promise<Uint8Array> {
    const healed = await this.#heal(root, cid, state);
    if (healed.bytes !== undefined) return healed.bytes;
    const [code, what] =
      state === 'corrupt' ? (['CONTENT_CORRUPT', 'is damaged'] as const) : (['CONTENT_MISSING', 'is missing'] as const);
    const message = `The block ${cid} ${what} here and no other vault node gave it: bring one that has it back`;
    throw new VaultError(code, message, { cause: healed.cause });
  }

  /** Fetches a block that is damaged or missing here, once however many wait for it. Never rejects. */
  #heal(root: CID, cid: CID, kind: VaultIncident['kind']): Promise<Healing> {
    const key = cid.toString();
    const known = this.#healing.get(key);
    if (known !== undefined) return known;
    const healing = this.#fetch(root, cid, kind).finally(() => this.#healing.delete(key));
    this.#healing.set(key, healing);
    return healing;
  }

  async #fetch(root: CID, cid: CID, kind: VaultIncident['kind']): Promise<Healing> {
    let names: readonly string[] = [];
    try {
      names = await this.#peers.connect();
      if (names.length === 0) return {};
      if (kind === 'corrupt') {
        // The node asks no other for a block that it has, and keeps a block that is pinned.
        await this.#node.unpin(root.toString());
        await eraseBlocks(this.#node, [cid]);
      }
      const bytes = await this.#node.fetch(cid, this.#fetchTimeoutMs);
      if (bytes === undefined) names = [];
      return bytes === undefined ? {} : { bytes };
    } catch (cause) {
      names = [];
      return { cause };
    } finally {
      // Which of the nodes sent it, Kubo does not tell.
      const healedFrom = names.join(' or ');
      this.#onIncident({ cid: cid.toString(), kind, ...(healedFrom === '' ? {} : { healedFrom }) });
    }
  }

  async #pin(cid: string): Promise<void> {
    try {
      await this.#node.pin(cid);
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      this.#onWarning(`${cid} was fetched and could not be pinned, so Kubo may drop it again: ${error.message}`);
    }
  }
}
