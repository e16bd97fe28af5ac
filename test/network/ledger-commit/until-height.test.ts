import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openPeerLedger } from '../../../network/devledger/commit/open-peer-ledger.js';
import { untilHeight } from '../../../network/devledger/endorse/until-height.js';
import type { PeerLedger } from '../../../network/devledger/peer-ledger.js';
import { commitAll, createNetwork, peerOptions, temporaryFolder } from '../ledger-support.js';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let ledger: PeerLedger;

beforeEach(async () => {
  folder = await temporaryFolder();
  ledger = await openPeerLedger(peerOptions(await createNetwork(), folder.path));
});

afterEach(async () => {
  await ledger.close();
  await folder.remove();
});

describe('untilHeight', () => {
  it('does not wait for what is there', async () => {
    expect(await untilHeight(ledger, 1, 0)).toBe(true);
  });

  it('comes back with the block that was missing, and not with the one before', async () => {
    const reached = untilHeight(ledger, 3, 10_000);
    await commitAll(ledger, [Buffer.from('one')]);
    expect(await Promise.race([reached, Promise.resolve('waits')])).toBe('waits');
    await commitAll(ledger, [Buffer.from('two')]);
    expect(await reached).toBe(true);
  });

  it('gives up after its time', async () => {
    expect(await untilHeight(ledger, 2, 10)).toBe(false);
  });
});
