import { ledger as protos, msp, peer } from '@hyperledger/fabric-protos';
import { type ChaincodeDefinition, plainDefinition } from '../../network/devledger/commit/chaincode-definition.js';
import { openPeerLedger, type PeerLedgerOptions } from '../../network/devledger/commit/open-peer-ledger.js';
import { hashNamespace } from '../../network/devledger/commit/state-namespaces.js';
import { outOfPolicy } from '../../network/devledger/commit/signature-policy.js';
import { keyHash } from '../../network/devledger/endorse/private-simulation.js';
import {
  type PrivateSet,
  privateSetsOf,
  serialiseReadWriteSet,
} from '../../network/devledger/endorse/read-write-set.js';
import { SimulationRecord } from '../../network/devledger/endorse/simulation-record.js';
import type { PeerLedger } from '../../network/devledger/peer-ledger.js';
import type { PrivateDataKeeper } from '../../network/devledger/private-data/private-keeper.js';
import { CHAINCODE, POLICY, peerOptions, type TestNetwork } from './ledger-support.js';
import type { TransactionSpec } from './ledger-transactions.js';

export const SHARED = 'shared';
/** Its data is gone three blocks after the one that wrote it. */
export const FLEETING = 'fleeting';
export const MEMBERS = ['HospitalAMSP', 'HospitalBMSP'];

const { MEMBER, PEER } = msp.MSPRole.MSPRoleType;

/** The test chaincode with two collections of the hospitals. */
export function definitionWithCollections(): ChaincodeDefinition {
  const collections = new peer.CollectionConfigPackage();
  collections.setConfigList(
    [
      { name: SHARED, blockToLive: 0 },
      { name: FLEETING, blockToLive: 2 },
    ].map(({ name, blockToLive }) => {
      const members = new peer.CollectionPolicyConfig();
      members.setSignaturePolicy(outOfPolicy(1, MEMBERS, MEMBER));
      const config = new peer.StaticCollectionConfig();
      config.setName(name);
      config.setMemberOrgsPolicy(members);
      config.setBlockToLive(blockToLive);
      const message = new peer.CollectionConfig();
      message.setStaticCollectionConfig(config);
      return message;
    }),
  );
  return { ...plainDefinition({ name: CHAINCODE, version: '1.0' }, POLICY), collections };
}

/** Reads and writes as a peer would record them, for a transaction made by hand. */
export function simulated(
  write: (record: SimulationRecord) => void,
  spec: TransactionSpec = {},
): { readonly spec: TransactionSpec; readonly sets: readonly PrivateSet[] } {
  const record = new SimulationRecord();
  write(record);
  const made = protos.rwset.TxReadWriteSet.deserializeBinary(serialiseReadWriteSet(record.namespaces));
  return {
    spec: { ...spec, alter: ({ results }) => results.setNsRwsetList(made.getNsRwsetList()) },
    sets: privateSetsOf(record.namespaces),
  };
}

/** A write to a collection; undefined deletes. */
export function privateWrite(collection: string, key: string, value: string | undefined, isPurge = false) {
  return (record: SimulationRecord): void => {
    const written = { value: value === undefined ? undefined : Buffer.from(value), isPurge };
    record.collection(CHAINCODE, collection).writes.set(key, written);
  };
}

/** Gives a key a policy: one peer of each organisation. */
export function keyPolicy(key: string, mspIds: readonly string[]) {
  return (record: SimulationRecord): void => {
    const policy = outOfPolicy(mspIds.length, mspIds, PEER).serializeBinary();
    record.namespace(CHAINCODE).metadataWrites.set(key, new Map([['VALIDATION_PARAMETER', policy]]));
  };
}

export function optionsWithCollections(network: TestNetwork, directory: string, mspId: string): PeerLedgerOptions {
  return { ...peerOptions(network, directory, mspId), definitions: [definitionWithCollections()] };
}

export interface OpenedPeer {
  readonly ledger: PeerLedger;
  readonly keeper: PrivateDataKeeper;
}

export async function openWithCollections(network: TestNetwork, directory: string, mspId: string): Promise<OpenedPeer> {
  const ledger = await openPeerLedger(optionsWithCollections(network, directory, mspId));
  if (ledger.privateData === undefined) throw new Error('a ledger on disk keeps private data');
  return { ledger, keeper: ledger.privateData };
}

/** A private value as a simulation on this peer would see it, whatever its hash says. */
export async function privateValue(ledger: PeerLedger, collection: string, key: string): Promise<string | undefined> {
  const snapshot = ledger.snapshot();
  try {
    const found = await snapshot.privateView?.get(CHAINCODE, collection, key);
    return found && Buffer.from(found.value).toString('utf8');
  } finally {
    await snapshot.close();
  }
}

/** The hash of a private value, as lower-case hex; undefined when there is none. */
export async function privateHash(ledger: PeerLedger, collection: string, key: string): Promise<string | undefined> {
  const snapshot = ledger.snapshot();
  try {
    const found = await snapshot.get(hashNamespace(CHAINCODE, collection), keyHash(key));
    return found && Buffer.from(found.value).toString('hex');
  } finally {
    await snapshot.close();
  }
}
