import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  chaincodeFolder,
  ensureIdentities,
  organisationFolder,
  revokeCertificate,
  tlsPaths,
} from '../../network/identities/index.js';
import { type Consensus, localTopology, type Organisation, type Topology } from '../../network/topology.js';
import { enrol, type Member } from '../network/ledger-front/front-client.js';
import { freePortBase } from '../support/free-ports.js';
import { HOSPITAL_A } from './ledger-under-test.js';

/** What both ledgers are made from: a folder with certificates, ports that are free, and the chaincode's name. */
export interface ConformanceMembers {
  readonly topology: Topology;
  readonly dataDir: string;
  readonly revoked: Member;
}

export const CONFORMANCE_CHAINCODE = 'conformance';
/** Shorter than the product's: most tests wait for a block or three. */
const BATCH_TIMEOUT_MS = 20;

export interface NetworkOptions {
  /** How long a block waits for more. */
  readonly batchTimeoutMs?: number;
  /** Real Fabric's orderers; all of them where left out. */
  readonly orderers?: number;
}

/** @param consensus - of the orderers; the embedded ledger has one */
export async function conformanceMembers(
  consensus?: Consensus,
  options: NetworkOptions = {},
): Promise<ConformanceMembers> {
  const dataDir = await mkdtemp(join(tmpdir(), 'medledger-conformance-'));
  const local = localTopology(await freePortBase(), consensus);
  const topology = {
    ...local,
    batch: { ...local.batch, timeoutMs: options.batchTimeoutMs ?? BATCH_TIMEOUT_MS },
    orderers: local.orderers.slice(0, options.orderers),
    chaincode: { ...local.chaincode, name: CONFORMANCE_CHAINCODE },
  };
  await ensureIdentities(topology, dataDir);
  const hospital = organisationOf(topology, HOSPITAL_A);
  const revoked = await enrol(dataDir, hospital);
  await revokeCertificate(dataDir, hospital.domain, Buffer.from(revoked.identity.credentials).toString('utf8'));
  return { topology, dataDir, revoked };
}

/** What the chaincode service of an organisation is known by. */
export function chaincodeTlsFolder(dataDir: string, domain: string): string {
  return dirname(tlsPaths(chaincodeFolder(organisationFolder(dataDir, domain))).key);
}

export function organisationOf(topology: Topology, mspId: string): Organisation {
  const found = topology.organisations.find((organisation) => organisation.mspId === mspId);
  if (found === undefined) throw new Error(`no organisation ${mspId}`);
  return found;
}

/** Where the second chaincode of an organisation's peer listens: ports that no part of a network takes. */
export function calleePortOf(topology: Topology, mspId: string): number {
  return peerOrganisationOf(topology, mspId).peer.operationsPort + 3;
}

export type PeerOrganisation = Organisation & { readonly peer: NonNullable<Organisation['peer']> };

export function peerOrganisationOf(topology: Topology, mspId: string): PeerOrganisation {
  const { peer, ...organisation } = organisationOf(topology, mspId);
  if (peer === undefined) throw new Error(`${mspId} has no peer`);
  return { ...organisation, peer };
}
