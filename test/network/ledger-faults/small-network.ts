import { join } from 'node:path';
import { type BlockDelivery, deliverBlocks } from '../../../network/devledger/commit/deliver-blocks.js';
import { genesisBlock } from '../../../network/devledger/commit/genesis-block.js';
import {
  blocksDirectory,
  openPeerLedger,
  type PeerLedgerOptions,
} from '../../../network/devledger/commit/open-peer-ledger.js';
import { RulesByBlock } from '../../../network/devledger/commit/rules-by-block.js';
import type { FailedCheck } from '../../../network/devledger/operations/operations-server.js';
import { failuresOf } from '../../../network/devledger/operations/peer-operations.js';
import { openOrderer, type Orderer } from '../../../network/devledger/orderer/open-orderer.js';
import type { PeerLedger } from '../../../network/devledger/peer-ledger.js';
import type { PrivateDataKeeper } from '../../../network/devledger/private-data/private-keeper.js';
import { DISK, type FileSystem } from '../../../network/devledger/store/file-system.js';
import { CHAINCODE, CHANNEL, ENDORSERS, POLICY, type TestNetwork } from '../ledger-support.js';
import { optionsWithCollections, privateWrite, SHARED, simulated } from '../ledger-private.js';
import { transaction } from '../ledger-transactions.js';

export interface SmallNetworkOptions {
  /** Of files of blocks and of the log of what was accepted. */
  readonly fileSizeMaxBytes?: number;
  /** Of chaincodes that were deployed. */
  readonly definitionsAt?: NonNullable<PeerLedgerOptions['definitionsAt']>;
}

/** An orderer and three peers in one folder, put together as the embedded ledger does. */
export class SmallNetwork {
  readonly orderer: Orderer;
  readonly peers: readonly PeerLedger[];
  readonly #delivery: BlockDelivery;
  /** What was said of damage, of waiting, of peers set aside. */
  readonly said: string[];
  readonly #network: TestNetwork;

  private constructor(parts: {
    orderer: Orderer;
    peers: PeerLedger[];
    rules: RulesByBlock;
    said: string[];
    network: TestNetwork;
  }) {
    this.orderer = parts.orderer;
    this.peers = parts.peers;
    this.said = parts.said;
    this.#network = parts.network;
    this.#delivery = deliverBlocks({
      source: parts.orderer,
      peers: parts.peers,
      rules: parts.rules,
      onSetAside: (_, sentence) => parts.said.push(sentence),
      onWaiting: (_, sentence) => parts.said.push(sentence),
    });
  }

  static async open(
    network: TestNetwork,
    folder: string,
    files: FileSystem = DISK,
    { definitionsAt, fileSizeMaxBytes }: SmallNetworkOptions = {},
  ): Promise<SmallNetwork> {
    const said: string[] = [];
    const sizes = fileSizeMaxBytes === undefined ? {} : { fileSizeMaxBytes };
    const further = definitionsAt === undefined ? {} : { definitionsAt };
    const onIncident = (sentence: string) => said.push(sentence);
    const places = ENDORSERS.map((owner) => ({ owner, directory: blocksDirectory(join(folder, owner)) }));
    const orderer = await openOrderer({
      directory: join(folder, 'orderer'),
      batch: { timeoutMs: 1, maxMessageCount: 3, preferredMaxBytes: 100_000 },
      genesis: genesisBlock({ channel: CHANNEL, msps: network.msps, policy: POLICY }),
      peers: places,
      onFailure: (error) => said.push(error.message),
      onIncident,
      files,
      ...sizes,
    });
    const peers: PeerLedger[] = [];
    try {
      for (const mspId of ENDORSERS) {
        const options = optionsWithCollections(network, join(folder, mspId), mspId);
        const otherPeers = places.filter(({ owner }) => owner !== mspId);
        peers.push(
          await openPeerLedger({ ...options, otherPeers, mayStartOver: true, onIncident, files, ...sizes, ...further }),
        );
      }
    } catch (error) {
      await Promise.all([orderer.close(), ...peers.map((peer) => peer.close())]);
      throw error;
    }
    const keepers = peers.map(keeperOf);
    for (const keeper of keepers) keeper.connect(keepers.filter((other) => other !== keeper));
    const rules = new RulesByBlock(
      { ...optionsWithCollections(network, folder, ''), signatures: network.signatureCache },
      definitionsAt,
    );
    return new SmallNetwork({ orderer, peers, rules, said, network });
  }

  /** What the operations port of a peer would say is wrong. */
  failures(mspId: string): readonly FailedCheck[] {
    const peers = { setAside: new Map(this.setAside) };
    return failuresOf(mspId, { peers, orderer: this.orderer, delivery: this.#delivery });
  }

  get setAside(): ReadonlyMap<string, string> {
    return this.#delivery.setAside;
  }

  caughtUp(): Promise<void> {
    return this.#delivery.caughtUp();
  }

  /**
   * Writes a value in public, and the same to a collection, as endorsers do: members have it before it is submitted.
   *
   * @returns the transaction's id, once it was accepted
   */
  async submit(key: string, value: string | undefined): Promise<string> {
    const { spec, sets } = simulated((record) => {
      record.namespace(CHAINCODE).writes.set(key, value === undefined ? undefined : Buffer.from(value));
      privateWrite(SHARED, key, value)(record);
    });
    const { txId, envelope } = transaction(this.#network, spec);
    const members = this.peers.map(keeperOf).filter((keeper) => keeper.isMember(CHAINCODE, SHARED));
    await Promise.all(members.map((member) => member.storeTransient(txId, sets)));
    await this.orderer.submit(envelope);
    return txId;
  }

  /** Nothing is written by peers before it is submitted. */
  async submitPublic(key: string, value: string): Promise<string> {
    const { txId, envelope } = transaction(this.#network, { writes: [[key, value]] });
    await this.orderer.submit(envelope);
    return txId;
  }

  /** What a peer could not read of its private data when it made its state again, it asks others for. */
  async reconciled(): Promise<void> {
    for (const peer of this.peers) await keeperOf(peer).reconcile();
  }

  /** Resolves when every peer has what was accepted until now. */
  async settled(txIds: readonly string[]): Promise<void> {
    for (const peer of this.peers) {
      for (const txId of txIds) while (!(await hasTransaction(peer, txId))) await pause();
    }
  }

  async close(): Promise<void> {
    await this.#delivery.stop();
    await Promise.all(this.peers.map((peer) => peer.close()));
    await this.orderer.close();
  }
}

async function hasTransaction(peer: PeerLedger, txId: string): Promise<boolean> {
  return (await peer.transaction(txId)) !== undefined;
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 2));
}

function keeperOf({ privateData }: PeerLedger): PrivateDataKeeper {
  if (privateData === undefined) throw new Error('a ledger on disk keeps private data');
  return privateData;
}

/** Everything that a peer answers, as text. */
export async function answersOf(peer: PeerLedger, asked: { txIds: readonly string[]; keys: readonly string[] }) {
  const hex = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('hex');
  const blocks: string[] = [];
  for (let number = 0; number < peer.height(); number += 1) blocks.push(hex(await peer.blockByNumber(number)));
  const transactions = [];
  for (const txId of asked.txIds) transactions.push(await peer.transaction(txId));
  const histories: string[][] = [];
  for (const key of asked.keys) {
    const values: string[] = [];
    for await (const { txId, value } of peer.history(CHAINCODE, key)) values.push(`${txId} ${hex(value)}`);
    histories.push(values);
  }
  const snapshot = peer.snapshot();
  const state: string[] = [];
  for await (const { key, value, version } of snapshot.range(CHAINCODE, '', '')) {
    state.push(`${key} ${hex(value)} ${version.blockNumber} ${version.txNumber}`);
  }
  const gets: string[] = [];
  const secrets: string[] = [];
  for (const key of asked.keys) {
    gets.push(hex((await snapshot.get(CHAINCODE, key))?.value));
    secrets.push(hex((await snapshot.privateView?.get(CHAINCODE, SHARED, key))?.value));
  }
  await snapshot.close();
  const tip = [hex(peer.currentBlockHash()), hex(peer.previousBlockHash()), hex(peer.commitHash())];
  return { tip, blocks, transactions, histories, state, gets, secrets };
}
