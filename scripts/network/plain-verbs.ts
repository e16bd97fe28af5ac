import { resolve } from 'node:path';
import { withPaths } from '../../network/chaincode-paths.js';
import type { DeployRequest } from '../../network/devledger/deployments.js';
import type { ServiceTlsFiles } from '../../network/topology.js';
import { StartError } from '../start/start-error.js';
import { askDeploy, askPeer, askStatus, type DeployReport, type LedgerReport } from './ledger-control.js';
import { isHeld, runningProcesses } from './network-context.js';

/** What `deploy` is given for a chaincode on the embedded ledger. */
export interface DeployOptions {
  readonly name?: string;
  readonly version?: string;
  readonly sequence?: number;
  readonly address?: string;
  readonly folder?: string;
  readonly policy?: string;
  readonly collections?: string;
  readonly connection?: string;
  readonly tlsRootCert?: string;
  readonly tlsClientCert?: string;
  readonly tlsClientKey?: string;
  readonly initRequired?: boolean;
}

interface Place {
  readonly dataDir: string;
  readonly say: (line: string) => void;
}

/** @throws StartError */
export async function deployChaincode({ dataDir, say }: Place, options: DeployOptions): Promise<DeployReport> {
  const { name, version } = options;
  if (name === undefined || version === undefined) {
    throw new StartError('deploy takes --name and --version, and --folder or --address unless the chaincode dials in.');
  }
  // The ledger runs elsewhere.
  const report = await askDeploy(dataDir, withPaths(deployRequest(name, version, options), resolve));
  const what = report.isNew ? 'is deployed' : 'was deployed already and is started anew';
  say(`${report.name} ${report.version}, sequence ${report.sequence}, ${what}; it registers as ${report.packageId}`);
  return report;
}

function deployRequest(name: string, version: string, options: DeployOptions): DeployRequest {
  const { sequence, address, connection, folder, policy, collections, initRequired } = options;
  const tls = tlsFiles(options);
  const given = { sequence, address, connection, folder, policy, collections, initRequired, tls };
  return { name, version, ...present(given) };
}

function tlsFiles({ tlsRootCert, tlsClientCert, tlsClientKey }: DeployOptions): ServiceTlsFiles | undefined {
  if (tlsRootCert !== undefined) {
    return { rootCert: tlsRootCert, ...present({ clientCert: tlsClientCert, clientKey: tlsClientKey }) };
  }
  if (tlsClientCert === undefined && tlsClientKey === undefined) return undefined;
  throw new StartError(
    '--tls-client-cert and --tls-client-key go with --tls-root-cert; give the authority of the service too.',
  );
}

type Present<Fields> = { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> };

/** The fields that are there: an optional field is left out, not undefined. */
function present<Fields extends object>(fields: Fields): Present<Fields> {
  return parsePresent<Fields>(Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)));
}

function parsePresent<Fields>(fields: unknown): Present<Fields> {
  return fields as Present<Fields>;
}

/** @throws StartError */
export async function stopPeer({ dataDir, say }: Place, mspId: string): Promise<object> {
  const answer = await askPeer(dataDir, mspId, 'stop');
  say(answer.changed ? `the peer of ${mspId} is stopped; the others go on` : `the peer of ${mspId} does not run`);
  return answer;
}

/** @throws StartError */
export async function startPeer({ dataDir, say }: Place, mspId: string): Promise<object> {
  const answer = await askPeer(dataDir, mspId, 'start');
  say(answer.changed ? `the peer of ${mspId} serves and takes what it has missed` : `the peer of ${mspId} runs`);
  return answer;
}

export interface PlainStatus extends Partial<LedgerReport> {
  readonly running: boolean;
  readonly processes: Readonly<Record<string, number>>;
}

export async function plainStatus({ dataDir }: Place): Promise<PlainStatus> {
  const processes = runningProcesses(dataDir);
  if (!isHeld(dataDir)) return { running: false, processes };
  return { running: true, processes, ...(await askStatus(dataDir)) };
}

export function plainStatusLines(status: PlainStatus): readonly string[] {
  if (!status.running) return ['no network runs on this folder'];
  const { endpoints = [], orderer, heights = {}, setAside = {}, chaincodes = [], processes } = status;
  const missing = (name: string) => status.missingChaincodes?.[name] ?? [];
  const absence = (name: string) =>
    missing(name).length === 0 ? '' : `; not registered at ${missing(name).join(', ')}`;
  return [
    ...(orderer === undefined ? [] : [`orderer ${orderer.host.padEnd(16)} ${orderer.address}`]),
    ...endpoints.map(({ mspId, address }) => `peer of ${mspId.padEnd(16)} ${address}, ${heights[mspId]} blocks`),
    ...Object.entries(setAside).map(([mspId, reason]) => `peer of ${mspId.padEnd(16)} set aside: ${reason}`),
    ...chaincodes.map(
      ({ name, version, sequence }) => `chaincode ${name.padEnd(14)} ${version}, sequence ${sequence}${absence(name)}`,
    ),
    ...Object.entries(processes).map(([name, pid]) => `${name.padEnd(24)} process ${pid}`),
  ];
}
