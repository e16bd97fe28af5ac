import { join } from 'node:path';
import type { FastifyBaseLogger } from 'fastify';
import type { InternalApi } from '../internal/internal-api.js';
import { HeliaVault } from '../vault/helia-vault.js';
import { type RemoteVault, ReplicatedVault } from '../vault/replication.js';
import type { Vault, VaultIncident } from '../vault/vault.js';

/** The other organisations' nodes may start later, or move: their addresses are asked for again. */
const ADDRESSES_RETRY_MS = 500;
const ADDRESSES_REFRESH_MS = 60_000;

export interface GatewayVault {
  /** This organisation's node alone: what others ask for. */
  readonly local: HeliaVault;
  /** On at least two nodes when `put` returns. */
  readonly replicated: Vault;
  stop(): Promise<void>;
}

export async function openGatewayVault(options: {
  directory: string;
  host: string;
  port: number;
  others: ReadonlyMap<string, InternalApi>;
  logger: FastifyBaseLogger;
  onIncident: (incident: VaultIncident) => void;
}): Promise<GatewayVault> {
  const { others, logger } = options;
  const local = await HeliaVault.start({
    directory: join(options.directory, 'vault'),
    listenAddress: `/ip4/${options.host}/tcp/${options.port}`,
    onIncident: (incident) => {
      logger.warn({ incident }, 'vault incident');
      options.onIncident(incident);
    },
  });
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

function remoteVault(name: string, api: InternalApi): RemoteVault {
  return { name, pin: (_cids, objects = []) => api.storeObjects(objects), read: (cid) => api.readObject(cid) };
}

function watchAddresses(local: HeliaVault, others: ReadonlyMap<string, InternalApi>): () => void {
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
