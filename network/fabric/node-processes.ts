import { nodeDataFolder } from './fabric-paths.js';
import { peerOrganisations, slugOf } from './members.js';
import type { FabricPlace } from './prepare-network.js';

/** How one of Fabric's own processes is started. */
export interface NodeProcess {
  /** `peer-hospital-a`, `orderer2`. */
  readonly name: string;
  /** Name shown to people. */
  readonly title: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Something listens there once the node serves. */
  readonly port: number;
}

/** At info every block and every call is a line, at a measurable part of a peer's time. */
const LOGGING = { FABRIC_LOGGING_SPEC: 'warning', FABRIC_LOGGING_FORMAT: 'json' };

/** Peers and orderers; `prepareNetwork` comes first. */
export function nodeProcesses({ topology, dataDir, binaries }: FabricPlace): readonly NodeProcess[] {
  const peers = peerOrganisations(topology).map(({ name, domain, peer }) => ({
    name: `peer-${slugOf(domain)}`,
    title: `the peer of ${name}`,
    program: binaries.peer,
    args: ['node', 'start'],
    ...placeOf(dataDir, peer),
  }));
  const orderers = topology.orderers.map((orderer) => ({
    name: slugOf(orderer.host),
    title: `the orderer ${slugOf(orderer.host)}`,
    program: binaries.orderer,
    args: [],
    ...placeOf(dataDir, orderer),
    // Opened last, when the channel is loaded; at its other port it listens before it serves.
    port: orderer.adminPort,
  }));
  return [...orderers, ...peers];
}

function placeOf(dataDir: string, { host, port }: { readonly host: string; readonly port: number }) {
  const folder = nodeDataFolder(dataDir, host);
  return { cwd: folder, env: { FABRIC_CFG_PATH: folder, ...LOGGING }, port };
}
