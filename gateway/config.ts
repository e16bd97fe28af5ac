import { isAbsolute, join, resolve } from 'node:path';
import { withAddedOrganisations } from '../network/added-organisations.js';
import { DEFAULT_PORT_BASE, type Organisation, type Topology } from '../network/topology.js';
import { consortiumTopology } from '../network/topology-file.js';
import type { QuotaLimits } from './services/storage-quota.js';
import { DEFAULT_LIMITS } from './plugins/gateway-app.js';

/** Everything a gateway process is told. Read once at start, frozen, passed down. */
export interface GatewayConfig {
  readonly topology: Topology;
  readonly organisation: Organisation;
  /** Data folder of the whole machine; the gateway's own stores lie in `gateways/<mspId>`. */
  readonly dataDir: string;
  readonly storeDir: string;
  /** Address the REST listener binds. */
  readonly host: string;
  readonly logLevel: string;
  readonly bodyLimitBytes: number;
  readonly sessionLifeS: number;
  readonly solverThreads: number;
  readonly eventLoopDelayMsMax: number;
  /** RPC of the Kubo node that is this gateway's vault; undefined for the embedded node. */
  readonly kuboUrl: string | undefined;
  /** Of one member, in all. */
  readonly quota: QuotaLimits;
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'silent'];

/**
 * | variable | unit | default | reason |
 * |---|---|---|---|
 * | MEDLEDGER_MSP | MSP id | none | which organisation this gateway serves |
 * | MEDLEDGER_DATA | folder | .medledger | certificates and stores |
 * | MEDLEDGER_PORT_BASE | TCP port | 8080 | see network/topology.ts |
 * | MEDLEDGER_TOPOLOGY | file | none: consecutive ports from the base | see docs/topology.md |
 * | MEDLEDGER_HOST | address | 127.0.0.1 | a gateway is exposed on purpose, never by accident |
 * | MEDLEDGER_LOG_LEVEL | pino level | info | |
 * | MEDLEDGER_BODY_LIMIT | bytes | 16777216 | a record is sealed in memory |
 * | MEDLEDGER_SESSION_LIFE | seconds | 28800 | a working day |
 * | MEDLEDGER_SOLVER_THREADS | threads | 1 | nonces are solved beside the event loop |
 * | MEDLEDGER_EVENT_LOOP_DELAY | milliseconds | 2000 | see HttpLimits; a machine that is slow for all alike loses nothing by more |
 * | MEDLEDGER_QUOTA_BYTES | bytes | 10737418240 | contents that one member stores in all: nobody fills everybody's disks |
 * | MEDLEDGER_QUOTA_RECORDS | records | 1000000 | the same of many small ones |
 * | VAULT_KUBO_URL | URL, or `MSP=URL` of several gateways with commas between | none: the embedded node | the RPC of this organisation's own Kubo node |
 *
 * @throws Error with one sentence when a variable is missing or wrong
 */
export function readConfig(env: { readonly [name: string]: string | undefined }): GatewayConfig {
  const given = env.MEDLEDGER_DATA ?? '.medledger';
  const dataDir = isAbsolute(given) ? given : resolve(given);
  const portBase = integerOf(env, 'MEDLEDGER_PORT_BASE', DEFAULT_PORT_BASE, 1024, 65_000);
  const topology = withAddedOrganisations(consortiumTopology({ portBase, file: env.MEDLEDGER_TOPOLOGY }), dataDir);
  const organisation = topology.organisations.find(({ mspId }) => mspId === env.MEDLEDGER_MSP);
  if (organisation === undefined) {
    const known = topology.organisations.map(({ mspId }) => mspId).join(', ');
    throw new Error(`MEDLEDGER_MSP must be one of ${known}.`);
  }
  const logLevel = env.MEDLEDGER_LOG_LEVEL ?? 'info';
  if (!LOG_LEVELS.includes(logLevel)) throw new Error(`MEDLEDGER_LOG_LEVEL must be one of ${LOG_LEVELS.join(', ')}.`);
  return Object.freeze({
    topology,
    organisation,
    dataDir,
    storeDir: join(dataDir, 'gateways', organisation.mspId),
    host: env.MEDLEDGER_HOST ?? '127.0.0.1',
    logLevel,
    bodyLimitBytes: integerOf(env, 'MEDLEDGER_BODY_LIMIT', 16 * 1024 * 1024, 1024, 256 * 1024 * 1024),
    sessionLifeS: integerOf(env, 'MEDLEDGER_SESSION_LIFE', 8 * 3600, 60, 7 * 24 * 3600),
    solverThreads: integerOf(env, 'MEDLEDGER_SOLVER_THREADS', 1, 1, 16),
    eventLoopDelayMsMax: integerOf(env, 'MEDLEDGER_EVENT_LOOP_DELAY', DEFAULT_LIMITS.eventLoopDelayMsMax, 100, 600_000),
    kuboUrl: kuboUrlOf(env.VAULT_KUBO_URL, topology, organisation),
    quota: {
      sizeBytesMax: integerOf(env, 'MEDLEDGER_QUOTA_BYTES', 10 * 1024 ** 3, 0, Number.MAX_SAFE_INTEGER),
      recordsMax: integerOf(env, 'MEDLEDGER_QUOTA_RECORDS', 1_000_000, 0, Number.MAX_SAFE_INTEGER),
    },
  });
}

function integerOf(
  env: { readonly [name: string]: string | undefined },
  name: string,
  fallback: number,
  min: number,
  max: number,
): number {
  const given = env[name];
  if (given === undefined) return fallback;
  const value = Number(given);
  if (!/^\d+$/.test(given) || value < min || value > max)
    throw new Error(`${name} must be a whole number from ${min} to ${max}.`);
  return value;
}

/**
 * Gateways that are started together share their environment, but never a node: two copies in one are one copy.
 *
 * @param given - VAULT_KUBO_URL
 * @returns undefined where the organisation keeps the embedded node
 */
export function kuboUrlOf(
  given: string | undefined,
  topology: Topology,
  { mspId }: Pick<Organisation, 'mspId'>,
): string | undefined {
  if (given === undefined || given === '' || isRpcUrl(given)) return given || undefined;
  const known = topology.organisations.map((organisation) => organisation.mspId);
  const pairs = given.split(',').map((pair) => {
    const end = pair.indexOf('=');
    return { name: pair.slice(0, end).trim(), url: pair.slice(end + 1).trim() };
  });
  // What was given is not shown: it may hold a password.
  if (pairs.some(({ name, url }) => !known.includes(name) || !isRpcUrl(url)))
    throw new Error(
      `VAULT_KUBO_URL must be the URL of a Kubo RPC API, such as http://127.0.0.1:5001, or MSP=URL,MSP=URL with MSP one of ${known.join(', ')}.`,
    );
  return pairs.find(({ name }) => name === mspId)?.url;
}

function isRpcUrl(given: string): boolean {
  const protocol = URL.parse(given)?.protocol;
  return protocol === 'http:' || protocol === 'https:';
}
