import { join } from 'node:path';
import type { FastifyBaseLogger } from 'fastify';
import type { InternalApi } from '../internal/internal-api.js';
import { HeliaVault } from '../vault/helia-vault.js';
import { KuboVault } from '../vault/kubo-vault.js';
import { type RemoteVault, ReplicatedVault } from '../vault/replication.js';
import type { Vault, VaultIncident } from '../vault/vault.js';
import type { VaultNode } from '../vault/vault-node.js';

/** The other organisations' nodes may start later, or move: their addresses are asked for again. */
const ADDRESSES_RETRY_MS = 500;
const ADDRESSES_REFRESH_MS = 60_000;

export interface GatewayVault {
  /** This organisation's node alone: what others ask for. */
  readonly local: VaultNode;
  /** On at least two nodes when `put` returns. */
  readonly replicated: Vault;
  stop(): Promise<void>;
}

interface VaultParts {
  readonly directory: string;
  readonly host: string;
  readonly port: number;
  /** With it the organisation's Kubo node is the vault; directory, host and port are not used. */
  readonly kuboUrl: string | undefined;
  readonly others: ReadonlyMap<string, InternalApi>;
  readonly logger: FastifyBaseLogger;
  readonly onIncident: (incident: VaultIncident) => void;
}

export async function openGatewayVault(parts: VaultParts): Promise<GatewayVault> {
  const { others, logger } = parts;
  const local = await openNode(parts);
  const replicated = new ReplicatedVault({
    local,
    remotes: [...others].map(([name, api]) => remoteVault(name, api)),
    onRemoteFailure: ({ name, cause }) => logger.warn({ vault: name, err: cause }, 'vault node did not take a copy'),
  });
  const stopWatching = watchAddresses(local, others);
  return {
    local,
    replicated,
    async stop() {
      stopWatching();
      await replicated.stop();
    },
  };
}

function openNode({ directory, host, port, kuboUrl, logger, ...parts }: VaultParts): Promise<VaultNode> {
  const onIncident = (incident: VaultIncident): void => {
    logger.warn({ incident }, 'vault incident');
    parts.onIncident(incident);
  };
  if (kuboUrl !== undefined)
    return KuboVault.start({ url: kuboUrl, onIncident, onWarning: (warning) => logger.warn(warning) });
  const listenAddress = `/ip4/${host}/tcp/${port}`;
  return HeliaVault.start({ directory: join(directory, 'vault'), listenAddress, onIncident });
}

function remoteVault(name: string, api: InternalApi): RemoteVault {
  return { name, pin: (_cids, objects = []) => api.storeObjects(objects), read: (cid) => api.readObject(cid) };
}

function watchAddresses(local: VaultNode, others: ReadonlyMap<string, InternalApi>): () => void {
  const known = new Map<string, readonly string[]>();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const refresh = async (): Promise<void> => {
    const answers = await Promise.allSettled(
      [...others].map(async ([name, api]) => known.set(name, await api.vaultAddresses())),
    );
    if (stopped) return;
    local.setPeers([...known].map(([name, addresses]) => ({ name, addresses })));
    const complete = answers.every(({ status }) => status === 'fulfilled');
    timer = setTimeout(() => void refresh(), complete ? ADDRESSES_REFRESH_MS : ADDRESSES_RETRY_MS).unref();
  };
  void refresh();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
