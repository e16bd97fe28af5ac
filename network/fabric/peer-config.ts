import { join } from 'node:path';
import { authorityPaths, nodeFolder, organisationFolder, tlsPaths } from '../identities/index.js';
import { nodeDataFolder } from './fabric-paths.js';
import { LOOPBACK, type PeerOrganisation } from './members.js';

export interface PeerConfigInput {
  readonly organisation: PeerOrganisation;
  readonly dataDir: string;
  /** Of this peer: folder with `bin/detect`, `bin/build` and `bin/release` for chaincode as a service. */
  readonly builder: string;
}

const PINGS = { interval: '60s', timeout: '20s' };
/**
 * What a node lets others ping at: more often than they do, so that a ping that comes early ends nothing. Where nothing
 * is set, as in the gateway service's connections to other peers, Fabric pings every ten seconds while a call takes long;
 * a node that minds hangs up on all that goes through the connection.
 */
export const PINGS_APART = '5s';
/** As the gateway's own bound on a message, with room for a block of several. */
const MESSAGE_SIZE_MAX_BYTES = 100 * 1024 * 1024;

/**
 * A peer's core.yaml: LevelDB, TLS, proposals refused when their time is two minutes off, no container engine.
 *
 * @returns content of core.yaml; written as JSON, which is YAML
 */
export function peerConfig(input: PeerConfigInput): object {
  const { organisation, dataDir, builder } = input;
  const store = join(nodeDataFolder(dataDir, organisation.peer.host), 'store');
  return {
    peer: peerSection(organisation, dataDir, store),
    // Empty: the peer asks no container engine for anything.
    vm: { endpoint: '' },
    chaincode: chaincodeSection(builder),
    ledger: {
      state: { stateDatabase: 'goleveldb', totalQueryLimit: 100_000 },
      history: { enableHistoryDatabase: true },
      snapshots: { rootDir: join(store, 'snapshots') },
    },
    operations: operationsSection(organisation, dataDir),
    metrics: { provider: 'prometheus' },
  };
}

function peerSection({ mspId, domain, peer }: PeerOrganisation, dataDir: string, store: string): object {
  const folder = nodeFolder(organisationFolder(dataDir, domain), peer.host, 'peer');
  const address = `${LOOPBACK}:${peer.port}`;
  const tls = tlsPaths(folder);
  return {
    id: peer.host,
    networkId: 'medledger',
    listenAddress: address,
    address,
    // No chaincode dials in: peers dial the chaincode service. Left out, it would be one fixed port for all.
    chaincodeListenAddress: `${LOOPBACK}:0`,
    fileSystemPath: store,
    mspConfigPath: join(folder, 'msp'),
    localMspId: mspId,
    // Dialling a peer that is gone holds up every other call, so it does not take Fabric's two minutes.
    gateway: { enabled: true, endorsementTimeout: '30s', broadcastTimeout: '30s', dialTimeout: '3s' },
    gossip: gossipSection(address),
    keepalive: {
      interval: '7200s',
      timeout: '20s',
      minInterval: PINGS_APART,
      // Left out, a peer pings every ten seconds, and what it pings hangs up.
      client: PINGS,
      deliveryClient: PINGS,
    },
    tls: {
      enabled: true,
      clientAuthRequired: false,
      cert: { file: tls.certificate },
      key: { file: tls.key },
      rootcert: { file: tls.authority },
    },
    authentication: { timewindow: '2m' },
    BCCSP: { Default: 'SW', SW: { Hash: 'SHA2', Security: 256 } },
    client: { connTimeout: '3s' },
    deliveryclient: { reconnectTotalTimeThreshold: '3600s', reConnectBackoffThreshold: '2s', connTimeout: '3s' },
    handlers: {
      authFilters: [{ name: 'DefaultAuth' }, { name: 'ExpirationCheck' }, { name: 'TimeWindowCheck' }],
      decorators: [{ name: 'DefaultDecorator' }],
      endorsers: { escc: { name: 'DefaultEndorsement' } },
      validators: { vscc: { name: 'DefaultValidation' } },
    },
    discovery: { enabled: true, authCacheEnabled: true, authCacheMaxSize: 1000, authCachePurgeRetentionRatio: 0.75 },
    limits: { concurrency: { endorserService: 2500, deliverService: 2500, gatewayService: 500 } },
    maxRecvMsgSize: MESSAGE_SIZE_MAX_BYTES,
    maxSendMsgSize: MESSAGE_SIZE_MAX_BYTES,
  };
}

/**
 * Every peer pulls blocks from the orderers by itself; gossip only tells peers of each other. Its intervals are a
 * fraction of Fabric's, which are made for hundreds of peers: at 4 s and 25 s a network is slow to find itself after
 * a start, and a peer that comes back is slow to be asked again.
 */
function gossipSection(address: string): object {
  return {
    bootstrap: address,
    endpoint: address,
    externalEndpoint: address,
    useLeaderElection: false,
    orgLeader: true,
    membershipTrackerInterval: '5s',
    maxBlockCountToStore: 10,
    pullInterval: '1s',
    requestStateInfoInterval: '1s',
    publishStateInfoInterval: '1s',
    aliveTimeInterval: '1s',
    aliveExpirationTimeout: '10s',
    reconnectInterval: '2s',
    maxConnectionAttempts: 120,
    msgExpirationFactor: 20,
    dialTimeout: '3s',
    connTimeout: '2s',
    state: { enabled: false },
    pvtData: {
      pullRetryThreshold: '5s',
      transientstoreMaxBlockRetention: 20_000,
      pushAckTimeout: '3s',
      btlPullMargin: 10,
      reconcileBatchSize: 10,
      reconcileSleepInterval: '1m',
      reconciliationEnabled: true,
      implicitCollectionDisseminationPolicy: { requiredPeerCount: 0, maxPeerCount: 1 },
    },
  };
}

/** Metrics tell how busy which organisation is, and the log level can be set here: for the organisation's own eyes. */
function operationsSection({ domain, peer }: PeerOrganisation, dataDir: string): object {
  const organisation = organisationFolder(dataDir, domain);
  const { certificate, key } = tlsPaths(nodeFolder(organisation, peer.host, 'peer'));
  return {
    listenAddress: `${LOOPBACK}:${peer.operationsPort}`,
    tls: {
      enabled: true,
      cert: { file: certificate },
      key: { file: key },
      clientAuthRequired: true,
      clientRootCAs: { files: [authorityPaths(organisation, domain, 'tlsca').certificate] },
    },
  };
}

function chaincodeSection(builder: string): object {
  return {
    externalBuilders: [{ name: 'medledger-ccaas', path: builder }],
    installTimeout: '60s',
    startuptimeout: '60s',
    executetimeout: '30s',
    mode: 'net',
    // Fabric's keepalive message ends the Node shim.
    keepalive: 0,
    system: { _lifecycle: 'enable', cscc: 'enable', lscc: 'enable', qscc: 'enable' },
    logging: { level: 'error', shim: 'error' },
    runtimeParams: {
      useWriteBatch: true,
      maxSizeWriteBatch: 1000,
      useGetMultipleKeys: true,
      maxSizeGetMultipleKeys: 1000,
    },
  };
}
