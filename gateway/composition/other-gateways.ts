import { gatewayHost, tlsCaBundle, readTls } from '../identity/network-identities.js';
import type { GatewayConfig } from '../config.js';
import type { InternalApi } from '../internal/internal-api.js';
import { connectInternal } from '../internal/internal-client.js';

const TIMEOUT_MS = 15_000;

export interface OtherGateways {
  /** By MSP id; this organisation's own is not among them. */
  readonly apis: ReadonlyMap<string, InternalApi>;
  close(): void;
}

/** Connections to the gateways of the other organisations, with certificates on both sides. */
export function connectOtherGateways(config: GatewayConfig): OtherGateways {
  const { dataDir, topology, organisation } = config;
  const host = '127.0.0.1';
  const tls = { ...readTls(dataDir, organisation.domain, { kind: 'gateway' }), caPem: tlsCaBundle(dataDir, topology) };
  const others = topology.organisations.filter(({ mspId }) => mspId !== organisation.mspId);
  const clients = others.map(({ mspId, domain, gateway }) => {
    const serverName = gatewayHost(domain);
    return [
      mspId,
      connectInternal({ host, port: gateway.internalPort, serverName, tls, timeoutMs: TIMEOUT_MS }),
    ] as const;
  });
  return { apis: new Map(clients), close: () => closeAll(clients) };
}

function closeAll(clients: readonly (readonly [string, { close(): void }])[]): void {
  for (const [, client] of clients) client.close();
}
