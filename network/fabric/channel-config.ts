import { join } from 'node:path';
import { mspKeyPair, nodeFolder, ORDERER_MSP_ID, organisationFolder, tlsPaths } from '../identities/index.js';
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
 * SmartBFT's own defaults are for orderers far apart: a leader that died is missed for a minute, in which nothing is
 * ordered. Here it is missed after a few seconds, sooner than a gateway gives up on an outcome.
 */
const BFT_OPTIONS = {
  // A single transaction may fill a block, as with Raft.
  RequestBatchMaxBytes: ABSOLUTE_MAX_BYTES,
  RequestPoolSize: 10_000,
  IncomingMessageBufferSize: 1_000,
  // Every client hands its transaction to all orderers, so that forwarding is for those that reached only some.
  RequestForwardTimeout: '1s',
  RequestComplainTimeout: '5s',
  RequestAutoRemoveTimeout: '3m0s',
  LeaderHeartbeatTimeout: '4s',
  LeaderHeartbeatCount: 10,
  ViewChangeResendInterval: '1s',
  ViewChangeTimeout: '5s',
  CollectTimeout: '1s',
  // Orderers that all start at once would wait seconds for each other; one that is behind is told so by the others.
  SyncOnStart: false,
};

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

function ordererSection(topology: Topology, dataDir: string): object {
  const { orderers, batch } = topology;
  return {
    ...consensusSection(topology, dataDir),
    BatchTimeout: `${batch.timeoutMs}ms`,
    BatchSize: {
      MaxMessageCount: batch.maxMessageCount,
      AbsoluteMaxBytes: ABSOLUTE_MAX_BYTES,
      PreferredMaxBytes: batch.preferredMaxBytes,
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

function consensusSection(topology: Topology, dataDir: string): object {
  return topology.consensus === 'bft' ? bftSection(topology, dataDir) : raftSection(topology, dataDir);
}

function raftSection({ orderers }: Topology, dataDir: string): object {
  return {
    OrdererType: 'etcdraft',
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
  };
}

/**
 * A consenter has a number and an identity besides: its signature counts in every block, and configtxgen makes the
 * policy that blocks are validated by, a quorum of these identities, out of the list.
 *
 * @see https://hyperledger-fabric.readthedocs.io/en/latest/bft_configuration.html
 */
function bftSection({ orderers, batch }: Topology, dataDir: string): object {
  return {
    OrdererType: 'BFT',
    ConsenterMapping: orderers.map((orderer, index) => ({
      ID: index + 1,
      MSPID: ORDERER_MSP_ID,
      Identity: mspKeyPair(join(ordererFolder(orderer, dataDir), 'msp'), orderer.host).certificate,
      ...consenter(orderer, dataDir),
    })),
    SmartBFT: {
      ...BFT_OPTIONS,
      RequestBatchMaxCount: batch.maxMessageCount,
      RequestBatchMaxInterval: `${batch.timeoutMs}ms`,
    },
  };
}

function consenter(orderer: Orderer, dataDir: string): object {
  const { certificate } = tlsPaths(ordererFolder(orderer, dataDir));
  return { Host: LOOPBACK, Port: orderer.port, ClientTLSCert: certificate, ServerTLSCert: certificate };
}

function ordererFolder({ host }: Orderer, dataDir: string): string {
  return nodeFolder(organisationFolder(dataDir, ORDERER_DOMAIN, 'orderer'), host, 'orderer');
}
