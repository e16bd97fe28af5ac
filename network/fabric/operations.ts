import { readTls } from '../identities/index.js';
import { type Consensus, ORDERER_DOMAIN, type Orderer, type Topology } from '../topology.js';
import { FabricError } from './fabric-error.js';
import { askNode } from './node-request.js';

const PROBE_MS = 2_000;
const POLL_MS = 50;
const LEADER_MS = 30_000;

/** Values of one of Fabric's metrics, by their labels as written, e.g. `channel="medledger"`. */
export type MetricValues = ReadonlyMap<string, number>;

/**
 * Reads a metric of an orderer from its operations endpoint.
 *
 * @returns undefined when the orderer does not answer
 * @see https://hyperledger-fabric.readthedocs.io/en/latest/metrics_reference.html
 */
async function metricOf(orderer: Orderer, dataDir: string, metric: string): Promise<MetricValues | undefined> {
  const { host, operationsPort: port } = orderer;
  try {
    const tls = readTls(dataDir, ORDERER_DOMAIN, { kind: 'orderer', host });
    const { text } = await askNode({ host, port, tls, method: 'GET', path: '/metrics', deadlineMs: PROBE_MS });
    return parseMetric(text, metric);
  } catch {
    // Whatever keeps it from answering, it has no metrics now.
    return undefined;
  }
}

/** @param text - in Prometheus' text format */
export function parseMetric(text: string, metric: string): MetricValues {
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (!line.startsWith(`${metric}{`)) continue;
    const end = line.lastIndexOf('} ');
    if (end > 0) values.set(line.slice(metric.length + 1, end), Number(line.slice(end + 2)));
  }
  return values;
}

/** 1 on the orderer that leads. With BFT it is so by the view, whether or not the leader still runs. */
const LEADER_METRICS: Readonly<Record<Consensus, string>> = {
  raft: 'consensus_etcdraft_is_leader',
  bft: 'consensus_BFT_is_leader',
};

/** Host of the orderer that leads the channel. */
export async function leaderOf(topology: Topology, dataDir: string): Promise<string | undefined> {
  const { orderers, channel, consensus } = topology;
  for (const orderer of orderers) {
    const values = await metricOf(orderer, dataDir, LEADER_METRICS[consensus]);
    if (values?.get(`channel="${channel}"`) === 1) return orderer.host;
  }
  return undefined;
}

/** @throws FabricError FABRIC_NOT_READY */
export async function untilLed(topology: Topology, dataDir: string): Promise<string> {
  const untilMs = Date.now() + LEADER_MS;
  for (;;) {
    const leader = await leaderOf(topology, dataDir);
    if (leader !== undefined) return leader;
    if (Date.now() > untilMs) {
      throw new FabricError(
        'FABRIC_NOT_READY',
        `no orderer became the leader within ${LEADER_MS / 1000} s; a majority of the orderers must run: see their logs.`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
