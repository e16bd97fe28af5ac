import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { localTopology, type Organisation, type Topology } from '../../network/topology.js';
import type { ProcessPlan } from './process-plan.js';

/** What the processes of a network are made from. */
export interface NetworkPlace {
  /** Folder of the project, built. */
  readonly projectDir: string;
  readonly dataDir: string;
  readonly portBase: number;
}

/** Processes in the order of their start; each group waits for the one before. */
export interface NetworkPlans {
  readonly chaincode: readonly ProcessPlan[];
  readonly ledger: readonly ProcessPlan[];
  readonly gateways: readonly ProcessPlan[];
}

/** Every process of the network: a chaincode service per peer, the ledger, a gateway per organisation. */
export function networkPlans(place: NetworkPlace): NetworkPlans {
  const topology = localTopology(place.portBase);
  return {
    chaincode: topology.organisations.flatMap((organisation) => chaincodePlans(place, topology, organisation)),
    ledger: [ledgerPlan(place)],
    gateways: topology.organisations.map((organisation) => gatewayPlan(place, organisation)),
  };
}

/** The module that ends every process with the supervisor. */
export function preloadUrl(projectDir: string): string {
  return pathToFileURL(join(projectDir, 'dist/scripts/start/end-with-parent.js')).href;
}

export function restUrl({ gateway }: Organisation): string {
  return `http://127.0.0.1:${gateway.port}`;
}

function ledgerPlan({ projectDir, dataDir, portBase }: NetworkPlace): ProcessPlan {
  return {
    name: 'ledger',
    title: 'the ledger',
    args: ['dist/network/devledger/main.js', '--data', dataDir, '--port-base', String(portBase)],
    cwd: projectDir,
    env: {},
    readiness: { kind: 'line', member: 'ready' },
  };
}

function chaincodePlans(
  { projectDir }: NetworkPlace,
  { chaincode }: Topology,
  { mspId, name, peer, domain }: Organisation,
): readonly ProcessPlan[] {
  if (peer === undefined) return [];
  const plan: ProcessPlan = {
    name: `chaincode-${slugOf(domain)}`,
    title: `the chaincode of ${name}`,
    args: [
      join(projectDir, 'node_modules/fabric-shim/cli.js'),
      'server',
      '--chaincode-address',
      `127.0.0.1:${peer.chaincodePort}`,
      '--chaincode-id',
      `${chaincode.name}:${chaincode.version}`,
    ],
    // The shim reads package.json here, and through it the contracts.
    cwd: join(projectDir, 'chaincode'),
    // At its default, debug, logging takes a third of the chaincode's time.
    env: { CORE_PEER_LOCALMSPID: mspId, CORE_CHAINCODE_LOGGING_LEVEL: 'error' },
    readiness: { kind: 'port', port: peer.chaincodePort },
  };
  return [plan];
}

function gatewayPlan({ projectDir, dataDir, portBase }: NetworkPlace, organisation: Organisation): ProcessPlan {
  return {
    name: `gateway-${slugOf(organisation.domain)}`,
    title: `the gateway of ${organisation.name}`,
    args: ['dist/gateway/main.js'],
    cwd: projectDir,
    env: {
      MEDLEDGER_MSP: organisation.mspId,
      MEDLEDGER_DATA: dataDir,
      MEDLEDGER_PORT_BASE: String(portBase),
    },
    readiness: { kind: 'url', url: `${restUrl(organisation)}/readyz` },
  };
}

function slugOf(domain: string): string {
  return domain.split('.', 1).join('');
}
