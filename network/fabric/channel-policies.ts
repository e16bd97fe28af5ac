import type { Topology } from '../topology.js';
import { endorsingMspIds, peerOrganisations } from './members.js';

/** A policy as configtx.yaml writes it. */
export interface ChannelPolicy {
  readonly Type: 'Signature' | 'ImplicitMeta';
  readonly Rule: string;
}

export type ChannelPolicies = Readonly<Record<string, ChannelPolicy>>;

/** Name of the policy that raw blocks are given under. */
export const BLOCK_READERS = 'BlockReaders';

/**
 * Who must endorse a transaction, e.g. `OutOf(2, 'HospitalAMSP.peer', …)`; the chaincode definition names it too.
 */
export function endorsementRule(topology: Topology): string {
  return outOf(topology.endorsementsNeeded, endorsingMspIds(topology), 'peer');
}

/** The organisation's own policies. A client organisation has nobody who could endorse. */
export function organisationPolicies(mspId: string, hasPeer: boolean): ChannelPolicies {
  return {
    Readers: signature(anyOf([mspId], ['admin', 'peer', 'client'])),
    Writers: signature(anyOf([mspId], ['admin', 'client'])),
    Admins: signature(anyOf([mspId], ['admin'])),
    ...(hasPeer ? { Endorsement: signature(anyOf([mspId], ['peer'])) } : {}),
  };
}

/** The ordering organisation's: its nodes read blocks and write them. */
export function ordererOrganisationPolicies(mspId: string): ChannelPolicies {
  return {
    Readers: signature(anyOf([mspId], ['admin', 'orderer'])),
    Writers: signature(anyOf([mspId], ['admin', 'orderer'])),
    Admins: signature(anyOf([mspId], ['admin'])),
  };
}

/**
 * Endorsement, lifecycle and administration are counted among the organisations with a peer, stated one by one:
 * Fabric's default, a majority of all, would count client organisations too.
 */
export function applicationPolicies(topology: Topology): ChannelPolicies {
  const mspIds = peerOrganisations(topology).map(({ mspId }) => mspId);
  const majority = Math.floor(mspIds.length / 2) + 1;
  return {
    Readers: implicit('ANY Readers'),
    Writers: implicit('ANY Writers'),
    Admins: signature(outOf(majority, mspIds, 'admin')),
    LifecycleEndorsement: signature(outOf(majority, mspIds, 'peer')),
    Endorsement: signature(endorsementRule(topology)),
    [BLOCK_READERS]: signature(anyOf(mspIds, ['admin', 'peer', 'client'])),
  };
}

/**
 * Of the whole channel. Orderers hand out blocks under `Readers`, so that one too leaves client organisations out;
 * they broadcast under `Writers`, which lets them in.
 */
export function channelPolicies(topology: Topology, ordererMspId: string): ChannelPolicies {
  const mspIds = peerOrganisations(topology).map(({ mspId }) => mspId);
  return {
    Readers: signature(
      `OR(${[...principals(mspIds, ['admin', 'peer', 'client']), ...principals([ordererMspId], ['admin', 'orderer'])].join(', ')})`,
    ),
    Writers: implicit('ANY Writers'),
    Admins: implicit('MAJORITY Admins'),
  };
}

/** Of the ordering service. */
export function ordererPolicies(): ChannelPolicies {
  return {
    Readers: implicit('ANY Readers'),
    Writers: implicit('ANY Writers'),
    Admins: implicit('MAJORITY Admins'),
    BlockValidation: implicit('ANY Writers'),
  };
}

/**
 * What peers give to whom. Whatever holds whole transactions goes to organisations with a peer, which have it anyway;
 * heights, events, statuses and blocks without their payloads go to every member.
 */
export function accessControl(): Readonly<Record<string, string>> {
  const blockReaders = `/Channel/Application/${BLOCK_READERS}`;
  const readers = '/Channel/Application/Readers';
  const writers = '/Channel/Application/Writers';
  return {
    'qscc/GetBlockByNumber': blockReaders,
    'qscc/GetBlockByHash': blockReaders,
    'qscc/GetBlockByTxID': blockReaders,
    'qscc/GetTransactionByID': blockReaders,
    'event/Block': blockReaders,
    'qscc/GetChainInfo': readers,
    'cscc/GetConfigBlock': readers,
    'cscc/GetChannelConfig': readers,
    'event/FilteredBlock': readers,
    'peer/Propose': writers,
    'peer/ChaincodeToChaincode': writers,
  };
}

function outOf(count: number, mspIds: readonly string[], role: string): string {
  return `OutOf(${[String(count), ...principals(mspIds, [role])].join(', ')})`;
}

function anyOf(mspIds: readonly string[], roles: readonly string[]): string {
  return `OR(${principals(mspIds, roles).join(', ')})`;
}

function principals(mspIds: readonly string[], roles: readonly string[]): readonly string[] {
  return mspIds.flatMap((mspId) => roles.map((role) => `'${mspId}.${role}'`));
}

function signature(rule: string): ChannelPolicy {
  return { Type: 'Signature', Rule: rule };
}

function implicit(rule: string): ChannelPolicy {
  return { Type: 'ImplicitMeta', Rule: rule };
}
