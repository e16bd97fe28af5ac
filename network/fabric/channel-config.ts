import { join } from 'node:path';
import { nodeFolder, ORDERER_MSP_ID, organisationFolder, tlsPaths } from '../identities/index.js';
import { ORDERER_DOMAIN, type Orderer, type Organisation, type Topology } from '../topology.js';
import {
  accessControl,
  applicationPolicies,
  channelPolicies,
  ordererOrganisationPolicies,
  ordererPolicies,
  organisationPolicies,
} from './channel-policies.js';
import { LOOPBACK } from './members.js';

/** Name of the profile in configtx.yaml. */
export const CHANNEL_PROFILE = 'MedLedger';

/**
 * Two seconds until a follower that hears nothing asks for votes: with Fabric's own 5 s a restart takes as long, with
 * less a busy machine elects for nothing.
 */
const RAFT_TICK = '200ms';
const RAFT_ELECTION_TICKS = 10;
/** Blocks larger than this are refused; a batch of 200 records stays far below. */
const ABSOLUTE_MAX_BYTES = 16 * 1024 * 1024;

/**
 * The channel as `configtxgen` reads it: members, policies, access control, orderers, batch size and time.
 *
 * @returns content of configtx.yaml; written as JSON, which is YAML
 * @see https://hyperledger-fabric.readthedocs.io/en/latest/create_channel/create_channel_config.html
 */
export function channelConfig(topology: Topology, dataDir: string): object {
  const Orderer = ordererSection(topology, dataDir);
  const Application = {
    ACLs: accessControl(),
    Organizations: topology.organisations.map((member) => memberSection(member, dataDir)),
    Policies: applicationPolicies(topology),
    Capabilities: { V2_5: true },
  };
  const Policies = channelPolicies(topology, ORDERER_MSP_ID);
  return { Profiles: { [CHANNEL_PROFILE]: { Policies, Capabilities: { V3_0: true }, Orderer, Application } } };
}

function memberSection({ mspId, domain, peer }: Organisation, dataDir: string): object {
  return {
    Name: mspId,
    ID: mspId,
    MSPDir: join(organisationFolder(dataDir, domain), 'msp'),
    Policies: organisationPolicies(mspId, peer !== undefined),
    // Through its anchor peer an organisation is found by the peers of the others.
    ...(peer === undefined ? {} : { AnchorPeers: [{ Host: LOOPBACK, Port: peer.port }] }),
  };
}

function ordererSection({ orderers, batch }: Topology, dataDir: string): object {
  return {
    OrdererType: 'etcdraft',
    BatchTimeout: `${batch.timeoutMs}ms`,
    BatchSize: {
      MaxMessageCount: batch.maxMessageCount,
      AbsoluteMaxBytes: ABSOLUTE_MAX_BYTES,
      PreferredMaxBytes: batch.preferredMaxBytes,
    },
    EtcdRaft: {
      Consenters: orderers.map((orderer) => consenter(orderer, dataDir)),
      Options: {
        TickInterval: RAFT_TICK,
        ElectionTick: RAFT_ELECTION_TICKS,
        HeartbeatTick: 1,
        MaxInflightBlocks: 5,
        SnapshotIntervalSize: '16 MB',
      },
    },
    Organizations: [
      {
        Name: ORDERER_MSP_ID,
        ID: ORDERER_MSP_ID,
        MSPDir: join(organisationFolder(dataDir, ORDERER_DOMAIN, 'orderer'), 'msp'),
        Policies: ordererOrganisationPolicies(ORDERER_MSP_ID),
        OrdererEndpoints: orderers.map(({ port }) => `${LOOPBACK}:${port}`),
      },
    ],
    Policies: ordererPolicies(),
    Capabilities: { V2_0: true },
  };
}

function consenter({ host, port }: Orderer, dataDir: string): object {
  const folder = nodeFolder(organisationFolder(dataDir, ORDERER_DOMAIN, 'orderer'), host, 'orderer');
  const { certificate } = tlsPaths(folder);
  return { Host: LOOPBACK, Port: port, ClientTLSCert: certificate, ServerTLSCert: certificate };
}
