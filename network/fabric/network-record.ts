import { existsSync, readFileSync } from 'node:fs';
import { readAddedOrganisations } from '../added-organisations.js';
import { PUBLIC_FILE_MODE, replaceFile } from '../identities/durable-file.js';
import { type Consensus, DEFAULT_CONSENSUS, type Topology } from '../topology.js';
import { FabricError } from './fabric-error.js';
import { networkRecordFile } from './fabric-paths.js';
import { LOOPBACK, peerOrganisations } from './members.js';

/** What is written into the channel when it is made, and only a config update can change. */
interface NetworkRecord {
  readonly format: number;
  readonly channel: string;
  /** Raft where left out: there was a time when there was nothing else. */
  readonly consensus?: Consensus;
  /** Address of every peer and orderer, by host. */
  readonly addresses: Readonly<Record<string, string>>;
}

const FORMAT = 1;

/**
 * Remembers what the channel is made with, the first time; later compares. The addresses of orderers and anchor peers
 * stand in the channel's configuration, so that the same folder cannot serve on other ports.
 *
 * @throws FabricError FABRIC_DATA_UNUSABLE
 */
export function requireSameNetwork(topology: Topology, dataDir: string): void {
  const path = networkRecordFile(dataDir);
  const wanted = recordOf(topology);
  if (!existsSync(path)) {
    replaceFile(path, `${JSON.stringify(wanted, undefined, 2)}\n`, PUBLIC_FILE_MODE);
    return;
  }
  const found = readRecord(path);
  requireSameConsensus(found.consensus ?? DEFAULT_CONSENSUS, topology.consensus, dataDir);
  const moved = Object.entries(found.addresses).find(([host, address]) => wanted.addresses[host] !== address);
  const isSame = found.format === FORMAT && found.channel === wanted.channel && moved === undefined;
  const joined = Object.keys(wanted.addresses).filter((host) => found.addresses[host] === undefined);
  const added = peersAddedTo(dataDir);
  if (isSame && joined.every((host) => added.includes(host))) return;
  const where = moved === undefined ? 'other nodes' : `${moved[0]} at ${moved[1]}`;
  throw new FabricError(
    'FABRIC_DATA_UNUSABLE',
    `The Fabric network in ${dataDir} was made with ${where}, which its channel records; start it with the same --port-base, or choose another folder with --data.`,
  );
}

function requireSameConsensus(made: Consensus, wanted: Consensus, dataDir: string): void {
  if (made === wanted) return;
  throw new FabricError(
    'FABRIC_DATA_UNUSABLE',
    `The Fabric network in ${dataDir} orders by ${made}, not by ${wanted}, which its channel records; start it with --consensus ${made}, or choose another folder with --data.`,
  );
}

/** Peers that came later stand in a record of their own. */
function peersAddedTo(dataDir: string): readonly string[] {
  return readAddedOrganisations(dataDir).flatMap(({ organisation: { peer } }) =>
    peer === undefined ? [] : [peer.host],
  );
}

function recordOf(topology: Topology): NetworkRecord {
  const nodes = [...peerOrganisations(topology).map(({ peer }) => peer), ...topology.orderers];
  const addresses = Object.fromEntries(nodes.map(({ host, port }) => [host, `${LOOPBACK}:${port}`]));
  return { format: FORMAT, channel: topology.channel, consensus: topology.consensus, addresses };
}

function readRecord(path: string): NetworkRecord {
  try {
    return parseRecord(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new FabricError(
      'FABRIC_DATA_UNUSABLE',
      `${path} is not readable; restore it from a backup, or choose another folder with --data.`,
      { cause },
    );
  }
}

function parseRecord(value: unknown): NetworkRecord {
  const record = value as Partial<NetworkRecord> | null;
  if (typeof record?.channel !== 'string' || typeof record.addresses !== 'object')
    throw new Error('fields are missing');
  return record as NetworkRecord;
}
