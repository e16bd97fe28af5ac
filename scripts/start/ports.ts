import { createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { Topology } from '../../network/topology.js';
import type { LedgerKind } from './ledger-choice.js';
import { StartError } from './start-error.js';

interface NamedPort {
  readonly port: number;
  readonly owner: string;
}

const LOOPBACK = '127.0.0.1';
const POLL_MS = 250;

/** Every TCP port of the network on this machine, with what listens there. */
export function portsOf(topology: Topology): readonly NamedPort[] {
  return topology.organisations.flatMap(({ name, gateway, peer }) => [
    { port: gateway.port, owner: `the gateway of ${name}` },
    { port: gateway.internalPort, owner: `the internal listener of ${name}` },
    { port: gateway.vaultPort, owner: `the vault node of ${name}` },
    ...(peer === undefined
      ? []
      : [
          { port: peer.port, owner: `the peer of ${name}` },
          { port: peer.chaincodePort, owner: `the chaincode of ${name}` },
          { port: peer.operationsPort, owner: `the operations of the peer of ${name}` },
        ]),
  ]);
}

/** What the embedded ledger listens on beside these: it has one orderer. */
export function devledgerPortsOf({ orderers }: Topology): readonly NamedPort[] {
  return orderers.slice(0, 1).flatMap(({ host, port, operationsPort }) => [
    { port, owner: `the orderer ${host}` },
    { port: operationsPort, owner: `the operations of ${host}` },
  ]);
}

/** What real Fabric listens on beside these. */
export function fabricPortsOf(topology: Topology): readonly NamedPort[] {
  return topology.orderers.flatMap(({ host, port, adminPort, operationsPort }) => [
    { port, owner: `the orderer ${host}` },
    { port: adminPort, owner: `the administration of ${host}` },
    { port: operationsPort, owner: `the operations of ${host}` },
  ]);
}

/**
 * Asks before anything starts, so that a taken port is one line and not a stack in one of ten logs.
 *
 * @param options.patienceMs - how long ports may stay taken, e.g. by what a killed run leaves behind for seconds
 * @throws StartError naming the first taken port
 */
export async function requireFreePorts(
  topology: Topology,
  options: { readonly patienceMs: number; readonly ledger?: LedgerKind },
): Promise<void> {
  const ofLedger = options.ledger === 'fabric' ? fabricPortsOf(topology) : devledgerPortsOf(topology);
  const ports = [...portsOf(topology), ...ofLedger];
  const untilMs = Date.now() + options.patienceMs;
  for (;;) {
    const taken = await firstTaken(ports);
    if (taken === undefined) return;
    if (Date.now() >= untilMs) {
      throw new StartError(
        `Port ${taken.port}, which is for ${taken.owner}, is taken; stop what listens there, or choose other ports with --port-base.`,
      );
    }
    await wait(POLL_MS);
  }
}

async function firstTaken(ports: readonly NamedPort[]): Promise<NamedPort | undefined> {
  for (const named of ports) if (!(await isFree(named.port))) return named;
  return undefined;
}

export async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise<boolean>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false);
      else reject(error);
    });
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
