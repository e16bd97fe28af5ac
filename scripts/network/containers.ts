import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { genesisBlockFile, nodeDataFolder } from '../../network/fabric/fabric-paths.js';
import { peerOrganisations } from '../../network/fabric/members.js';
import { PUBLIC_FILE_MODE, replaceFile } from '../../network/identities/durable-file.js';
import { networkPlans } from '../start/network-plans.js';
import { StartError } from '../start/start-error.js';
import { composeFile } from './compose-file.js';
import type { NetworkContext } from './network-context.js';

/** Compiled, this file is dist/scripts/network/containers.js. */
const PROJECT_DIR = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
/** In the images they lie on the PATH. */
const BINARIES = { folder: '', peer: 'peer', orderer: 'orderer', configtxgen: 'configtxgen' };

export interface ContainersResult {
  /** The compose file. */
  readonly file: string;
  readonly services: readonly string[];
}

/**
 * Writes a compose file that runs the network of a data folder in the official images. The channel has to be there:
 * making it takes Fabric's tools, which `up` runs as they are.
 *
 * @throws StartError when there is no network on Fabric in the folder
 */
export function writeComposeFile({ dataDir, topology, portBase }: NetworkContext, out: string): ContainersResult {
  const { consensus } = topology;
  if (!existsSync(genesisBlockFile(dataDir)))
    throw new StartError(
      `${dataDir} holds no network on Fabric; make one with: npm run network -- up --ledger fabric, then down.`,
    );
  const ledger = { kind: 'fabric', binaries: BINARIES, consensus } as const;
  const place = { projectDir: PROJECT_DIR, dataDir, portBase, ledger };
  const { uid, gid } = statSync(dataDir);
  const compose = composeFile({
    plans: networkPlans(place),
    name: topology.channel,
    dataDir,
    projectDir: PROJECT_DIR,
    nodeVersion: process.versions.node,
    furtherFolders: buildersOutside(
      dataDir,
      peerOrganisations(topology).map(({ peer }) => peer.host),
    ),
    user: `${uid}:${gid}`,
  });
  const folder = resolve(out);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'compose.yaml');
  // JSON is YAML.
  replaceFile(file, `${JSON.stringify(compose, undefined, 2)}\n`, PUBLIC_FILE_MODE);
  return { file, services: Object.keys(compose.services) };
}

/** A peer that was prepared beside a release of Fabric uses the builder that came with it. */
function buildersOutside(dataDir: string, hosts: readonly string[]): readonly string[] {
  const folders = hosts.flatMap((host) =>
    parseBuilders(readFileSync(join(nodeDataFolder(dataDir, host), 'core.yaml'), 'utf8')),
  );
  return [...new Set(folders)].filter((folder) => relative(dataDir, folder).startsWith('..'));
}

function parseBuilders(text: string): readonly string[] {
  const config = JSON.parse(text) as { chaincode: { externalBuilders: { path: string }[] } };
  return config.chaincode.externalBuilders.map(({ path }) => path);
}
