import type { PeerEndpoint } from '../../gateway/ledger/ledger-connection.js';
import { nodeFolder, organisationFolder, tlsPaths } from '../../network/identities/index.js';
import type { BenchPlace } from './bench-place.js';
import type { PeerOrganisation } from './bench-ports.js';

/** Where an organisation's peer listens, and the names and files of its TLS. */
export function peerEndpoint(
  { dataDir }: BenchPlace,
  { domain, peer }: PeerOrganisation,
): PeerEndpoint & { readonly certificateFile: string; readonly keyFile: string } {
  const tls = tlsPaths(nodeFolder(organisationFolder(dataDir, domain), peer.host, 'peer'));
  return {
    address: `127.0.0.1:${peer.port}`,
    hostName: peer.host,
    tlsRootFile: tls.authority,
    certificateFile: tls.certificate,
    keyFile: tls.key,
  };
}
