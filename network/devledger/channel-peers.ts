import { join } from 'node:path';
import type { Logger } from 'pino';
import { chaincodeHost, readPeerIdentity, readTls } from '../identities/index.js';
import type { LedgerOrganisation, LedgerTopology } from '../topology.js';
import type { BlocksPlace } from './commit/block-donors.js';
import type { ChannelOrdering } from './commit/channel-ordering.js';
import type { ChaincodeDefinition } from './commit/chaincode-definition.js';
import type { BlockDelivery } from './commit/deliver-blocks.js';
import { blocksDirectory, openPeerLedger } from './commit/open-peer-ledger.js';
import { RulesByBlock } from './commit/rules-by-block.js';
import type { SignatureCache } from './commit/signature-cache.js';
import type { DefinedChaincode } from './endorse/chaincode-calls.js';
import type { MspDefinition } from './msp.js';
import { PeerMetrics } from './operations/peer-metrics.js';
import type { PeerLedger } from './peer-ledger.js';
import type { Reconciliation } from './private-data/reconciliation.js';
import { type PeerMaterial, type PeerNodes, serialiseIdentity } from './services/peer-nodes.js';
import { messageOf } from './services/rpc-error.js';

/** A chaincode with a service for each peer. */
export interface FurtherChaincode {
  readonly name: string;
  readonly version: string;
  /** host:port of the service of this organisation's peer. */
  readonly addressOf: (mspId: string) => string;
}

export interface ChannelPeersOptions {
  readonly topology: LedgerTopology;
  readonly dataDir: string;
  readonly log: Logger;
  readonly furtherChaincodes: readonly FurtherChaincode[];
  /** Of chaincodes that are given with the ledger and have a policy or collections of their own. */
  readonly definitions: readonly ChaincodeDefinition[];
  readonly msps: readonly MspDefinition[];
  readonly signatures: SignatureCache;
  /** Undefined for a ledger whose blocks are not signed. */
  readonly ordering: ChannelOrdering | undefined;
  /** Whether what peers do is counted. */
  readonly operations: boolean;
  /** Chaincodes that were deployed: their definitions, and what runs them for a peer. */
  readonly deployments: {
    definitionsAt(blockNumber: number): readonly ChaincodeDefinition[];
    chaincodesOf(mspId: string): readonly DefinedChaincode[];
  };
}

export type PeerOrganisation = LedgerOrganisation & { readonly peer: NonNullable<LedgerOrganisation['peer']> };

/** What serves peers and what gives them blocks; both begin after their ledgers are open. */
interface RunningParts {
  readonly nodes: PeerNodes;
  readonly delivery: BlockDelivery;
  readonly reconciling: Reconciliation;
}

/** The peers of the channel: each with its own ledger, and each stopped and started by itself. */
export class ChannelPeers {
  /** Sentence by MSP id of the peers that take no part, because of what is wrong with their folder. */
  readonly setAside = new Map<string, string>();
  readonly #options: ChannelPeersOptions;
  readonly #ledgers = new Map<string, PeerLedger>();
  readonly #metrics = new Map<string, PeerMetrics>();

  constructor(options: ChannelPeersOptions) {
    this.#options = options;
  }

  /** Opens the ledger of each peer; one that cannot be opened is set aside. */
  async openAll(): Promise<void> {
    const { topology, log } = this.#options;
    for (const organisation of peerOrganisations(topology)) {
      try {
        await this.#open(organisation);
      } catch (error) {
        const { mspId } = organisation;
        log.error({ peer: mspId, reason: messageOf(error) }, 'peer set aside: its ledger cannot be opened');
        this.setAside.set(mspId, messageOf(error));
      }
    }
  }

  ledgers(): readonly PeerLedger[] {
    return [...this.#ledgers.values()];
  }

  ledger(mspId: string): PeerLedger | undefined {
    return this.#ledgers.get(mspId);
  }

  /** What the peer has counted since it was started last. */
  metrics(mspId: string): PeerMetrics | undefined {
    return this.#metrics.get(mspId);
  }

  materials(): readonly PeerMaterial[] {
    return peerOrganisations(this.#options.topology).flatMap((organisation) => {
      const ledger = this.#ledgers.get(organisation.mspId);
      return ledger === undefined ? [] : [this.#material(organisation, ledger)];
    });
  }

  /**
   * Stops one peer as if its machine was switched off in order: nobody is served, no block is taken, its files are
   * closed.
   *
   * @returns false when it did not run
   */
  async stop(mspId: string, { nodes, delivery, reconciling }: RunningParts): Promise<boolean> {
    const ledger = this.#ledgers.get(mspId);
    if (ledger === undefined) return false;
    this.#ledgers.delete(mspId);
    await nodes.stopPeer(mspId);
    await delivery.remove(mspId);
    reconciling.connect();
    await ledger.close();
    this.#options.log.info({ peer: mspId }, 'peer stopped');
    return true;
  }

  /**
   * Starts a peer that was stopped or set aside; it serves at once and takes the blocks it has missed.
   *
   * @returns false when it runs
   * @throws Error with a sentence: its folder is damaged, or its port is taken
   */
  async start(mspId: string, running: RunningParts): Promise<boolean> {
    const organisation = peerOrganisations(this.#options.topology).find((candidate) => candidate.mspId === mspId);
    if (organisation === undefined) throw new Error(`${mspId} has no peer on this channel.`);
    if (this.#ledgers.has(mspId) && !this.setAside.has(mspId)) return false;
    await this.stop(mspId, running);
    const ledger = await this.#open(organisation);
    try {
      await running.nodes.start(this.#material(organisation, ledger));
    } catch (error) {
      this.#ledgers.delete(mspId);
      await ledger.close();
      throw error;
    }
    this.setAside.delete(mspId);
    running.reconciling.connect();
    running.delivery.add(ledger);
    this.#options.log.info({ peer: mspId, height: ledger.height() }, 'peer started');
    return true;
  }

  /** By which each of them judges blocks. */
  rules(): RulesByBlock {
    const { definitionsAt, ...rules } = this.#rules();
    return new RulesByBlock({ ...rules, signatures: this.#options.signatures }, definitionsAt);
  }

  async close(): Promise<void> {
    await Promise.all(this.ledgers().map((ledger) => ledger.close()));
    this.#ledgers.clear();
  }

  async #open({ mspId }: PeerOrganisation): Promise<PeerLedger> {
    const { dataDir, log, msps, signatures, topology } = this.#options;
    const ledger = await openPeerLedger({
      mspId,
      directory: peerDirectory(dataDir, mspId),
      otherPeers: blocksOfPeers(this.#options).filter(({ owner }) => owner !== mspId),
      mayStartOver: true,
      ...this.#rules(),
      msps,
      signatureCache: signatures,
      onIncident: (sentence) => log.warn({ peer: mspId }, sentence),
    });
    this.#ledgers.set(mspId, ledger);
    if (this.#options.operations) this.#metrics.set(mspId, new PeerMetrics(topology.channel, ledger));
    return ledger;
  }

  #rules() {
    const { topology, furtherChaincodes, definitions, deployments, ordering } = this.#options;
    const given = topology.chaincode === undefined ? furtherChaincodes : [topology.chaincode, ...furtherChaincodes];
    return {
      channel: topology.channel,
      policy: { endorsers: endorsingMspIds(topology), needed: topology.endorsementsNeeded },
      chaincodes: given.map(({ name }) => name),
      definitions,
      ordering,
      definitionsAt: (blockNumber: number) => deployments.definitionsAt(blockNumber),
    };
  }

  #material({ mspId, domain, peer }: PeerOrganisation, ledger: PeerLedger): PeerMaterial {
    const { topology, dataDir, furtherChaincodes, deployments } = this.#options;
    const metrics = this.#metrics.get(mspId);
    const tls = readTls(dataDir, domain, { kind: 'peer', host: peer.host });
    const { certificatePem, privateKey } = readPeerIdentity(dataDir, domain, peer.host);
    return {
      mspId,
      host: peer.host,
      port: peer.port,
      ...(topology.chaincode === undefined ? {} : { chaincodeAddress: `127.0.0.1:${peer.chaincodePort}` }),
      ...(topology.chaincode?.tls === true ? { chaincodeTls: { ...tls, serverName: chaincodeHost(domain) } } : {}),
      furtherChaincodes: furtherChaincodes.map(({ name, version, addressOf }) => ({
        name,
        version,
        address: addressOf(mspId),
      })),
      deployed: deployments.chaincodesOf(mspId),
      identity: { mspId, serialized: serialiseIdentity(mspId, certificatePem), privateKey },
      tls,
      ledger,
      ...(metrics === undefined ? {} : { onCall: (call) => metrics.onCall(call) }),
    };
  }
}

export function peerOrganisations(topology: LedgerTopology): PeerOrganisation[] {
  return topology.organisations.filter(
    (organisation): organisation is PeerOrganisation => organisation.peer !== undefined,
  );
}

/** Where the peers keep their blocks: of copies, what was damaged elsewhere is made whole. */
export function blocksOfPeers({ topology, dataDir }: Pick<ChannelPeersOptions, 'topology' | 'dataDir'>): BlocksPlace[] {
  return peerOrganisations(topology).map(({ mspId }) => ({
    owner: mspId,
    directory: blocksDirectory(peerDirectory(dataDir, mspId)),
  }));
}

function peerDirectory(dataDir: string, mspId: string): string {
  return join(dataDir, 'ledger', 'peers', mspId);
}

export function endorsingMspIds(topology: LedgerTopology): string[] {
  return topology.organisations.filter(({ endorses }) => endorses).map(({ mspId }) => mspId);
}
