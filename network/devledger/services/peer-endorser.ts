import type { Logger } from 'pino';
import { plainDefinition } from '../commit/chaincode-definition.js';
import { ChannelRules } from '../commit/channel-rules.js';
import type { DefinedChaincode, SystemChaincode } from '../endorse/chaincode-calls.js';
import { Endorser, type EndorserOptions } from '../endorse/endorser.js';
import { distribute } from '../private-data/distribution.js';
import { cscc } from '../system-chaincodes/cscc.js';
import { lifecycleQueries } from '../system-chaincodes/lifecycle.js';
import { qscc } from '../system-chaincodes/qscc.js';
import type { AccessPolicy } from './access-policy.js';
import type { PeerMaterial, PeerNodesOptions } from './peer-nodes.js';
import { shuffle } from './shuffle.js';

export interface PeerEndorserOptions extends PeerNodesOptions {
  readonly access: AccessPolicy;
  /** Of the peer. */
  readonly log: Logger;
  readonly isInService: (mspId: string) => boolean;
}

/** What endorses for one peer: its chaincodes, those built in, and the way in which it gives private data to others. */
export function peerEndorser(
  material: PeerMaterial,
  chaincodes: readonly DefinedChaincode[],
  options: PeerEndorserOptions,
): Endorser {
  const { msps, signatures, log, isInService } = options;
  const rules = rulesOf(chaincodes, options);
  return new Endorser({
    identity: material.identity,
    address: `${material.host}:${material.port}`,
    ledger: material.ledger,
    chaincodes,
    systemChaincodes: systemChaincodes(material, rules, options),
    rules,
    mspIdentityOf: (serialized) => ({ ...msps.identity(serialized), serialized }),
    distribute: distributorOf(material, rules, options),
    isInService: () => isInService(material.mspId),
    signatures,
    log,
  });
}

function systemChaincodes(
  { mspId }: PeerMaterial,
  rules: ChannelRules,
  { topology, msps, peers, access }: PeerEndorserOptions,
): SystemChaincode[] {
  const { channel } = topology;
  return [
    qscc({
      channel,
      mspIdOf: (creator) => msps.identity(creator).mspId,
      mayReadBlocks: (reader) => access.mayReadBlocks(reader),
    }),
    cscc({ channel }),
    lifecycleQueries({
      rules,
      mspId,
      approvers: peers.map((peer) => peer.mspId),
      creatorOf: (serialized) => msps.identity(serialized),
    }),
  ];
}

function rulesOf(
  chaincodes: readonly DefinedChaincode[],
  { topology, msps, definitions = [] }: PeerEndorserOptions,
): ChannelRules {
  const policy = {
    endorsers: topology.organisations.filter(({ endorses }) => endorses).map(({ mspId }) => mspId),
    needed: topology.endorsementsNeeded,
  };
  const plain = chaincodes.map(({ name, version }) => plainDefinition({ name, version }, policy));
  return new ChannelRules({
    channel: topology.channel,
    policy,
    chaincodes: [],
    definitions: [...plain, ...definitions],
    mspIds: msps.mspIds(),
  });
}

/** A peer without private data has nobody to give any to. */
function distributorOf(
  { ledger, mspId }: PeerMaterial,
  rules: ChannelRules,
  { peers, topology, isInService }: PeerEndorserOptions,
): EndorserOptions['distribute'] {
  const own = ledger.privateData;
  if (own === undefined) return async () => undefined;
  const others = () =>
    shuffle(peers.filter((peer) => peer.mspId !== mspId && isInService(peer.mspId))).flatMap(
      (peer) => peer.ledger.privateData ?? [],
    );
  return (txId, sets) => distribute(txId, sets, { channel: topology.channel, rules, own, others });
}
