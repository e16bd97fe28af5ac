import type { Logger } from 'pino';
import { type ChaincodeDefinition, plainDefinition } from '../commit/chaincode-definition.js';
import { ChannelRules } from '../commit/channel-rules.js';
import type { DefinedChaincode, SystemChaincode } from '../endorse/chaincode-calls.js';
import { Endorser, type EndorserOptions } from '../endorse/endorser.js';
import { distribute } from '../private-data/distribution.js';
import { cscc } from '../system-chaincodes/cscc.js';
import { lifecycleQueries } from '../system-chaincodes/lifecycle.js';
import { qscc } from '../system-chaincodes/qscc.js';
import type { PeerContext, PeerMaterial, PeerNodesOptions } from './peer-parts.js';
import { shuffle } from './shuffle.js';

export interface PeerEndorserOptions extends PeerNodesOptions, PeerContext {
  /** Of the peer. */
  readonly log: Logger;
}

export interface PeerChaincodes {
  /** From the ledger's start: with the channel's policy, unless they have a definition. */
  readonly given: readonly { readonly name: string; readonly version: string }[];
  /** As they are at the moment. */
  readonly running: readonly DefinedChaincode[];
}

/** What endorses for one peer: its chaincodes, those built in, and the way in which it gives private data to others. */
export function peerEndorser(
  material: PeerMaterial,
  { given, running }: PeerChaincodes,
  options: PeerEndorserOptions,
): Endorser {
  const { msps, signatures, log, isInService } = options;
  const rulesNow = currentRules(given, options);
  return new Endorser({
    identity: material.identity,
    address: `${material.host}:${material.port}`,
    ledger: material.ledger,
    chaincodes: running,
    systemChaincodes: systemChaincodes(material, { rulesNow, given, running }, options),
    get rules() {
      return rulesNow();
    },
    mspIdentityOf: (serialized) => ({ ...msps.identity(serialized), serialized }),
    distribute: distributorOf(material, rulesNow, options),
    isInService,
    signatures,
    log,
  });
}

function systemChaincodes(
  { mspId }: PeerMaterial,
  { rulesNow, given, running }: PeerChaincodes & { readonly rulesNow: () => ChannelRules },
  { topology, msps, access, allDeployedDefinitions = () => NONE }: PeerEndorserOptions,
): SystemChaincode[] {
  const { channel, organisations } = topology;
  const isGiven = (name: string) => given.some((chaincode) => chaincode.name === name);
  return [
    qscc({
      channel,
      mspIdOf: (creator) => msps.identity(creator).mspId,
      mayReadBlocks: (reader) => access.mayReadBlocks(reader),
    }),
    cscc({ channel }),
    lifecycleQueries({
      get rules() {
        return rulesNow();
      },
      mspId,
      members: organisations.map((member) => member.mspId),
      approvers: organisations.filter(({ peer }) => peer !== undefined).map((member) => member.mspId),
      approved: () => [
        ...rulesNow()
          .definitions()
          .filter(({ name }) => isGiven(name)),
        ...allDeployedDefinitions(),
      ],
      installed: () => running,
      creatorOf: (serialized) => msps.identity(serialized),
    }),
  ];
}

/** Made anew when a chaincode was deployed. */
function currentRules(
  chaincodes: PeerChaincodes['given'],
  { topology, msps, definitions = [], deployedDefinitions = () => NONE }: PeerEndorserOptions,
): () => ChannelRules {
  const policy = {
    endorsers: topology.organisations.filter(({ endorses }) => endorses).map(({ mspId }) => mspId),
    needed: topology.endorsementsNeeded,
  };
  const given = [...chaincodes.map(({ name, version }) => plainDefinition({ name, version }, policy)), ...definitions];
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
  rulesNow: () => ChannelRules,
  { topology, others }: PeerEndorserOptions,
): EndorserOptions['distribute'] {
  const own = ledger.privateData;
  if (own === undefined) return async () => undefined;
  const keepers = () => shuffle(others()).flatMap((peer) => peer.ledger.privateData ?? []);
  return (txId, sets) => distribute(txId, sets, { channel: topology.channel, rules: rulesNow(), own, others: keepers });
}
