import { join } from 'node:path';
import { authorityPaths, nodeFolder, ORDERER_MSP_ID, organisationFolder, tlsPaths } from '../identities/index.js';
import { ORDERER_DOMAIN, type Orderer } from '../topology.js';
import { nodeDataFolder } from './fabric-paths.js';
import { LOOPBACK } from './members.js';
import { PINGS_APART } from './peer-config.js';

const MESSAGE_SIZE_MAX_BYTES = 100 * 1024 * 1024;

/**
 * An orderer's orderer.yaml: TLS, no channel at first, channel participation and operations by HTTPS with a
 * client certificate of the ordering organisation.
 *
 * @returns content of orderer.yaml; written as JSON, which is YAML
 */
export function ordererConfig({ host, port, adminPort, operationsPort }: Orderer, dataDir: string): object {
  const organisation = organisationFolder(dataDir, ORDERER_DOMAIN, 'orderer');
  const folder = nodeFolder(organisation, host, 'orderer');
  const store = join(nodeDataFolder(dataDir, host), 'store');
  const tls = tlsPaths(folder);
  const pair = { Certificate: tls.certificate, PrivateKey: tls.key };
  const forOwnOrganisation = {
    Enabled: true,
    ...pair,
    RootCAs: [tls.authority],
    ClientAuthRequired: true,
    ClientRootCAs: [authorityPaths(organisation, ORDERER_DOMAIN, 'tlsca').certificate],
  };
  return {
    General: {
      ListenAddress: LOOPBACK,
      ListenPort: port,
      TLS: { Enabled: true, ...pair, RootCAs: [tls.authority], ClientAuthRequired: false },
      Keepalive: { ServerMinInterval: PINGS_APART, ServerInterval: '7200s', ServerTimeout: '20s' },
      Backoff: { BaseDelay: '100ms', Multiplier: 1.6, MaxDelay: '2s' },
      MaxRecvMsgSize: MESSAGE_SIZE_MAX_BYTES,
      MaxSendMsgSize: MESSAGE_SIZE_MAX_BYTES,
      Cluster: { SendBufferSize: 100, ClientCertificate: tls.certificate, ClientPrivateKey: tls.key },
      LocalMSPDir: join(folder, 'msp'),
      LocalMSPID: ORDERER_MSP_ID,
      BCCSP: { Default: 'SW', SW: { Hash: 'SHA2', Security: 256 } },
      Authentication: { TimeWindow: '15m' },
    },
    FileLedger: { Location: join(store, 'ledger') },
    Consensus: { WALDir: join(store, 'raft', 'wal'), SnapDir: join(store, 'raft', 'snapshot') },
    ChannelParticipation: { Enabled: true, MaxRequestBodySize: '1 MB' },
    Admin: { ListenAddress: `${LOOPBACK}:${adminPort}`, TLS: forOwnOrganisation },
    Operations: { ListenAddress: `${LOOPBACK}:${operationsPort}`, TLS: forOwnOrganisation },
    Metrics: { Provider: 'prometheus' },
  };
}
