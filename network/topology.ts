/**
 * How the orderers of real Fabric agree: `raft` goes on when fewer than half of them stop, `bft` also when fewer than a
 * third of them lie. The embedded ledger has one orderer, and nothing to agree on.
 */
export type Consensus = 'raft' | 'bft';

/** A member of a channel, as far as the ledger goes. */
export interface LedgerOrganisation {
  readonly mspId: string;
  /** Name shown to people. */
  readonly name: string;
  readonly domain: string;
  /** Undefined for a client organisation: a peer would hold everybody's metadata. */
  readonly peer?: {
    readonly host: string;
    readonly port: number;
    readonly chaincodePort: number;
    /** Health, metrics, log level. Real Fabric: HTTPS with client certificates; the embedded ledger: loopback alone. */
    readonly operationsPort: number;
  };
  readonly endorses: boolean;
  /** Clients that get a certificate when the network is made, e.g. `User1`, beside `Admin`. */
  readonly users?: readonly string[];
}

/**
 * A member of the consortium. One value drives certificates, ledger, chaincode and gateways, so that the embedded
 * ledger and a real Fabric network are described by the same page.
 */
export interface Organisation extends LedgerOrganisation {
  readonly custodian: boolean;
  /** Left out, its authority is in the data folder. */
  readonly fabricCa?: FabricCaTopology;
  readonly gateway: {
    /** REST, for members. */
    readonly port: number;
    /** HTTPS with client certificates, between gateways: custodians and vaults. */
    readonly internalPort: number;
    /** libp2p TCP of the vault node. */
    readonly vaultPort: number;
    /** MSP whose peer this gateway talks to: its own, or the host's of a client organisation. */
    readonly peerMspId: string;
  };
}

/** The Fabric CA server that an organisation's certificates come from. */
export interface FabricCaTopology {
  /** E.g. https://ca.hospital-a.example:7054 */
  readonly url: string;
  /** One server may hold several authorities; its first one where left out. */
  readonly caName?: string;
  /** Authority of the server's own TLS certificate, PEM. */
  readonly tlsRootFile?: string;
  /** Who registers others; the file holds the secret that the server was set up with. */
  readonly admin: { readonly id: string; readonly secretFile: string };
}

/** A node of the ordering service. The embedded ledger has one: the first, with `port` and `operationsPort`. */
export interface Orderer {
  readonly host: string;
  /** gRPC: clients' broadcasts, peers' deliveries, and on real Fabric the orderers among themselves. */
  readonly port: number;
  /** HTTPS with client certificates: channel participation. Closed on the embedded ledger. */
  readonly adminPort: number;
  /** Health and metrics. Real Fabric: HTTPS with client certificates; the embedded ledger: loopback alone. */
  readonly operationsPort: number;
}

export const CONSENSUS_KINDS: readonly Consensus[] = ['raft', 'bft'];
export const DEFAULT_CONSENSUS: Consensus = 'raft';

/** A chaincode that is put on the channel when the network comes up; later versions are deployed. */
export interface ChaincodeEntry {
  readonly name: string;
  readonly version: string;
  readonly sequence: number;
  /** host:port of a service that runs by itself and serves every peer. Without it and without `folder`: it dials in. */
  readonly address?: string;
  /** The same from a file: connection.json, as in Fabric's packages of chaincode services. `address` counts before it. */
  readonly connection?: string;
  /** PEM files for a service with TLS; without it, and without `connection`, the service is spoken to in plain. */
  readonly tls?: ServiceTlsFiles;
  /** A Node package or a Go module that the ledger builds and runs, once for each peer. */
  readonly folder?: string;
  /** Fabric's words, e.g. `AND('Org1MSP.member','Org2MSP.member')`; else `endorsementsNeeded` organisations. */
  readonly policy?: string;
  /** A file with private data collections, in Fabric's JSON. */
  readonly collections?: string;
  /** Whether its Init has to be called, once for each version, before anything else. Default false. */
  readonly initRequired?: boolean;
}

export interface ServiceTlsFiles {
  /** Authority of the service's certificate, or the certificate itself. */
  readonly rootCert: string;
  /** What peers show; both or neither. */
  readonly clientCert?: string;
  readonly clientKey?: string;
}

export interface ConsortiumChaincode {
  readonly name: string;
  readonly version: string;
  /** Peer and service show each other certificates; plain where left out, as for somebody else's chaincode. */
  readonly tls?: boolean;
}

/** A channel on this machine: who takes part and where each process listens. */
export interface LedgerTopology {
  readonly channel: string;
  /** The chaincode of the consortium, whose services the start scripts run. */
  readonly chaincode?: ConsortiumChaincode;
  readonly chaincodes?: readonly ChaincodeEntry[];
  /** Whether chaincode dials in with TLS and a certificate of its own, as on Fabric's peers with TLS; else in plain. */
  readonly chaincodeTls?: boolean;
  readonly batch: { readonly timeoutMs: number; readonly maxMessageCount: number; readonly preferredMaxBytes: number };
  /** How many of the endorsing organisations must endorse what a chaincode without a policy of its own writes. */
  readonly endorsementsNeeded: number;
  readonly consensus: Consensus;
  readonly orderers: readonly Orderer[];
  /** Of the ordering organisation, whose folder it names; left out, ORDERER_DOMAIN. */
  readonly ordererDomain?: string;
  readonly organisations: readonly LedgerOrganisation[];
}

/** The whole product: a ledger with the consortium's chaincode, and a gateway for each organisation. */
export interface Topology extends LedgerTopology {
  readonly chaincode: ConsortiumChaincode;
  readonly organisations: readonly Organisation[];
}

export const DEFAULT_PORT_BASE = 8080;
/** How many consecutive ports one network may take from its base. */
export const PORTS_PER_NETWORK = 50;
export const ORDERER_DOMAIN = 'medledger.example';
/** A majority of three goes on when one is down; of those that may lie it takes four (3f + 1). */
const ORDERER_SLUGS: Readonly<Record<Consensus, readonly string[]>> = {
  raft: ['orderer', 'orderer2', 'orderer3'],
  bft: ['orderer', 'orderer2', 'orderer3', 'orderer4'],
};

const MEMBERS = [
  { mspId: 'HospitalAMSP', name: 'Hospital A', slug: 'hospital-a', hasPeer: true },
  { mspId: 'HospitalBMSP', name: 'Hospital B', slug: 'hospital-b', hasPeer: true },
  { mspId: 'GovernmentMSP', name: 'Health Authority', slug: 'government', hasPeer: true },
  { mspId: 'InsurerMSP', name: 'Insurer', slug: 'insurer', hasPeer: false },
] as const;

export function ordererDomainOf({ ordererDomain = ORDERER_DOMAIN }: Pick<LedgerTopology, 'ordererDomain'>): string {
  return ordererDomain;
}

/** Hosts of the orderers; the embedded ledger, which always has one, names it itself where the topology does not. */
export function ordererHosts(
  topology: Pick<LedgerTopology, 'orderers' | 'ordererDomain'>,
): readonly [string, ...string[]] {
  const [first = `orderer.${ordererDomainOf(topology)}`, ...others] = topology.orderers.map(({ host }) => host);
  return [first, ...others];
}

export function hasGateways(topology: LedgerTopology): topology is Topology {
  return topology.chaincode !== undefined && topology.organisations.every((organisation) => 'gateway' in organisation);
}

/**
 * The consortium on one machine.
 *
 * @param portBase - first TCP port; REST gateways take base+0…3, internal base+10…13, vaults base+20…23,
 * peers base+30…33, chaincode services base+40…43, peers' operations base+24…26; orderers base+34…37 and their operations
 * base+14…17, of which the embedded ledger takes the first; real Fabric also their administration base+44…47
 * @param consensus - how many orderers there are, and how they agree
 */
export function localTopology(
  portBase: number = DEFAULT_PORT_BASE,
  consensus: Consensus = DEFAULT_CONSENSUS,
): Topology {
  return {
    channel: 'medledger',
    chaincode: { name: 'medledger', version: '1.0', tls: true },
    batch: { timeoutMs: 50, maxMessageCount: 500, preferredMaxBytes: 2 * 1024 * 1024 },
    endorsementsNeeded: 2,
    consensus,
    orderers: ORDERER_SLUGS[consensus].map((slug, index) => ({
      host: `${slug}.${ORDERER_DOMAIN}`,
      port: portBase + 34 + index,
      adminPort: portBase + 44 + index,
      operationsPort: portBase + 14 + index,
    })),
    organisations: MEMBERS.map((member, index) => localOrganisation(member, portBase, index)),
  };
}

function localOrganisation(member: (typeof MEMBERS)[number], portBase: number, index: number): Organisation {
  const domain = `${member.slug}.medledger.example`;
  return {
    mspId: member.mspId,
    name: member.name,
    domain,
    ...(member.hasPeer
      ? {
          peer: {
            host: `peer0.${domain}`,
            port: portBase + 30 + index,
            chaincodePort: portBase + 40 + index,
            operationsPort: portBase + 24 + index,
          },
        }
      : {}),
    endorses: member.hasPeer,
    custodian: member.hasPeer,
    gateway: {
      port: portBase + index,
      internalPort: portBase + 10 + index,
      vaultPort: portBase + 20 + index,
      peerMspId: member.hasPeer ? member.mspId : 'GovernmentMSP',
    },
  };
}
