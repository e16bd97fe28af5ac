import { join } from 'node:path';
import { encodeBlock, orderersPart, parseBlock } from '../../../network/devledger/commit/block-codec.js';
import { ChannelOrdering } from '../../../network/devledger/commit/channel-ordering.js';
import { genesisBlock } from '../../../network/devledger/commit/genesis-block.js';
import { openPeerLedger, type PeerLedgerOptions } from '../../../network/devledger/commit/open-peer-ledger.js';
import { openOrderer, type Orderer } from '../../../network/devledger/orderer/open-orderer.js';
import { type BlockSealing, sealBlock } from '../../../network/devledger/orderer/seal-block.js';
import type { PeerLedger } from '../../../network/devledger/peer-ledger.js';
import { ORDERER_MSP_ID } from '../../../network/identities/index.js';
import {
  CHANNEL,
  createAuthority,
  createNetwork,
  POLICY,
  peerOptions,
  type TestIdentity,
  type TestNetwork,
  temporaryFolder,
} from '../ledger-support.js';
import { transaction } from '../ledger-transactions.js';

export const TERMS = {
  endpoints: ['orderer.example.com:7050'],
  timeoutMs: 5,
  maxMessageCount: 1,
  preferredMaxBytes: 1000,
};

/** Members, and an ordering organisation whose orderer signs. */
export interface SealingNetwork extends TestNetwork {
  readonly orderers: {
    readonly signing: TestIdentity;
    readonly administrator: TestIdentity;
    readonly caCertPem: string;
  };
}

export async function createSealingNetwork(): Promise<SealingNetwork> {
  const network = await createNetwork();
  const authority = await createAuthority(ORDERER_MSP_ID);
  const signing = await authority.issue('orderer', { ou: 'orderer' });
  const administrator = await authority.issue('admin', { ou: 'admin' });
  return { ...network, orderers: { signing, administrator, caCertPem: authority.caCertPem } };
}

/** A channel of signed blocks in a folder of its own, with some blocks that were ordered. */
export class SealedLedger {
  readonly network: SealingNetwork;
  readonly #folder: Awaited<ReturnType<typeof temporaryFolder>>;
  /** As the orderer gives them, from block 0 on. */
  readonly blocks: Uint8Array[] = [];

  private constructor(network: SealingNetwork, folder: Awaited<ReturnType<typeof temporaryFolder>>) {
    this.network = network;
    this.#folder = folder;
  }

  static async open(network: SealingNetwork, rounds: number): Promise<SealedLedger> {
    const ledger = new SealedLedger(network, await temporaryFolder());
    const orderer = await ledger.openOrderer();
    for (let round = 0; round < rounds; round += 1) await ledger.order(orderer, `${round}`);
    for (let number = 0; number < orderer.height(); number += 1) {
      ledger.blocks.push((await orderer.blockByNumber(number)) ?? new Uint8Array());
    }
    await orderer.close();
    return ledger;
  }

  remove(): Promise<void> {
    return this.#folder.remove();
  }

  block(number: number): Uint8Array {
    return this.blocks[number] ?? new Uint8Array();
  }

  pathOf(name: string): string {
    return join(this.#folder.path, name);
  }

  /** As after a start: nothing that was signed is known yet. */
  ordering(): ChannelOrdering {
    const { caCertPem } = this.network.orderers;
    return new ChannelOrdering({ msp: { mspId: ORDERER_MSP_ID, caCertPems: [caCertPem] }, terms: TERMS });
  }

  openOrderer(batch = TERMS): Promise<Orderer> {
    const { msps } = this.network;
    return openOrderer({
      directory: this.pathOf('orderer'),
      batch,
      sealing: this.#sealing(this.network.orderers.signing),
      genesis: genesisBlock({ channel: CHANNEL, msps, policy: POLICY, ordering: this.ordering() }),
    });
  }

  async order(orderer: Orderer, value: string): Promise<void> {
    const number = orderer.height();
    await orderer.submit(this.envelope(value));
    while (orderer.height() === number) await new Promise((resolve) => setTimeout(resolve, 1));
  }

  envelope(value: string): Uint8Array {
    return transaction(this.network, { writes: [['k', value]] }).envelope;
  }

  options(name: string, more: Partial<PeerLedgerOptions> = {}): PeerLedgerOptions {
    return { ...peerOptions(this.network, this.pathOf(name)), ordering: this.ordering(), ...more };
  }

  async filledPeer(name: string, given: readonly Uint8Array[]): Promise<PeerLedger> {
    const ledger = await openPeerLedger(this.options(name));
    for (const block of given.slice(1)) await ledger.commit(block);
    return ledger;
  }

  /** The same block with another seal. */
  resealed(block: Uint8Array, by: TestIdentity = this.network.orderers.signing, number?: number): Uint8Array {
    const parts = parseBlock(block);
    const header = number === undefined ? parts : { ...parts, number };
    return encodeBlock({ ...parts, metadata: sealBlock(header, new Uint8Array(8), this.#sealing(by)) });
  }

  #sealing(by: TestIdentity): BlockSealing {
    return { ordering: this.ordering(), identity: { serialized: by.serialized, privateKey: by.key } };
  }
}

/** Without anything beside header and transactions. */
export function stripped(block: Uint8Array): Uint8Array {
  const parts = parseBlock(block);
  return encodeBlock({ ...parts, metadata: parts.metadata.map(() => new Uint8Array()) });
}

/** With what a peer has found, and nothing of the orderer's. */
export function withoutSeal(block: Uint8Array): Uint8Array {
  const parts = parseBlock(block);
  const seal = new Set(orderersPart(parts.metadata));
  return encodeBlock({
    ...parts,
    metadata: parts.metadata.map((slot) => (seal.has(slot) ? new Uint8Array() : slot)),
  });
}
