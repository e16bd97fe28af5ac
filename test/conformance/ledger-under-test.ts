import type { Topology } from '../../network/topology.js';
import type { Member } from '../network/ledger-front/front-client.js';

/** Where a peer is reached. */
export interface PeerEndpoint {
  /** host:port to connect to. */
  readonly address: string;
  /** Name in its TLS certificate. */
  readonly host: string;
}

/**
 * A running network of three peers with the conformance chaincode on its channel: what the suites need of a ledger,
 * whichever it is. Everything else they learn through Fabric's own protocols at the endpoints.
 */
export interface LedgerUnderTest {
  readonly name: string;
  /** Members, channel and chaincode; its chaincode is the conformance chaincode. */
  readonly topology: Topology;
  /** Holds the certificates of all members, with the authorities' keys. */
  readonly dataDir: string;
  /** A member of Hospital A whose certificate was taken back before the network was made. */
  readonly revoked: Member;
  /** @throws Error the organisation has no peer */
  endpointOf(mspId: string): PeerEndpoint;
  /** Ends the chaincode process of one peer as a crash would. */
  stopChaincode(mspId: string): Promise<void>;
  /** Starts it again; resolves when it listens, which is before its peer has connected. */
  startChaincode(mspId: string): Promise<void>;
  stop(): Promise<void>;
}

/** The organisations with a peer, all of which endorse, and one without. */
export const HOSPITAL_A = 'HospitalAMSP';
export const HOSPITAL_B = 'HospitalBMSP';
export const GOVERNMENT = 'GovernmentMSP';
export const INSURER = 'InsurerMSP';
/** A second chaincode of the channel, the same program under another name. */
export const CALLEE = 'callee';
export const PEERS = [HOSPITAL_A, HOSPITAL_B, GOVERNMENT] as const;
