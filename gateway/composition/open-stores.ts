import { join } from 'node:path';
import type { GatewayConfig } from '../config.js';
import { openSessions, type Sessions } from '../identity/sessions.js';
import { openWalletStore, type WalletStore } from '../identity/wallet-store.js';
import { type JobStore, openJobStore } from '../services/job-store.js';
import { type MissedDeposits, openMissedDeposits } from '../services/missed-deposits.js';
import { openStorageQuota, type StorageQuota } from '../services/storage-quota.js';
import type { Closers } from './closers.js';

export interface GatewayStores {
  readonly wallets: WalletStore;
  readonly sessions: Sessions;
  readonly jobs: JobStore;
  readonly missed: MissedDeposits;
  readonly quota: StorageQuota;
}

const STOPPED_JOB =
  'The gateway stopped before the job ended; send the bundle again with the same Idempotency-Key to add the rest.';

/** The gateway's own durable stores. Jobs of a stopped run are failed: the keys they needed went with their session. */
export async function openGatewayStores(config: GatewayConfig, closers: Closers): Promise<GatewayStores> {
  const { storeDir, organisation, sessionLifeS } = config;
  const wallets = closers.add(openWalletStore({ path: join(storeDir, 'wallets.sqlite') }), (part) => part.close());
  const sessions = await openSessions({
    path: join(storeDir, 'sessions.sqlite'),
    keyPath: join(storeDir, 'session.key'),
    mspId: organisation.mspId,
    lifeMs: sessionLifeS * 1000,
  });
  closers.add(sessions, (part) => part.close());
  const jobs = closers.add(openJobStore(join(storeDir, 'jobs.sqlite')), (part) => part.close());
  jobs.failAllRunning({ code: 'SESSION_ENDED', detail: STOPPED_JOB });
  const missed = closers.add(openMissedDeposits(join(storeDir, 'missed-deposits.sqlite')), (part) => part.close());
  const quota = closers.add(openStorageQuota(join(storeDir, 'quota.sqlite'), config.quota), (part) => part.close());
  return { wallets, sessions, jobs, missed, quota };
}
