import type { ChannelRules } from '../commit/channel-rules.js';
import type { CollectionRules } from '../commit/collection-rules.js';
import type { PrivateSet } from '../endorse/read-write-set.js';
import type { PrivateDataKeeper } from './private-keeper.js';

export interface DistributionOptions {
  readonly channel: string;
  readonly rules: ChannelRules;
  /** Of the endorser. */
  readonly own: PrivateDataKeeper;
  /** Of the other peers in service, in the order in which they are asked. */
  readonly others: () => readonly PrivateDataKeeper[];
}

/**
 * Gives the members of each collection what a transaction would write to it, before the endorser says yes: at most
 * `maximumPeerCount` of them, and no endorsement when fewer than `requiredPeerCount` have it. The rest, and members
 * that were away, ask for it when the transaction is in a block. The endorser keeps its own copy until then.
 *
 * @throws Error too few members are there, or could store it
 * @see Fabric gossip/privdata/distributor.go
 */
export async function distribute(
  txId: string,
  sets: readonly PrivateSet[],
  options: DistributionOptions,
): Promise<void> {
  if (sets.length === 0) return;
  for (const set of sets) await distributeSet(txId, set, options);
  await options.own.storeTransient(txId, sets);
}

async function distributeSet(txId: string, set: PrivateSet, options: DistributionOptions): Promise<void> {
  const { namespace, collection } = set;
  const rules = options.rules.collection(namespace, collection);
  if (rules === undefined) throw new Error(`no configuration for collection ${collection} found`);
  const members = options.others().filter((other) => other.isMember(namespace, collection));
  const failed = (reason: string) =>
    new Error(`failed to distribute private collection, txID ${txId}, channel ${options.channel}: ${reason}`);
  if (members.length < rules.requiredPeerCount) {
    throw failed(
      `could not build private data dissemination plan for chaincode ${namespace} and collection ${collection}: ` +
        `required to disseminate to at least ${rules.requiredPeerCount} peers, but know of only ${members.length} eligible peers`,
    );
  }
  const given = members.slice(0, peersGiven(rules));
  const stored = await storeAt(given, txId, set);
  if (stored >= rules.requiredPeerCount) return;
  throw failed(`Failed disseminating ${given.length - stored} out of ${given.length} private dissemination plans`);
}

function peersGiven({ maximumPeerCount, requiredPeerCount }: CollectionRules): number {
  return Math.max(maximumPeerCount, requiredPeerCount);
}

async function storeAt(members: readonly PrivateDataKeeper[], txId: string, set: PrivateSet): Promise<number> {
  const outcomes = await Promise.allSettled(members.map((member) => member.storeTransient(txId, [set])));
  return outcomes.filter(({ status }) => status === 'fulfilled').length;
}
