import type { Logger } from 'pino';
import type { LedgerTopology } from '../../topology.js';
import { ChaincodeConnection, type ChaincodeTls } from '../chaincode/chaincode-connection.js';
import { type ChaincodeDefinition, plainDefinition } from '../commit/chaincode-definition.js';
import { ChannelRules } from '../commit/channel-rules.js';
import type { SignatureCache } from '../commit/signature-cache.js';
import type { DefinedChaincode } from '../endorse/chaincode-calls.js';
import { Endorser, type EndorserOptions } from '../endorse/endorser.js';
import type { EndorserIdentity } from '../endorse/proposal-response.js';
import type { MspRegistry } from '../msp.js';
import type { PeerLedger } from '../peer-ledger.js';
import { deliveredSets } from '../private-data/delivered-sets.js';
import { distribute } from '../private-data/distribution.js';
import { qscc } from '../system-chaincodes/qscc.js';
import type { AccessPolicy } from './access-policy.js';
import { BlockFeed } from './block-feed.js';
import type { CallListener } from './call-handlers.js';
import { CommitNotifier } from './commit-notifier.js';
import type { EndorseOptions } from './endorse.js';
import { type PeerServer, startPeerServer } from './peer-server.js';
import type { TransactionOrderer } from './submit.js';

/** One organisation's peer, before it listens. */
export interface PeerMaterial {
  readonly mspId: string;
  readonly host: string;
  readonly port: number;
  /** host:port of its service of the topology's own chaincode, where that has one. */
  readonly chaincodeAddress?: string;
  /** Of the connection to that service; plain where left out. */
  readonly chaincodeTls?: ChaincodeTls;
  /** Beside the topology's own chaincode, `address` as above. */
  readonly furtherChaincodes?: readonly ChaincodeService[];
  /** Those that run already, whoever runs them; they are not stopped with the peer. */
  readonly deployed?: readonly DefinedChaincode[];
  readonly identity: EndorserIdentity;
  readonly tls: { readonly certificatePem: string; readonly keyPem: string };
  readonly ledger: PeerLedger;
  /** Told of each unary call that was answered. */
  readonly onCall?: CallListener;
}

export interface ChaincodeService {
  readonly name: string;
  readonly version: string;
  readonly address: string;
  readonly tls?: ChaincodeTls;
}

export interface PeerNodesOptions {
  readonly topology: LedgerTopology;
  readonly peers: readonly PeerMaterial[];
  readonly orderer: TransactionOrderer;
  readonly msps: MspRegistry;
  readonly signatures: SignatureCache;
  /** Definitions of chaincodes that have their own; the others have the channel's policy and no collections. */
  readonly definitions?: readonly ChaincodeDefinition[];
  /** Further ones, which change while peers run; the same array as long as they do not. */
  readonly deployedDefinitions?: () => readonly ChaincodeDefinition[];
  /** Address to listen on; loopback, unless the machine is shared on purpose. */
  readonly listenHost: string;
  readonly nowMs: () => number;
  readonly log: Logger;
  /** How long one transaction may run in a chaincode; default 30 s. */
  readonly executeTimeoutMs?: number;
}

/** How far a request's time may be from the peer's clock, either way. */
const TIME_WINDOW_MS = 2 * 60 * 1000;
/** Longest envelope that the orderer takes, as on the real network; below the longest message. */
const ENVELOPE_SIZE_MAX_BYTES = 16 * 1024 * 1024;

export interface PeerParts {
  readonly material: PeerMaterial;
  readonly endorser: Endorser;
  /** As the endorser sees them: what is added here is known to it. */
  readonly chaincodes: DefinedChaincode[];
  readonly connections: readonly ChaincodeConnection[];
  readonly notifier: CommitNotifier;
  readonly feed: BlockFeed;
  readonly log: Logger;
}

/** What a peer is to know of the others. */
export interface PeerContext {
  readonly access: AccessPolicy;
  readonly setAside: ReadonlySet<string>;
  /** The other peers that run and are not set aside, in no order. */
  readonly others: () => readonly PeerMaterial[];
}

export function peerParts(material: PeerMaterial, options: PeerNodesOptions, context: PeerContext): PeerParts {
  const { access, setAside } = context;
  const { topology, msps, signatures } = options;
  const log = options.log.child({ peer: material.mspId });
  const { chaincodeAddress, chaincodeTls, furtherChaincodes = [], deployed = [] } = material;
  const security = chaincodeTls === undefined ? {} : { tls: chaincodeTls };
  const own: readonly ChaincodeService[] =
    topology.chaincode === undefined || chaincodeAddress === undefined
      ? []
      : [
          {
            name: topology.chaincode.name,
            version: topology.chaincode.version,
            address: chaincodeAddress,
            ...security,
          },
        ];
  const { executeTimeoutMs } = options;
  const services = [...own, ...furtherChaincodes].map(({ name, version, address, tls }) => {
    const limits = executeTimeoutMs === undefined ? {} : { executeTimeoutMs };
    const secured = tls === undefined ? {} : { tls };
    const runtime = new ChaincodeConnection({ chaincodeName: name, address, log, ...secured, ...limits });
    return { name, version, runtime };
  });
  const chaincodes: DefinedChaincode[] = [...services, ...deployed];
  const rulesNow = currentRules(services, options);
  const endorser = new Endorser({
    identity: material.identity,
    address: `${material.host}:${material.port}`,
    ledger: material.ledger,
    chaincodes,
    systemChaincodes: [
      qscc({
        channel: topology.channel,
        mspIdOf: (creator) => msps.identity(creator).mspId,
        mayReadBlocks: (mspId) => access.mayReadBlocks(mspId),
      }),
    ],
    get rules() {
      return rulesNow();
    },
    mspIdentityOf: (serialized) => ({ ...msps.identity(serialized), serialized }),
    distribute: distributorOf(material, { rulesNow, others: context.others, channel: topology.channel }),
    isInService: () => !setAside.has(material.mspId),
    signatures,
    log,
  });
  const notifier = new CommitNotifier(material.ledger);
  const connections = services.map(({ runtime }) => runtime);
  return { material, endorser, chaincodes, connections, notifier, feed: new BlockFeed(material.ledger), log };
}

/** Made anew when a chaincode was deployed. */
function currentRules(
  services: readonly { readonly name: string; readonly version: string }[],
  { topology, msps, definitions = [], deployedDefinitions = () => NONE }: PeerNodesOptions,
): () => ChannelRules {
  const policy = {
    endorsers: topology.organisations.filter(({ endorses }) => endorses).map(({ mspId }) => mspId),
    needed: topology.endorsementsNeeded,
  };
  const given = [...services.map(({ name, version }) => plainDefinition({ name, version }, policy)), ...definitions];
  const rulesWith = (deployed: readonly ChaincodeDefinition[]) =>
    new ChannelRules({
      channel: topology.channel,
      policy,
      chaincodes: [],
      definitions: [...given, ...deployed],
      mspIds: msps.mspIds(),
    });
  let latest: { readonly deployed: readonly ChaincodeDefinition[]; readonly rules: ChannelRules } | undefined;
  return () => {
    const deployed = deployedDefinitions();
    if (latest?.deployed !== deployed) latest = { deployed, rules: rulesWith(deployed) };
    return latest.rules;
  };
}

const NONE: readonly ChaincodeDefinition[] = [];

/** A peer without private data has nobody to give any to. */
function distributorOf(
  { ledger }: PeerMaterial,
  parts: Pick<PeerContext, 'others'> & { readonly rulesNow: () => ChannelRules; readonly channel: string },
): EndorserOptions['distribute'] {
  const own = ledger.privateData;
  if (own === undefined) return async () => undefined;
  const { channel, rulesNow } = parts;
  const others = () => shuffle(parts.others()).flatMap((peer) => peer.ledger.privateData ?? []);
  return (txId, sets) => distribute(txId, sets, { channel, rules: rulesNow(), own, others });
}

export function startServer(
  part: PeerParts,
  others: () => readonly Endorser[],
  options: PeerNodesOptions,
  access: AccessPolicy,
): Promise<PeerServer> {
  const { material, feed, notifier, log } = part;
  const { ledger } = material;
  const { channel } = options.topology;
  return startPeerServer({
    host: options.listenHost,
    port: material.port,
    tls: material.tls,
    endorse: endorseOptions(part, others, options),
    submit: { channel, access, log, orderer: options.orderer, envelopeSizeMaxBytes: ENVELOPE_SIZE_MAX_BYTES },
    commitStatus: { channel, access, ledger, notifier },
    chaincodeEvents: { channel, access, ledger, feed },
    deliver: {
      channel,
      access,
      feed,
      log,
      timeWindowMs: TIME_WINDOW_MS,
      nowMs: options.nowMs,
      privateDataOf: async (blockNumber, reader) => {
        const keeper = ledger.privateData;
        if (keeper === undefined) return new Map();
        return deliveredSets(blockNumber, reader, { keeper, rules: part.endorser.rules });
      },
    },
    log,
    ...(material.onCall === undefined ? {} : { onCall: material.onCall }),
  });
}

function endorseOptions(part: PeerParts, others: () => readonly Endorser[], options: PeerNodesOptions): EndorseOptions {
  const { topology, msps, nowMs } = options;
  return {
    local: part.endorser,
    // Asked anew for each call: peers stop and start.
    get others() {
      return others();
    },
    checks: {
      channel: topology.channel,
      msps,
      nowMs,
      timeWindowMs: TIME_WINDOW_MS,
      isOpenToAll: (name) => part.endorser.hasChaincode(name) && !part.endorser.hasApplicationChaincode(name),
    },
    shuffle,
  };
}

/** For one that serves no more. */
export function release({ connections, feed, notifier }: PeerParts): void {
  notifier.close();
  for (const connection of connections) connection.stop();
  feed.close();
}

/** Spreads the work over the other organisations. */
function shuffle<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, rank: Math.random() }))
    .sort((left, right) => left.rank - right.rank)
    .map(({ item }) => item);
}
