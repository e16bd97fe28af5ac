import { readFileSync } from 'node:fs';
import { authorityPaths, nodeFolder, organisationFolder, tlsPaths } from '../../network/identities/index.js';
import { LOOPBACK } from '../../network/fabric/members.js';
import { ORDERER_DOMAIN, type Organisation, type Topology } from '../../network/topology.js';
import type { LedgerKind } from '../start/ledger-choice.js';

export interface ProfilePlace {
  readonly topology: Topology;
  /** Holds the certificates. */
  readonly dataDir: string;
  readonly ledger: LedgerKind;
}

/**
 * Fabric's common connection profile of one organisation: where its clients find a peer, and by which certificates they
 * know it. A client organisation is sent to the peer of its host. There are no keys in it.
 *
 * @see https://hyperledger-fabric.readthedocs.io/en/release-2.2/developapps/connectionprofile.html
 */
export function connectionProfile(place: ProfilePlace, { mspId, name, gateway }: Organisation): object {
  const { topology, dataDir } = place;
  // The embedded ledger orders within its one process: there is nothing else to call.
  const orderers = place.ledger === 'fabric' ? topology.orderers : [];
  const host = topology.organisations.find((organisation) => organisation.mspId === gateway.peerMspId);
  const peers = host?.peer === undefined ? {} : { [host.peer.host]: peerSection(dataDir, host, host.peer) };
  return {
    name: `${topology.channel}-${mspId}`,
    description: `${name} in the consortium of the channel ${topology.channel}`,
    version: '1.0.0',
    client: { organization: mspId, connection: { timeout: { peer: { endorser: '30' }, orderer: '30' } } },
    organizations: {
      [mspId]: { mspid: mspId, peers: host?.mspId === mspId ? Object.keys(peers) : [] },
      ...(host === undefined || host.mspId === mspId
        ? {}
        : { [host.mspId]: { mspid: host.mspId, peers: Object.keys(peers) } }),
    },
    peers,
    orderers: Object.fromEntries(
      orderers.map((orderer) => [orderer.host, ordererSection(dataDir, orderer.host, orderer.port)]),
    ),
    channels: {
      [topology.channel]: {
        orderers: orderers.map((orderer) => orderer.host),
        peers: Object.fromEntries(Object.keys(peers).map((peer) => [peer, { endorsingPeer: true, eventSource: true }])),
      },
    },
  };
}

function peerSection(dataDir: string, { domain }: Organisation, peer: NonNullable<Organisation['peer']>): object {
  const folder = nodeFolder(organisationFolder(dataDir, domain), peer.host, 'peer');
  return nodeSection(peer.host, peer.port, tlsPaths(folder).authority);
}

function ordererSection(dataDir: string, host: string, port: number): object {
  const organisation = organisationFolder(dataDir, ORDERER_DOMAIN, 'orderer');
  return nodeSection(host, port, authorityPaths(organisation, ORDERER_DOMAIN, 'tlsca').certificate);
}

/** Names in the certificates are those of hosts; on one machine all of them listen at its loopback address. */
function nodeSection(host: string, port: number, authorityFile: string): object {
  return {
    url: `grpcs://${LOOPBACK}:${port}`,
    tlsCACerts: { pem: readFileSync(authorityFile, 'utf8') },
    grpcOptions: { 'ssl-target-name-override': host, hostnameOverride: host },
  };
}
