import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { ComingBlock } from '../../../network/devledger/commit/deliver-blocks.js';
import { genesisBlock } from '../../../network/devledger/commit/genesis-block.js';
import { openOrderer, type Orderer } from '../../../network/devledger/orderer/open-orderer.js';
import { DISK, type FileSystem } from '../../../network/devledger/store/file-system.js';
import { CHANNEL, createNetwork, nextBlock, POLICY, type TestNetwork, temporaryFolder } from '../ledger-support.js';
import { openTestPeer, type TestPeer, transaction } from '../ledger-transactions.js';

const NEVER_MS = 3_600_000;
const TURNS = 50;

let network: TestNetwork;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let peer: TestPeer;

beforeAll(async () => {
  network = await createNetwork();
});
beforeEach(async () => {
  folder = await temporaryFolder();
  peer = await openTestPeer(network, join(folder.path, 'peer'));
});
afterEach(async () => {
  jest.useRealTimers();
  await peer.close();
  await folder.remove();
});

function blockWriting(value: string): Promise<Uint8Array> {
  return nextBlock(peer.ledger, [transaction(network, { writes: [['k', value]] }).envelope]);
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) await setImmediate();
}

describe('a peer that is shown a block before it may have it', () => {
  it('keeps and shows nothing of it until it is told to commit it', async () => {
    const block = await blockWriting('v');
    peer.ledger.prepare(block);
    await turns();
    expect([peer.ledger.height(), await peer.stateOf('k')]).toEqual([1, undefined]);
    await peer.ledger.commit(block);
    expect([peer.ledger.height(), await peer.stateOf('k')]).toEqual([2, 'v']);
  });

  it('judges another block in its place by itself', async () => {
    peer.ledger.prepare(await blockWriting('first'));
    await turns();
    await peer.ledger.commit(await blockWriting('second'));
    expect(await peer.stateOf('k')).toBe('second');
  });

  it('does not judge the next block by what it found of one that never came', async () => {
    const conflicting = transaction(network, { reads: [['k']], writes: [['k', 'once']] });
    peer.ledger.prepare(await nextBlock(peer.ledger, [conflicting.envelope]));
    await turns();
    expect(await peer.commit({ writes: [['k', 'other']] })).toEqual([0]);
    const { transactions } = await peer.ledger.commit(await nextBlock(peer.ledger, [conflicting.envelope]));
    expect(transactions.map(({ validationCode }) => validationCode)).toEqual([11]);
  });

  it('refuses one that does not follow when it is told to commit it, not before', async () => {
    const block = await blockWriting('v');
    await peer.commit({ writes: [['k', 'w']] });
    peer.ledger.prepare(block);
    await turns();
    await expect(peer.ledger.commit(block)).rejects.toThrow(/refuses block 1/);
    peer.ledger.prepare(Buffer.from('no block'));
    await turns();
    expect(await peer.commit({ writes: [['k', 'x']] })).toEqual([0]);
  });

  it('may be closed meanwhile', async () => {
    peer.ledger.prepare(await blockWriting('v'));
    await peer.close();
    peer = await openTestPeer(network, join(folder.path, 'peer'));
    expect(peer.ledger.height()).toBe(1);
  });
});

function openTestOrderer(timeoutMs: number, files: FileSystem = DISK) {
  return openOrderer({
    directory: join(folder.path, 'orderer'),
    batch: { timeoutMs, maxMessageCount: 10, preferredMaxBytes: 100_000 },
    genesis: genesisBlock({ channel: CHANNEL, msps: network.msps, policy: POLICY }),
    files,
  });
}

/** The disk, but that what is accepted is confirmed no earlier than asked for. */
function slowToConfirm(directory: string, confirmed: Promise<void>): FileSystem {
  return {
    ...DISK,
    open: async (path, how) => {
      const file = await DISK.open(path, how);
      if (!path.startsWith(directory)) return file;
      return {
        sizeBytes: () => file.sizeBytes(),
        read: (target, offsetBytes) => file.read(target, offsetBytes),
        write: (parts, offsetBytes) => file.write(parts, offsetBytes),
        sync: async () => {
          await confirmed;
          await file.sync();
        },
        truncate: (sizeBytes) => file.truncate(sizeBytes),
        close: () => file.close(),
      };
    },
  };
}

describe('what the orderer shows', () => {
  it('shows a block before it counts, and then gives the same bytes', async () => {
    const orderer = await openTestOrderer(1);
    const shown: (ComingBlock & { height: number })[] = [];
    orderer.onComing((block) => shown.push({ ...block, height: orderer.height() }));
    const told = new Promise<number>((resolve) => orderer.onBlock(resolve));
    await orderer.submit(Buffer.from('tx'));
    expect(await told).toBe(1);
    expect(shown.at(-1)).toMatchObject({ number: 1, height: 1 });
    expect(await orderer.blockByNumber(1)).toBe(shown.at(-1)?.bytes);
    await orderer.close();
  });

  it.each([
    {
      name: 'shows the block of an envelope that waits alone, and cuts that',
      meanwhile: async () => undefined,
      same: true,
    },
    {
      name: 'cuts another block when a second envelope came',
      meanwhile: (orderer: Orderer) => orderer.submit(Buffer.from('second')),
      same: false,
    },
    {
      name: 'cuts the block anew when rules were changed meanwhile',
      meanwhile: (orderer: Orderer) => orderer.betweenBlocks(() => undefined),
      same: false,
    },
  ])('$name', async ({ meanwhile, same }) => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance', 'Date'] });
    const orderer = await openTestOrderer(NEVER_MS);
    const first = new Promise<ComingBlock>((resolve) => orderer.onComing(resolve));
    const told = new Promise<number>((resolve) => orderer.onBlock(resolve));
    await orderer.submit(Buffer.from('tx'));
    const shown = await first;
    expect([shown.number, orderer.height()]).toEqual([1, 1]);
    await meanwhile(orderer);
    jest.advanceTimersByTime(NEVER_MS);
    await told;
    expect((await orderer.blockByNumber(1)) === shown.bytes).toBe(same);
    await orderer.close();
  });
});

describe('the time that an envelope waits', () => {
  it('counts from when it came, not from when the disk has it', async () => {
    let confirm: () => void = () => undefined;
    const confirmed = new Promise<void>((resolve) => {
      confirm = resolve;
    });
    const orderer = await openTestOrderer(NEVER_MS, slowToConfirm(join(folder.path, 'orderer', 'pending'), confirmed));
    const told = new Promise<number>((resolve) => orderer.onBlock(resolve));
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance', 'Date'] });
    const accepted = orderer.submit(Buffer.from('tx'));
    await turns();
    jest.advanceTimersByTime(NEVER_MS);
    expect(orderer.height()).toBe(1);
    confirm();
    await accepted;
    expect(await told).toBe(1);
    await orderer.close();
  });

  it('ends with a refusal, and the next one has its own', async () => {
    let isFull = false;
    const full: FileSystem = {
      ...DISK,
      open: async (path, how) => {
        if (isFull && how === 'create' && path.includes('pending')) {
          throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
        }
        return DISK.open(path, how);
      },
    };
    const orderer = await openTestOrderer(NEVER_MS, full);
    isFull = true;
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance', 'Date'] });
    await expect(orderer.submit(Buffer.from('tx'))).rejects.toThrow(/make room/);
    jest.advanceTimersByTime(NEVER_MS);
    isFull = false;
    await orderer.submit(Buffer.from('tx'));
    // Closing waits for a block that is being written.
    await orderer.close();
    expect(orderer.height()).toBe(1);
  });
});
