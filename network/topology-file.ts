import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import type { Static } from 'typebox';
import { Errors } from 'typebox/value';
import {
  type ChaincodeEntry,
  type Consensus,
  hasGateways,
  type LedgerOrganisation,
  type LedgerTopology,
  localTopology,
  type Organisation,
  type Topology,
} from './topology.js';
import { withPaths } from './chaincode-paths.js';
import { findContradiction } from './topology-checks.js';
import { TOPOLOGY_FORMAT, type TopologyFile, TopologyFileShape } from './topology-shape.js';

/** A topology file cannot be used. The message names the file, the place in it, and what is expected there. */
export class TopologyFileError extends Error {
  readonly code = 'TOPOLOGY_FILE_INVALID';

  constructor(path: string, detail: string, options?: ErrorOptions) {
    super(`TOPOLOGY_FILE_INVALID: ${path}: ${detail}`, options);
    this.name = 'TopologyFileError';
  }
}

const BATCH = { timeoutMs: 50, maxMessageCount: 500, preferredMaxBytes: 2 * 1024 * 1024 };

/**
 * A network as a file describes it (docs/topology.md). Relative folders and files in it are taken from its own place.
 *
 * @throws TopologyFileError
 */
export function readTopologyFile(path: string): LedgerTopology {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new TopologyFileError(path, 'it cannot be read; give the path of a JSON file with --topology.', { cause });
  }
  return parseTopology(text, path);
}

/**
 * The consortium of a file, or the one on consecutive ports where there is none.
 *
 * @throws TopologyFileError also when the file describes a ledger without gateways
 */
export function consortiumTopology(place: {
  readonly portBase?: number;
  readonly consensus?: Consensus;
  readonly file?: string | undefined;
}): Topology {
  if (place.file === undefined) return localTopology(place.portBase, place.consensus);
  const topology = readTopologyFile(place.file);
  if (hasGateways(topology)) return topology;
  throw new TopologyFileError(
    place.file,
    'it describes a ledger alone, without `medledger`. Bring it up with `npm run network -- up --topology FILE`.',
  );
}

/** @param path - named in errors; relative paths in the text are taken from its folder */
export function parseTopology(text: string, path: string): LedgerTopology {
  const file = parseShape(text, path);
  const topology = topologyOf(file, dirname(resolve(path)));
  const contradiction = findContradiction(topology);
  if (contradiction !== undefined) throw new TopologyFileError(path, contradiction);
  return topology;
}

/** The file that reads back as the topology. */
export function topologyFileText(topology: LedgerTopology): string {
  const { chaincode, chaincodes, organisations, ...rest } = topology;
  const file = {
    format: TOPOLOGY_FORMAT,
    ...rest,
    organisations: organisations.map(({ mspId, name, domain, peer, endorses, users }) => ({
      mspId,
      name,
      domain,
      peer,
      endorses,
      users,
    })),
    chaincodes,
    medledger: hasGateways(topology) ? { chaincode, gateways: topology.organisations.map(gatewayEntry) } : undefined,
  };
  return `${JSON.stringify(file, undefined, 2)}\n`;
}

function gatewayEntry({ mspId, custodian, gateway }: Organisation): object {
  return { mspId, custodian, ...gateway };
}

function parseShape(text: string, path: string): TopologyFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new TopologyFileError(path, `it is not JSON (${cause instanceof Error ? cause.message : cause}).`, { cause });
  }
  const [first] = Errors(TopologyFileShape, value);
  if (first !== undefined) throw new TopologyFileError(path, shapeFault(first));
  return value as Static<typeof TopologyFileShape>;
}

function shapeFault({ instancePath, message, params }: ReturnType<typeof Errors>[number]): string {
  const place = instancePath === '' ? 'the whole' : instancePath.slice(1).replaceAll('/', '.');
  if (message === 'schema is false') return `${place} is not a known field; docs/topology.md lists those there are.`;
  const allowed = 'allowedValues' in params ? ` (${String(params.allowedValues)})` : '';
  return `${place} ${message}${allowed}.`;
}

function topologyOf(file: TopologyFile, folder: string): LedgerTopology {
  const {
    format: _,
    medledger,
    chaincodes,
    chaincodeTls,
    organisations,
    consensus,
    batch,
    orderers,
    ordererDomain,
    endorsementsNeeded,
    channel,
  } = file;
  const endorsers = organisations.filter(({ endorses, peer }) => endorses ?? peer !== undefined).length;
  const members = organisations.map(organisationOf);
  return {
    channel,
    ...(medledger === undefined ? {} : { chaincode: medledger.chaincode }),
    ...(chaincodes === undefined ? {} : { chaincodes: chaincodes.map((entry) => chaincodeOf(entry, folder)) }),
    ...(chaincodeTls === undefined ? {} : { chaincodeTls }),
    consensus: consensus ?? 'raft',
    batch: { ...BATCH, ...batch },
    // A majority, as Fabric's default policy asks for.
    endorsementsNeeded: endorsementsNeeded ?? Math.floor(endorsers / 2) + 1,
    orderers: orderers ?? [],
    ...(ordererDomain === undefined ? {} : { ordererDomain }),
    organisations: medledger === undefined ? members : members.map((member) => withGateway(member, medledger)),
  };
}

function organisationOf(given: TopologyFile['organisations'][number]): LedgerOrganisation {
  const { mspId, name, domain, peer, endorses, users } = given;
  return {
    mspId,
    name: name ?? mspId,
    domain,
    ...(peer === undefined ? {} : { peer: { host: peer.host ?? `peer0.${domain}`, ...portsOf(peer) } }),
    endorses: endorses ?? peer !== undefined,
    ...(users === undefined ? {} : { users }),
  };
}

function portsOf(peer: NonNullable<TopologyFile['organisations'][number]['peer']>) {
  return { port: peer.port, chaincodePort: peer.chaincodePort, operationsPort: peer.operationsPort };
}

function withGateway(
  member: LedgerOrganisation,
  medledger: NonNullable<TopologyFile['medledger']>,
): LedgerOrganisation | Organisation {
  const found = medledger.gateways.find(({ mspId }) => mspId === member.mspId);
  if (found === undefined) return member;
  const { custodian, mspId: _, ...gateway } = found;
  return { ...member, custodian, gateway: { ...gateway, peerMspId: gateway.peerMspId ?? member.mspId } };
}

function chaincodeOf(entry: ChaincodeEntry, folder: string): ChaincodeEntry {
  return withPaths(entry, (path) => (isAbsolute(path) ? path : resolve(folder, path)));
}
