import { setTimeout as wait } from 'node:timers/promises';
import { common, orderer } from '@hyperledger/fabric-protos';
import { readAdminIdentity } from '../identities/index.js';
import { ORDERER_DOMAIN } from '../topology.js';
import { groupOf } from './add-organisation.js';
import { updateChannel } from './channel-update.js';
import { FabricError } from './fabric-error.js';
import type { FabricPlace } from './prepare-network.js';

const RAFT = 'etcdraft';
const COUNTED_MS = 60_000;
const POLL_MS = 500;

/**
 * Puts the certificates of one orderer into the running channel as they are in the data folder: orderers take a change
 * of one of them at a time. Does nothing where they are there.
 *
 * @returns number of the configuration that has them
 * @throws FabricError CHANNEL_UPDATE_REFUSED
 */
export async function publishConsenter(place: FabricPlace, host: string): Promise<number> {
  for (const untilMs = Date.now() + COUNTED_MS; ; await wait(POLL_MS)) {
    try {
      return await publishOnce(place, host);
    } catch (error) {
      if (!isNotCountedYet(error) || Date.now() > untilMs) throw error;
    }
  }
}

/** An orderer that was just started takes the others for dead until it has heard of them, and no change meanwhile. */
function isNotCountedYet(error: unknown): boolean {
  return error instanceof FabricError && error.message.includes('nodes are alive, configuration will result');
}

function publishOnce(place: FabricPlace, host: string): Promise<number> {
  const index = place.topology.orderers.findIndex((candidate) => candidate.host === host);
  return updateChannel(place, {
    what: `certificates of ${host}`,
    signers: [readAdminIdentity(place.dataDir, ORDERER_DOMAIN, 'orderer')],
    change: (config, generated) => {
      const [from, to] = [groupOf(generated, 'Orderer'), groupOf(config, 'Orderer')];
      changeValues(from, to, { ConsensusType: raftConsenter, Orderers: bftConsenter }, index);
      changeBlockValidation(from, to, index);
    },
  });
}

/** @returns `to` with what `from` says of the orderer at the place of the list */
type Change = (from: Uint8Array, to: Uint8Array, index: number) => Uint8Array;

function changeValues(
  from: common.ConfigGroup,
  to: common.ConfigGroup,
  changes: Readonly<Record<string, Change>>,
  index: number,
): void {
  for (const [name, change] of Object.entries(changes)) {
    const wanted: common.ConfigValue | undefined = from.getValuesMap().get(name);
    const current: common.ConfigValue | undefined = to.getValuesMap().get(name);
    if (wanted === undefined || current === undefined) continue;
    current.setValue(change(wanted.getValue_asU8(), current.getValue_asU8(), index));
  }
}

function raftConsenter(from: Uint8Array, to: Uint8Array, index: number): Uint8Array {
  const wanted = orderer.ConsensusType.deserializeBinary(from);
  const current = orderer.ConsensusType.deserializeBinary(to);
  if (current.getType() !== RAFT || wanted.getType() !== RAFT) return to;
  const metadata = orderer.etcdraft.ConfigMetadata.deserializeBinary(current.getMetadata_asU8());
  const fresh = orderer.etcdraft.ConfigMetadata.deserializeBinary(wanted.getMetadata_asU8());
  metadata.setConsentersList(withItem(metadata.getConsentersList(), fresh.getConsentersList(), index));
  current.setMetadata(metadata.serializeBinary());
  return current.serializeBinary();
}

function bftConsenter(from: Uint8Array, to: Uint8Array, index: number): Uint8Array {
  const current = common.Orderers.deserializeBinary(to);
  const fresh = common.Orderers.deserializeBinary(from).getConsenterMappingList();
  current.setConsenterMappingList(withItem(current.getConsenterMappingList(), fresh, index));
  return current.serializeBinary();
}

/** With BFT it names the certificates that blocks are signed with, in the order of the orderers. */
function changeBlockValidation(from: common.ConfigGroup, to: common.ConfigGroup, index: number): void {
  const [wanted, current] = [from, to].map((group): common.Policy | undefined =>
    group.getPoliciesMap().get('BlockValidation')?.getPolicy(),
  );
  const { SIGNATURE } = common.Policy.PolicyType;
  if (wanted?.getType() !== SIGNATURE || current?.getType() !== SIGNATURE) return;
  const rule = common.SignaturePolicyEnvelope.deserializeBinary(current.getValue_asU8());
  const fresh = common.SignaturePolicyEnvelope.deserializeBinary(wanted.getValue_asU8());
  rule.setIdentitiesList(withItem(rule.getIdentitiesList(), fresh.getIdentitiesList(), index));
  current.setValue(rule.serializeBinary());
}

function withItem<T>(items: readonly T[], fresh: readonly T[], index: number): T[] {
  return items.map((item, at) => (at === index ? (fresh[index] ?? item) : item));
}
