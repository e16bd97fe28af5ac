import type { KuboNode } from './kubo-node.js';
import { VaultError } from './vault-errors.js';
import type { VaultPeer } from './vault-network.js';

const CONNECT_TIMEOUT_MS = 2_000;

type KnownPeer = { readonly name: string; readonly id: string; readonly addresses: readonly string[] };

/** The other organisations' nodes, as a Kubo node is made to know them. */
export class KuboPeers {
  readonly #node: KuboNode;
  readonly #ownId: string;
  readonly #onWarning: (warning: string) => void;
  #known: readonly KnownPeer[] = [];
  #introducing: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(node: KuboNode, ownId: string, onWarning: (warning: string) => void) {
    this.#node = node;
    this.#ownId = ownId;
    this.#onWarning = onWarning;
  }

  /** Replaces the list. The node is told in the background, and again each time: a restart makes it forget. */
  set(peers: readonly VaultPeer[]): void {
    const before = this.#known;
    this.#known = peers.flatMap((peer) => this.#other(peer));
    const gone = before.filter(({ id }) => this.#known.every((known) => known.id !== id));
    const known = this.#known;
    this.#introducing = this.#introducing.then(() => this.#introduce(known, gone));
  }

  /**
   * Has the node connect with those that it is not connected with.
   *
   * @returns names of the connected ones; when there are some already, the others are not waited for
   */
  async connect(): Promise<readonly string[]> {
    if (this.#known.length === 0) return [];
    const connected = await this.#node.connected();
    const isConnected = ({ id }: KnownPeer) => connected.has(id);
    const dialled = this.#known.filter((peer) => !isConnected(peer)).map((peer) => this.#dial(peer));
    const already = this.#known.filter(isConnected).map(({ name }) => name);
    return already.length > 0 ? already : (await Promise.all(dialled)).flat();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#introducing;
  }

  /** @returns the name when it could be reached. Never rejects. */
  async #dial({ name, addresses }: KnownPeer): Promise<string[]> {
    try {
      const reached = await Promise.all(addresses.map((address) => this.#node.connect(address, CONNECT_TIMEOUT_MS)));
      return reached.includes(true) ? [name] : [];
    } catch {
      return [];
    }
  }

  async #introduce(known: readonly KnownPeer[], gone: readonly KnownPeer[]): Promise<void> {
    try {
      for (const { id } of gone) await this.#node.removePeering(id);
      for (const { addresses } of known) await this.#node.addPeering(addresses);
    } catch (error) {
      // What is not known beforehand is dialled when a block is wanted.
      if (!(error instanceof VaultError)) throw error;
      if (!this.#isStopped) this.#onWarning(error.message);
    }
  }

  #other({ name, addresses }: VaultPeer): KnownPeer[] {
    const [id] = addresses.map((address) => address.slice(address.lastIndexOf('/p2p/') + '/p2p/'.length));
    if (id === undefined) return [];
    if (id !== this.#ownId) return [{ name, id, addresses }];
    this.#onWarning(`Kubo: ${name} uses this same node, so a copy there is no second copy: give each its own node`);
    return [];
  }
}
