import { localTopology, type Organisation, PORTS_PER_NETWORK, type Topology } from '../../network/topology.js';
import { devledgerPortsOf, isFree, portsOf } from '../start/ports.js';
import { BenchFailure } from './bench-failure.js';

/** Name on the channel of the baseline's chaincode. */
export const BARE_CHAINCODE = 'bare';
/** From the port of an organisation's chaincode service to that of the baseline's, where no other process listens. */
const BARE_PORT_OFFSET = -35;
/** Below the ports that Linux gives to outgoing connections. */
const PORT_BASE_MIN = 15_000;
const PORT_BASE_MAX = 32_000;
const TRIES_MAX = 20;

/**
 * The product's, but that peers reach its chaincode without TLS, as they do the baseline's, which does not change: what
 * is compared is the work of the chaincode.
 */
export function benchTopology(portBase: number): Topology {
  const { chaincode, ...topology } = localTopology(portBase);
  return { ...topology, chaincode: { name: chaincode.name, version: chaincode.version } };
}

export type PeerOrganisation = Organisation & { readonly peer: NonNullable<Organisation['peer']> };

/** The organisations that run peers, in the topology's order. */
export function withPeer({ organisations }: Topology): readonly PeerOrganisation[] {
  return organisations.filter((organisation): organisation is PeerOrganisation => organisation.peer !== undefined);
}

/** Where the baseline's chaincode of an organisation's peer listens. */
export function barePort(topology: Topology, mspId: string): number {
  const organisation = withPeer(topology).find((candidate) => candidate.mspId === mspId);
  if (organisation === undefined) throw new Error(`invariant failed: ${mspId} has a peer`);
  return organisation.peer.chaincodePort + BARE_PORT_OFFSET;
}

/** A first port from which all that a run needs are free now. */
export async function freePortBase(): Promise<number> {
  const bases = Math.floor((PORT_BASE_MAX - PORT_BASE_MIN) / PORTS_PER_NETWORK);
  for (let attempt = 0; attempt < TRIES_MAX; attempt += 1) {
    const portBase = PORT_BASE_MIN + Math.floor(Math.random() * bases) * PORTS_PER_NETWORK;
    const topology = localTopology(portBase);
    const ports = [...portsOf(topology), ...devledgerPortsOf(topology)].map(({ port }) => port);
    const bare = withPeer(topology).map(({ mspId }) => barePort(topology, mspId));
    const free = await Promise.all([...ports, ...bare].map(isFree));
    if (!free.includes(false)) return portBase;
  }
  throw new BenchFailure(`no ${PORTS_PER_NETWORK} free ports in a row were found in ${TRIES_MAX} tries`);
}
