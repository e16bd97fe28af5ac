import { cpSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { openPeerLedger } from '../../../network/devledger/commit/open-peer-ledger.js';
import { BlockCorruptError, StoreError } from '../../../network/devledger/store/ledger-errors.js';
import {
  CHAINCODE,
  createNetwork,
  nextBlock,
  peerOptions,
  type TestNetwork,
  temporaryFolder,
} from '../ledger-support.js';
import { openTestPeer, type TestPeer, transaction } from '../ledger-transactions.js';
import { historyOf, type Tip, tipOf } from './stored-peer.js';

let network: TestNetwork;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  network = await createNetwork();
});
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(async () => {
  await folder.remove();
});

function open(): Promise<TestPeer> {
  return openTestPeer(network, join(folder.path, 'peer'));
}

/** Opens, commits one block per value under one key, closes. */
async function fill(values: readonly string[]): Promise<Tip> {
  const peer = await open();
  for (const value of values) await peer.commit({ writes: [['k', value]] });
  const tip = tipOf(peer.ledger);
  await peer.close();
  return tip;
}

function blockFile(): string {
  const directory = join(folder.path, 'peer', 'blocks');
  return join(directory, readdirSync(directory)[0] ?? '');
}

describe('what a peer serves', () => {
  it('a new peer has block 0 and nothing else', async () => {
    const peer = await open();
    expect(tipOf(peer.ledger)).toMatchObject({ height: 1, previousHash: '', commitHash: '' });
    expect(await peer.ledger.blockByNumber(1)).toBeUndefined();
    expect(await peer.ledger.blockNumberByHash(peer.ledger.currentBlockHash())).toBe(0);
    expect(await peer.ledger.transaction('00')).toBeUndefined();
    await peer.close();
  });

  it('a snapshot keeps its height and values while blocks are committed', async () => {
    const peer = await open();
    await peer.commit({
      writes: [
        ['a', '1'],
        ['b', '1'],
      ],
    });
    const before = peer.ledger.snapshot();
    await peer.commit({
      writes: [
        ['a', '2'],
        ['b', undefined],
        ['c', '2'],
      ],
    });
    const rows: string[] = [];
    for await (const row of before.range(CHAINCODE, '', '')) rows.push(`${row.key}=${Buffer.from(row.value)}`);
    expect([before.height, rows]).toEqual([2, ['a=1', 'b=1']]);
    expect((await before.get(CHAINCODE, 'a'))?.version).toEqual({ blockNumber: 1, txNumber: 0 });
    await before.close();
    await before.close();
    await expect(before.get(CHAINCODE, 'a')).rejects.toThrow(StoreError);
    expect([await peer.stateOf('a'), await peer.stateOf('b'), await peer.stateOf('c')]).toEqual(['2', undefined, '2']);
    await peer.close();
  });

  it('ranges are exclusive at the end, in byte order, and stay in their namespace', async () => {
    const peer = await open();
    const keys = ['a', 'a\u0000x', 'b', '\u{e000}', '\u{10000}'];
    await peer.commit({ writes: keys.map((key) => [key, 'v'] as const) });
    const scan = async (start: string, end: string, namespace = CHAINCODE) => {
      const snapshot = peer.ledger.snapshot();
      const found: string[] = [];
      for await (const { key } of snapshot.range(namespace, start, end)) found.push(key);
      await snapshot.close();
      return found;
    };
    expect(await scan('', '')).toEqual(keys);
    expect(await scan('a', 'b')).toEqual(['a', 'a\u0000x']);
    expect(await scan('b', '')).toEqual(['b', '\u{e000}', '\u{10000}']);
    expect(await scan('b', 'a')).toEqual([]);
    expect(await scan('', '', 'medledge')).toEqual([]);
    await peer.close();
  });
});

describe('history and commits', () => {
  it('history is newest first, with deletions, and apart from that of a longer key', async () => {
    const peer = await open();
    const first = transaction(network, {
      writes: [
        ['k', '1'],
        ['k1', 'other'],
      ],
    });
    await peer.ledger.commit(await nextBlock(peer.ledger, [first.envelope]));
    await peer.commit(
      { writes: [['k', '2']] },
      { writes: [['k', undefined]] },
      { writes: [['k', 'x']], endorsers: [] },
    );
    await peer.commit({ writes: [['k', '3']] });
    expect(await historyOf(peer.ledger, 'k')).toEqual(['3', 'deleted', '2', '1']);
    for await (const entry of peer.ledger.history(CHAINCODE, 'k1')) {
      expect(entry.txId).toBe(first.txId);
      expect(Math.abs(entry.timestampMs - Date.now())).toBeLessThan(60_000);
    }
    await peer.close();
  });

  it('listeners hear of each block once it can be read, and a failing one disturbs nobody', async () => {
    const peer = await open();
    const heard: number[] = [];
    const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    peer.ledger.onCommit(() => {
      throw new Error('a careless listener');
    });
    const stop = peer.ledger.onCommit(({ blockNumber }) => {
      heard.push(blockNumber, peer.ledger.height());
    });
    await peer.commit({ writes: [['k', '1']] });
    stop();
    await peer.commit({ writes: [['k', '2']] });
    expect(heard).toEqual([1, 2]);
    expect(warned).toHaveBeenCalledTimes(2);
    warned.mockRestore();
    await peer.close();
  });

  it('a block that does not continue the chain, or was altered, is refused and changes nothing', async () => {
    const peer = await open();
    const block = Buffer.from(await nextBlock(peer.ledger, [transaction(network, { writes: [['k', '1']] }).envelope]));
    const altered = Buffer.from(block);
    altered.writeUInt8(altered.readUInt8(300) ^ 1, 300);
    await expect(peer.ledger.commit(altered)).rejects.toThrow(/data hash|not a block/);
    await peer.ledger.commit(block);
    await expect(peer.ledger.commit(block)).rejects.toThrow(/number 1 in place 2/);
    expect(peer.ledger.height()).toBe(2);
    await peer.close();
  });
});

describe('what survives', () => {
  it('stop and start lose nothing', async () => {
    const before = await fill(['1', '2', '3']);
    const peer = await open();
    expect(tipOf(peer.ledger)).toEqual(before);
    expect(await peer.stateOf('k')).toBe('3');
    expect(await historyOf(peer.ledger, 'k')).toEqual(['3', '2', '1']);
    await peer.close();
  });

  it('a deleted database is made again from the blocks, to the same hashes', async () => {
    const before = await fill(['1', '2', '3']);
    rmSync(join(folder.path, 'peer', 'state'), { recursive: true });
    const peer = await open();
    expect(tipOf(peer.ledger)).toEqual(before);
    expect(await peer.stateOf('k')).toBe('3');
    expect(await historyOf(peer.ledger, 'k')).toEqual(['3', '2', '1']);
    await peer.close();
  });

  it('a database that is behind, as after a crash between block and batch, is brought up', async () => {
    await fill(['1']);
    cpSync(join(folder.path, 'peer', 'state'), join(folder.path, 'older'), { recursive: true });
    const before = await fill(['2', '3']);
    rmSync(join(folder.path, 'peer', 'state'), { recursive: true });
    cpSync(join(folder.path, 'older'), join(folder.path, 'peer', 'state'), { recursive: true });
    const peer = await open();
    expect(tipOf(peer.ledger)).toEqual(before);
    expect(await peer.commit({ reads: [['k', { blockNumber: 3, txNumber: 0 }]], writes: [['k', '4']] })).toEqual([0]);
    await peer.close();
  });

  it('a block cut short that the database never saw is taken off and can be committed again', async () => {
    await fill(['1']);
    cpSync(join(folder.path, 'peer', 'state'), join(folder.path, 'older'), { recursive: true });
    await fill(['2']);
    rmSync(join(folder.path, 'peer', 'state'), { recursive: true });
    cpSync(join(folder.path, 'older'), join(folder.path, 'peer', 'state'), { recursive: true });
    rmSync(join(folder.path, 'peer', 'state.height'));
    truncateSync(blockFile(), statSync(blockFile()).size - 10);
    const peer = await open();
    expect(peer.ledger.height()).toBe(2);
    expect(await peer.commit({ writes: [['k', 'again']] })).toEqual([0]);
    await peer.close();
    const again = await open();
    expect(await again.stateOf('k')).toBe('again');
    await again.close();
  });
});

describe('what is refused at the start, with a sentence', () => {
  it('blocks the database has seen are gone', async () => {
    await fill(['1', '2']);
    truncateSync(blockFile(), statSync(blockFile()).size - 10);
    await expect(open()).rejects.toThrow(BlockCorruptError);
  });

  it('a folder that another ledger has open', async () => {
    const peer = await open();
    await expect(open()).rejects.toThrow(/in use by another process/);
    await peer.close();
  });

  it("another network's folder", async () => {
    await fill(['1']);
    const other = await createNetwork();
    await expect(openPeerLedger(peerOptions(other, join(folder.path, 'peer')))).rejects.toThrow(/another network/);
  });
});
