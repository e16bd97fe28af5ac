import { localTopology, PORTS_PER_NETWORK } from '../../network/topology.js';
import { isFree, requireFreePorts } from '../../scripts/start/ports.js';
import { StartError } from '../../scripts/start/start-error.js';

/**
 * Ports below those that Linux gives to outgoing connections, which could take one between the look and the use. Two
 * test files that run at once never look at the same ones: each worker of jest has a share.
 */
const SHARES = 8;
const SHARE = Number(process.env.JEST_WORKER_ID ?? '1') % SHARES;
/** Of single ports; those of whole networks follow. */
const PORT_MIN = 11_000;
const PORT_BASE_MIN = 15_000;
const PORT_BASE_MAX = 32_000;
const TRIES_MAX = 40;

/** A base from which all ports of a network are free now. */
export async function freePortBase(): Promise<number> {
  for (let attempt = 0; attempt < TRIES_MAX; attempt += 1) {
    const portBase = PORT_BASE_MIN + chosen((PORT_BASE_MAX - PORT_BASE_MIN) / PORTS_PER_NETWORK) * PORTS_PER_NETWORK;
    try {
      await requireFreePorts(localTopology(portBase, 'bft'), { ledger: 'fabric', patienceMs: 0 });
      return portBase;
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
    }
  }
  throw new Error(`no free ports found in ${TRIES_MAX} tries`);
}

/** Different ones that are free now. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  for (let attempt = 0; ports.size < count; attempt += 1) {
    if (attempt > count + TRIES_MAX) throw new Error(`no ${count} free ports found`);
    const port = PORT_MIN + chosen(PORT_BASE_MIN - PORT_MIN);
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

/** One at random of the first whole numbers, from this worker's share. */
function chosen(count: number): number {
  return Math.floor(Math.random() * Math.floor(count / SHARES)) * SHARES + SHARE;
}
