import { join } from 'node:path';
import { type CustodianOptions, type Release, releaseShares } from './custodian.js';
import { loadOrMakeCustodianKey } from './custodian-key.js';
import { openDeposit, type SealedDeposit } from './deposit.js';
import { sealManyTo } from './hpke.js';
import { ReleaseLog } from './release-log.js';
import { openShareStore, type ShareStoreReport } from './share-store.js';

export interface Custody {
  /** Opens, checks and stores shares; durable on return. */
  depositShares(deposit: SealedDeposit): Promise<void>;
  releaseShares(transactionId: string): Promise<Release>;
  verifyShares(): Promise<ShareStoreReport>;
  close(): Promise<void>;
}

type CustodyOptions = Pick<CustodianOptions, 'mspId' | 'channel' | 'chaincode' | 'peer' | 'pinned' | 'clock'> & {
  /** Share store and release log lie here. */
  readonly directory: string;
  readonly keyPath: string;
};

/**
 * This organisation's custodian: durable shares, release log, and the checks before a release.
 *
 * @throws CustodyError STORE_CORRUPT when a store is damaged: a custodian never runs on without its log
 */
export async function openCustody(options: CustodyOptions): Promise<Custody> {
  const { directory, mspId, channel } = options;
  const { privateKey } = await loadOrMakeCustodianKey(options.keyPath);
  const shares = await openShareStore({ directory, mspId });
  const journal = await ReleaseLog.open(join(directory, 'releases.log'));
  const custodian: CustodianOptions = { ...options, shares, journal, sealMany };
  return {
    async depositShares(deposit) {
      await shares.deposit(await openDeposit({ privateKey, channel, custodian: mspId, deposit }));
    },
    releaseShares: (transactionId) => releaseShares(custodian, transactionId),
    verifyShares: () => shares.verifyAll(),
    async close() {
      await journal.close();
      await shares.close();
    },
  };
}

const sealMany: CustodianOptions['sealMany'] = async ({ recipient, info, items }) => {
  const { enc, items: sealed } = await sealManyTo({ publicKey: recipient, info, items });
  return { enc, sealed };
};
