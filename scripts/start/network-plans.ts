import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readAddedOrganisations, withAddedOrganisations } from '../../network/added-organisations.js';
import { LEDGER_NODE_FLAGS } from '../../network/devledger/node-flags.js';
import { chaincodePackage } from '../../network/fabric/chaincode-package.js';
import { nodeProcesses } from '../../network/fabric/node-processes.js';
import { chaincodeFolder, organisationFolder, tlsPaths } from '../../network/identities/index.js';
import type { Organisation, Topology } from '../../network/topology.js';
import { DEVLEDGER, type LedgerChoice, topologyOn } from './ledger-choice.js';
import type { ProcessPlan } from './process-plan.js';

/** What the processes of a network are made from. */
export interface NetworkPlace {
  /** Folder of the project, built. */
  readonly projectDir: string;
  readonly dataDir: string;
  readonly portBase: number;
  /** Read by every process; else the topology follows from the port base. */
  readonly topologyFile?: string;
  /** The embedded one where left out. */
  readonly ledger?: LedgerChoice;
}

/** Processes in the order of their start; each group waits for the one before. */
export interface NetworkPlans {
  readonly chaincode: readonly ProcessPlan[];
  readonly ledger: readonly ProcessPlan[];
  readonly gateways: readonly ProcessPlan[];
}

/** Every process of the network: a chaincode service per peer, the ledger, a gateway per organisation. */
export function networkPlans(place: NetworkPlace): NetworkPlans {
  const { dataDir, topologyFile } = place;
  const described = topologyOn(place.ledger ?? DEVLEDGER, place.portBase, topologyFile);
  const topology = withAddedOrganisations(described, dataDir);
  const joining = readAddedOrganisations(dataDir).filter(({ stage }) => stage === 'joining');
  return {
    chaincode: chaincodePlans(place, topology),
    ledger: ledgerPlans(place, topology),
    gateways: topology.organisations
      .filter(({ mspId }) => !joining.some(({ organisation }) => organisation.mspId === mspId))
      .map((organisation) => gatewayPlan(place, organisation)),
  };
}

/** The module that ends every process with the supervisor. */
export function preloadUrl(projectDir: string): string {
  return pathToFileURL(join(projectDir, 'dist/scripts/start/end-with-parent.js')).href;
}

export function restUrl({ gateway }: Organisation): string {
  return `http://127.0.0.1:${gateway.port}`;
}

function ledgerPlans(place: NetworkPlace, topology: Topology): readonly ProcessPlan[] {
  const { ledger = DEVLEDGER, dataDir, projectDir } = place;
  if (ledger.kind === 'devledger') return [ledgerPlan(place)];
  const nodes = nodeProcesses({ topology, dataDir, binaries: ledger.binaries });
  const guard: ProcessPlan = {
    name: 'guard',
    title: 'the guard of the Fabric nodes',
    program: process.execPath,
    args: [join(projectDir, 'dist/scripts/start/native-guard.js'), dataDir, ...nodes.map(({ name }) => name)],
    cwd: projectDir,
    env: {},
    readiness: { kind: 'line', member: 'ready' },
  };
  return [guard, ...nodes.map(({ port, ...node }): ProcessPlan => ({ ...node, readiness: { kind: 'port', port } }))];
}

function ledgerPlan({ projectDir, dataDir, portBase, topologyFile }: NetworkPlace): ProcessPlan {
  const described = topologyFile === undefined ? ['--port-base', String(portBase)] : ['--topology', topologyFile];
  return {
    name: 'ledger',
    title: 'the ledger',
    args: [...LEDGER_NODE_FLAGS, 'dist/network/devledger/main.js', '--data', dataDir, ...described],
    cwd: projectDir,
    env: {},
    readiness: { kind: 'line', member: 'ready', warnings: 'setAside' },
  };
}

/** A chaincode service for each peer of the topology. */
export function chaincodePlans(place: NetworkPlace, topology: Topology): readonly ProcessPlan[] {
  return topology.organisations.flatMap((organisation) => chaincodePlan(place, topology, organisation));
}

function chaincodePlan(
  { projectDir, dataDir, ledger = DEVLEDGER }: NetworkPlace,
  topology: Topology,
  { mspId, name, peer, domain }: Organisation,
): readonly ProcessPlan[] {
  if (peer === undefined) return [];
  const { chaincode } = topology;
  // A peer of Fabric knows a chaincode by the package that told where it listens.
  const id = ledger.kind === 'fabric' ? chaincodePackage(topology, peer).id : `${chaincode.name}:${chaincode.version}`;
  const plan: ProcessPlan = {
    name: `chaincode-${slugOf(domain)}`,
    title: `the chaincode of ${name}`,
    args: [
      join(projectDir, 'node_modules/fabric-shim/cli.js'),
      'server',
      '--chaincode-address',
      `127.0.0.1:${peer.chaincodePort}`,
      '--chaincode-id',
      id,
      ...(chaincode.tls === true ? tlsOptions(dataDir, domain) : []),
    ],
    // The shim reads package.json here, and through it the contracts.
    cwd: join(projectDir, 'chaincode'),
    // At its default, debug, logging takes a third of the chaincode's time.
    env: { CORE_PEER_LOCALMSPID: mspId, CORE_CHAINCODE_LOGGING_LEVEL: 'error' },
    readiness: { kind: 'port', port: peer.chaincodePort },
  };
  return [plan];
}

/** Of the shim: only who has a certificate of the same organisation is served. */
function tlsOptions(dataDir: string, domain: string): readonly string[] {
  const { certificate, key, authority } = tlsPaths(chaincodeFolder(organisationFolder(dataDir, domain)));
  return [
    '--chaincode-tls-cert-file',
    certificate,
    '--chaincode-tls-key-file',
    key,
    '--chaincode-tls-client-cacert-file',
    authority,
  ];
}

function gatewayPlan(
  { projectDir, dataDir, portBase, topologyFile }: NetworkPlace,
  organisation: Organisation,
): ProcessPlan {
  return {
    name: `gateway-${slugOf(organisation.domain)}`,
    title: `the gateway of ${organisation.name}`,
    args: ['dist/gateway/main.js'],
    cwd: projectDir,
    env: {
      MEDLEDGER_MSP: organisation.mspId,
      MEDLEDGER_DATA: dataDir,
      MEDLEDGER_PORT_BASE: String(portBase),
      ...(topologyFile === undefined ? {} : { MEDLEDGER_TOPOLOGY: topologyFile }),
    },
    readiness: { kind: 'url', url: `${restUrl(organisation)}/readyz` },
    // Its own peer may be set aside for what is wrong with its folder.
    mayLag: true,
  };
}

function slugOf(domain: string): string {
  return domain.split('.', 1).join('');
}
