import { withBitswap } from '@helia/bitswap';
import { type HeliaWithLibp2p, withLibp2pLight } from '@helia/libp2p';
import { identify } from '@libp2p/identify';
import type { ConnectionGater, PrivateKey } from '@libp2p/interface';
import { noise } from '@libp2p/noise';
import { peerIdFromCID } from '@libp2p/peer-id';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { createHeliaLight } from 'helia';
import type { CID } from 'multiformats/cid';
import { BLOCK_SIZE_BYTES_MAX } from './cid-settings.js';
import type { DurableBlockstore } from './durable-blockstore.js';
import { joined } from './object-blocks.js';
import { VaultError } from './vault-errors.js';

/** The vault node of another organisation. Each address ends in /p2p/ and the node's id: others are not trusted. */
export type VaultPeer = { readonly name: string; readonly addresses: readonly string[] };

type KnownPeer = { readonly name: string; readonly id: string; readonly addresses: readonly Multiaddr[] };

const STREAMS_MAX = 256;

/**
 * A node's way to the blocks of the others: bitswap over libp2p with TCP, noise and yamux, and nothing else. There is
 * no discovery, no announcing, no relay and no DHT; it dials the configured addresses and takes no calls from others.
 */
export class VaultNetwork {
  readonly #helia: HeliaWithLibp2p<{ identify: unknown }>;
  readonly #peers: Map<string, KnownPeer>;
  readonly #stopping = new AbortController();

  /** @throws VaultError VAULT_UNAVAILABLE when the address is taken or malformed */
  static async start(options: {
    blockstore: DurableBlockstore;
    privateKey: PrivateKey;
    listenAddress: string;
    peers: readonly VaultPeer[];
  }): Promise<VaultNetwork> {
    const peers = new Map<string, KnownPeer>();
    const helia = withLibp2pLight(createHeliaLight({ blockstore: options.blockstore }), {
      privateKey: options.privateKey,
      addresses: { listen: [options.listenAddress] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      peerDiscovery: [],
      connectionGater: gateFor(peers),
      services: { identify: identify() },
    });
    withBitswap(helia, {
      maxInboundStreams: STREAMS_MAX,
      maxOutboundStreams: STREAMS_MAX,
      // The defaults gather wants for 10 ms at each end, which is most of the time of fetching a small object.
      sendWantlistDebounce: 0,
      sendBlocksDebounce: 0,
      // By default a block is not sent twice within 5 s, so a copy that was damaged soon after would not heal.
      doNotResendBlockWindow: 0,
      // Kubo first asks who has a block, then for the block. Without a window the second question is dropped as
      // answered, so the first is answered with the block, however large: at most once from each organisation.
      maxSizeReplaceHasWithBlock: BLOCK_SIZE_BYTES_MAX + 1,
    });
    try {
      await helia.start();
    } catch (cause) {
      await helia.stop();
      const message = `The vault node cannot listen at ${options.listenAddress}: free the port or choose another`;
      throw new VaultError('VAULT_UNAVAILABLE', message, { cause });
    }
    const network = new VaultNetwork(helia, peers);
    network.setPeers(options.peers);
    return network;
  }

  private constructor(helia: HeliaWithLibp2p<{ identify: unknown }>, peers: Map<string, KnownPeer>) {
    this.#helia = helia;
    this.#peers = peers;
  }

  /** Where this node listens, each address with its id. */
  addresses(): string[] {
    return this.#helia.libp2p.getMultiaddrs().map((address) => address.toString());
  }

  /**
   * Replaces the list of other nodes: no others are dialled or answered.
   *
   * @throws Error when an address is malformed or has no /p2p/ part
   */
  setPeers(peers: readonly VaultPeer[]): void {
    const known = peers.filter(({ addresses }) => addresses.length > 0).map(knownPeer);
    this.#peers.clear();
    for (const peer of known) this.#peers.set(peer.id, peer);
  }

  /**
   * Fetches a block from whichever peer sends it first; it has been checked, and kept durably, on return.
   *
   * @returns undefined when no reachable peer sent it in time; `from` is the name of the peer
   */
  async fetch(cid: CID, timeoutMs: number): Promise<{ bytes: Uint8Array; from: string } | undefined> {
    const nobody = new AbortController();
    const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), nobody.signal, this.#stopping.signal]);
    // Bitswap also asks peers that connect while it waits, so slow dialling does not hold up a quick answer.
    void this.#connect(signal).then((connected) => connected || nobody.abort());
    let senderId = '';
    try {
      const blocks = this.#helia.blockstore.get(cid, {
        signal,
        onProgress: (event) => {
          if (event.type === 'helia:block-broker:receive-block')
            senderId = peerIdFromCID(event.detail.provider).toString();
        },
      });
      return { bytes: await joined(blocks), from: this.#peers.get(senderId)?.name ?? senderId };
    } catch (error) {
      if (signal.aborted || isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Fetches under way end as if nobody had answered. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#helia.stop();
  }

  /** Whether at least one peer is connected after all that were not have been dialled. */
  async #connect(signal: AbortSignal): Promise<boolean> {
    const { libp2p } = this.#helia;
    const dialling = [...this.#peers.values()].map(async ({ id, addresses }) => {
      const isConnected = libp2p.getConnections().some(({ remotePeer }) => remotePeer.toString() === id);
      if (!isConnected) await libp2p.dial([...addresses], { signal });
    });
    const outcomes = await Promise.allSettled(dialling);
    return outcomes.some(({ status }) => status === 'fulfilled');
  }
}

function gateFor(peers: ReadonlyMap<string, KnownPeer>): ConnectionGater {
  const isConfigured = (address: Multiaddr) =>
    [...peers.values()].some((peer) => peer.addresses.some((known) => known.equals(address)));
  return {
    denyDialMultiaddr: (address) => !isConfigured(address),
    denyDialPeer: (peerId) => !peers.has(peerId.toString()),
    denyInboundEncryptedConnection: (peerId) => !peers.has(peerId.toString()),
  };
}

function knownPeer({ name, addresses }: VaultPeer): KnownPeer {
  const parsed = addresses.map((address) => multiaddr(address));
  const ids = new Set(parsed.map((address) => address.getComponents().findLast(({ name }) => name === 'p2p')?.value));
  const [id] = ids;
  if (id === undefined || ids.size !== 1) {
    throw new Error(`Each address of the vault node ${name} ends in /p2p/ and the same id: ${addresses.join(', ')}`);
  }
  return { name, id, addresses: parsed };
}

function isNotFound(error: unknown): boolean {
  const names = ['LoadBlockFailedError', 'NotFoundError'];
  return typeof error === 'object' && error !== null && 'name' in error && names.includes(String(error.name));
}
