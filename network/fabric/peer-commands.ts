import { join } from 'node:path';
import { authorityPaths, nodeFolder, organisationFolder, tlsPaths, userFolder } from '../identities/index.js';
import { ORDERER_DOMAIN } from '../topology.js';
import { endorsementRule } from './channel-policies.js';
import { FabricError } from './fabric-error.js';
import { genesisBlockFile, nodeDataFolder, packageFile } from './fabric-paths.js';
import { LOOPBACK, type PeerOrganisation, peerOrganisations } from './members.js';
import type { FabricPlace } from './prepare-network.js';
import { type Command, type CommandResult, commandFailed, run, runOrFail } from './run-command.js';

/** A chaincode definition that the organisations agree on. */
export interface Definition {
  readonly version: string;
  /** 1 for the first one; each change takes the next. */
  readonly sequence: number;
}

/** Whether an organisation has approved a definition. `lost`: it has, with its lost peer, and cannot do so again. */
export type Approval =
  | { readonly kind: 'approved'; readonly packageId: string | undefined }
  | { readonly kind: 'none' }
  | { readonly kind: 'lost' };

/** What an administrator of an organisation has its peer do, by Fabric's own `peer` program. */
export interface PeerCommands {
  join(): Promise<void>;
  /** Number of blocks. */
  height(): Promise<number>;
  installedPackageIds(): Promise<readonly string[]>;
  /** Of the package file of this peer. */
  install(): Promise<void>;
  approval(sequence: number): Promise<Approval>;
  approve(definition: Definition, packageId: string): Promise<void>;
  /** @returns undefined when the channel has no definition of the chaincode */
  committed(): Promise<Definition | undefined>;
  /** Endorsed by the peers of all organisations that endorse. */
  commit(definition: Definition): Promise<void>;
}

/** @see https://hyperledger-fabric.readthedocs.io/en/latest/commands/peerlifecycle.html */
export function peerCommands(place: FabricPlace, organisation: PeerOrganisation): PeerCommands {
  const { topology, dataDir } = place;
  const { channel } = topology;
  const command = (...args: string[]): Command => ({
    program: place.binaries.peer,
    args,
    env: adminEnvironment(dataDir, organisation),
  });
  const lifecycle = (verb: string, ...args: string[]) => command('lifecycle', 'chaincode', verb, ...args);
  const onChannel = ['--channelID', channel, '--name', topology.chaincode.name];
  return {
    async join() {
      const joined = await run(command('channel', 'join', '--blockpath', genesisBlockFile(dataDir)));
      if (joined.status === 0) return;
      const { stdout } = await runOrFail(command('channel', 'list'));
      // Lines of the list are channel names below a heading.
      if (!stdout.split('\n').includes(channel)) throw commandFailed(command('channel', 'join'), joined);
    },
    async height() {
      const { stdout } = await runOrFail(command('channel', 'getinfo', '--channelID', channel));
      return parseHeight(stdout);
    },
    async installedPackageIds() {
      const { stdout } = await runOrFail(lifecycle('queryinstalled', '--output', 'json'));
      return parseInstalled(stdout);
    },
    async install() {
      await runOrFail(lifecycle('install', packageFile(dataDir, organisation.peer.host)));
    },
    async approval(sequence) {
      const asked = lifecycle('queryapproved', ...onChannel, '--sequence', String(sequence), '--output', 'json');
      const result = await run(asked);
      if (result.status === 0) return { kind: 'approved', packageId: parseApprovedPackageId(result.stdout) };
      if (result.stderr.includes(HASH_ALONE)) return { kind: 'lost' };
      return absent(asked, result) ?? { kind: 'none' };
    },
    async approve(definition, packageId) {
      const agreed = definitionOptions(place, definition);
      await runOrFail(lifecycle('approveformyorg', ...onChannel, ...agreed, '--package-id', packageId));
    },
    async committed() {
      const asked = lifecycle('querycommitted', ...onChannel, '--output', 'json');
      const result = await run(asked);
      return result.status === 0 ? parseDefinition(result.stdout) : absent(asked, result);
    },
    async commit(definition) {
      const agreed = definitionOptions(place, definition);
      await runOrFail(lifecycle('commit', ...onChannel, ...agreed, ...endorserOptions(place)));
    },
  };
}

/** Environment of the `peer` program for an organisation's administrator. */
export function adminEnvironment(dataDir: string, { mspId, domain, peer }: PeerOrganisation): Record<string, string> {
  const folder = organisationFolder(dataDir, domain);
  return {
    FABRIC_CFG_PATH: nodeDataFolder(dataDir, peer.host),
    FABRIC_LOGGING_SPEC: 'error',
    CORE_PEER_LOCALMSPID: mspId,
    CORE_PEER_MSPCONFIGPATH: join(userFolder(folder, 'Admin', domain), 'msp'),
    CORE_PEER_ADDRESS: `${LOOPBACK}:${peer.port}`,
    CORE_PEER_TLS_ENABLED: 'true',
    CORE_PEER_TLS_ROOTCERT_FILE: tlsPaths(nodeFolder(folder, peer.host, 'peer')).authority,
  };
}

function definitionOptions(place: FabricPlace, { version, sequence }: Definition): readonly string[] {
  return [
    '--version',
    version,
    '--sequence',
    String(sequence),
    '--signature-policy',
    endorsementRule(place.topology),
    ...(place.collectionsFile === undefined ? [] : ['--collections-config', place.collectionsFile]),
    ...ordererOptions(place),
  ];
}

/** Any orderer hands a transaction to the leader. */
export function ordererOptions({ topology, dataDir }: FabricPlace): readonly string[] {
  const [orderer] = topology.orderers;
  if (orderer === undefined) throw new Error('invariant failed: the topology has an orderer');
  const organisation = organisationFolder(dataDir, ORDERER_DOMAIN, 'orderer');
  const { certificate } = authorityPaths(organisation, ORDERER_DOMAIN, 'tlsca');
  return ['--orderer', `${LOOPBACK}:${orderer.port}`, '--tls', '--cafile', certificate];
}

function endorserOptions({ topology, dataDir }: FabricPlace): readonly string[] {
  return peerOrganisations(topology).flatMap(({ domain, peer }) => [
    '--peerAddresses',
    `${LOOPBACK}:${peer.port}`,
    '--tlsRootCertFiles',
    tlsPaths(nodeFolder(organisationFolder(dataDir, domain), peer.host, 'peer')).authority,
  ]);
}

/** Fabric's answers where there is nothing; any other failure is one. */
const NOTHING_THERE = ['is not defined', 'could not fetch approved chaincode definition'];
/** A new peer's in the place of a lost one: what its organisation approved is in no block, only its hash is. */
const HASH_ALONE = 'private data matching public hash version is not available';

function absent(command: Command, result: CommandResult): undefined {
  if (NOTHING_THERE.some((words) => result.stderr.includes(words))) return undefined;
  throw commandFailed(command, result);
}

/** `Blockchain info: {"height":7,…}` */
function parseHeight(text: string): number {
  return parseAnswer<{ height: number }>(text.slice(text.indexOf('{'))).height;
}

function parseInstalled(text: string): readonly string[] {
  const { installed_chaincodes: installed = [] } = parseAnswer<{ installed_chaincodes?: { package_id: string }[] }>(
    text,
  );
  return installed.map(({ package_id: packageId }) => packageId);
}

function parseApprovedPackageId(text: string): string | undefined {
  const { source } = parseAnswer<{ source?: { Type?: { LocalPackage?: { package_id?: string } } } }>(text);
  return source?.Type?.LocalPackage?.package_id;
}

function parseDefinition(text: string): Definition {
  const { version, sequence } = parseAnswer<{ version: string; sequence: number }>(text);
  return { version, sequence };
}

function parseAnswer<T>(text: string): T {
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new FabricError(
      'FABRIC_COMMAND_FAILED',
      `peer answered with something that is no JSON: ${text.slice(0, 200)}`,
      {
        cause,
      },
    );
  }
}
