import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { genesisBlock } from '../../../network/devledger/commit/genesis-block.js';
import { openOrderer } from '../../../network/devledger/orderer/open-orderer.js';
import { DiskWatch } from '../../../network/devledger/orderer/disk-watch.js';
import { CHANNEL, createNetwork, POLICY, type TestNetwork, temporaryFolder } from '../ledger-support.js';
import { FaultyFiles } from './faulty-files.js';
import { answersOf, SmallNetwork } from './small-network.js';

let network: TestNetwork;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let files: FaultyFiles;
let small: SmallNetwork;

beforeAll(async () => {
  network = await createNetwork();
});
beforeEach(async () => {
  folder = await temporaryFolder();
  files = new FaultyFiles();
  small = await SmallNetwork.open(network, join(folder.path, 'ledger'), files);
});
afterEach(async () => {
  files.healthy();
  await small.close();
  await folder.remove();
});

async function restart(): Promise<void> {
  await small.close();
  files.healthy();
  small = await SmallNetwork.open(network, join(folder.path, 'ledger'), files);
  await small.caughtUp();
}

describe('a full disk', () => {
  it.each(['full', 'short-write'] as const)(
    '(%s) refuses with a sentence and goes on when there is room',
    async (fault) => {
      const before = await small.submit('k', 'before');
      await small.settled([before]);
      files.failing(() => fault);
      const refused = Array.from({ length: 5 }, () => small.submit('k', 'refused').catch((error: unknown) => error));
      const outcomes: unknown[] = await Promise.all(refused);
      // Those had failed already where private data is taken in.
      outcomes.push(await small.submitPublic('k', 'refused').catch((error: unknown) => error));
      expect(small.failures('GovernmentMSP')).toEqual([
        { component: 'orderer', reason: expect.stringContaining('make room on the disk') },
      ]);
      for (const error of outcomes) {
        expect(error).toMatchObject({ diskFull: true, message: expect.stringContaining('make room on the disk') });
      }
      files.healthy();
      const after = await small.submit('k', 'after');
      await small.settled([before, after]);
      expect(small.failures('GovernmentMSP')).toEqual([]);
      const heights = small.peers.map((peer) => peer.height());
      await restart();
      expect(small.peers.map((peer) => peer.height())).toEqual(heights);
      await small.settled([before, after]);
    },
  );

  it('that fills up behind an accepted transaction keeps it until there is room', async () => {
    // The pending log takes the envelope, then nothing more can be written.
    let writes = 0;
    files.failing((_, operation) => {
      if (operation === 'write') writes += 1;
      return writes > 1 ? 'full' : undefined;
    });
    const txId = await small.submitPublic('k', 'kept');
    while (!small.said.some((sentence) => sentence.includes('make room'))) await pause();
    expect(small.orderer.height()).toBe(1);
    files.healthy();
    await small.settled([txId]);
    expect([...small.setAside]).toEqual([]);
  });

  it('of one peer holds up that peer only, and it catches up by itself', async () => {
    let isFull = true;
    files.failing((_, operation, path) =>
      isFull && operation === 'write' && path.includes(join('GovernmentMSP', 'blocks')) ? 'full' : undefined,
    );
    const txId = await small.submit('k', 'v');
    while (!small.said.some((sentence) => sentence.includes('make room'))) await pause();
    const healthy = small.peers.slice(0, 2);
    while (healthy.some((peer) => peer.height() < 2)) await pause();
    expect(small.peers[2]?.height()).toBe(1);
    const told = { component: 'ledger', reason: expect.stringContaining('make room on the disk') };
    expect([small.failures('HospitalAMSP'), small.failures('GovernmentMSP')]).toEqual([[], [told]]);
    isFull = false;
    await small.settled([txId]);
    expect([small.peers.map((peer) => peer.height()), [...small.setAside]]).toEqual([[2, 2, 2], []]);
    expect(small.failures('GovernmentMSP')).toEqual([]);
  });
});

describe('a disk that does not confirm a write', () => {
  it('of the orderer: nothing is acknowledged any more until the ledger is restarted', async () => {
    const kept = await small.submit('k', 'kept');
    await small.settled([kept]);
    files.failing((_, operation, path) =>
      operation === 'sync' && path.includes('pending') ? 'failing-sync' : undefined,
    );
    await expect(small.submit('k', 'unsure')).rejects.toMatchObject({
      diskFull: false,
      message: expect.stringContaining('check the disk and restart'),
    });
    files.healthy();
    await expect(small.submit('k', 'later')).rejects.toThrow(/restart/);
    const told = { component: 'orderer', reason: expect.stringContaining('restart the ledger') };
    expect(small.failures('HospitalBMSP')).toEqual([told]);
    await restart();
    const after = await small.submit('k', 'after');
    await small.settled([kept, after]);
  });

  it('of one peer: that peer is set aside with a sentence, the others go on, and a restart brings it back', async () => {
    files.failing((_, operation, path) =>
      operation === 'sync' && path.includes(join('GovernmentMSP', 'blocks')) ? 'failing-sync' : undefined,
    );
    await small.submit('k', '1');
    while (small.setAside.size === 0) await pause();
    files.healthy();
    await small.submit('k', '2');
    await small.caughtUp();
    expect(small.setAside.get('GovernmentMSP')).toMatch(/set aside at height 1: The disk did not confirm.*restart/);
    await restart();
    expect([...small.setAside]).toEqual([]);
    const asked = { txIds: [], keys: ['k'] };
    const answers = await Promise.all(small.peers.map((peer) => answersOf(peer, asked)));
    // This one is no member of the collection.
    const [first, ...others] = answers.map(({ secrets: _, ...rest }) => rest);
    expect(others).toEqual([first, first]);
  });
});

describe('a slow disk', () => {
  it.each([30, 500])(
    '(%i ms for each operation) delays, and changes nothing',
    async (slowMs) => {
      files.slowMs = slowMs;
      files.failing(() => 'slow');
      const txIds = await Promise.all(['a', 'b', 'c', 'd'].map((key) => small.submitPublic(key, 'v')));
      await small.settled(txIds);
      expect([small.said, [...small.setAside]]).toEqual([[], []]);
    },
    60_000,
  );

  it('holds so much in memory and no more: who comes then is told to come back', async () => {
    files.failing((_, operation) => (operation === 'write' ? 'slow' : undefined));
    const orderer = await openOrderer({
      directory: join(folder.path, 'alone'),
      batch: { timeoutMs: 1_000_000, maxMessageCount: 1_000, preferredMaxBytes: 2 ** 30 },
      genesis: genesisBlock({ channel: CHANNEL, msps: network.msps, policy: POLICY }),
      files,
    });
    const big = Buffer.alloc(8 * 1024 * 1024, 1);
    const outcomes = await Promise.allSettled(Array.from({ length: 12 }, () => orderer.submit(big)));
    await orderer.close();
    const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [String(outcome.reason)] : []));
    // 64 MiB hold eight of them.
    expect(refused).toEqual(Array.from({ length: 4 }, () => expect.stringContaining('submit again in a second')));
  }, 60_000);

  it('that does not answer at all is told of by each peer', async () => {
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const watch = new DiskWatch('accepted transactions');
    let nowMs = 0;
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => nowMs);
    try {
      const written = watch.during(() => held);
      expect(watch.trouble()).toBeUndefined();
      nowMs = 9_000;
      expect(watch.trouble()).toBe('The disk has not taken accepted transactions for 9 s: look at what keeps it busy.');
      letGo();
      await written;
      expect(watch.trouble()).toBeUndefined();
    } finally {
      clock.mockRestore();
    }
  });
});

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}
