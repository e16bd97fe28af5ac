import { cpSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { openPeerLedger } from '../../../network/devledger/commit/open-peer-ledger.js';
import type { PeerLedger } from '../../../network/devledger/peer-ledger.js';
import { BlockCorruptError, StateCorruptError, StoreError } from '../../../network/devledger/store/ledger-errors.js';
import {
  CHAINCODE,
  createNetwork,
  nextBlock,
  peerOptions,
  type TestNetwork,
  temporaryFolder,
} from '../ledger-support.js';
import { openTestPeer, type TestPeer, transaction } from '../ledger-transactions.js';

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

type Tip = ReturnType<typeof tipOf>;

function tipOf(ledger: PeerLedger) {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  return {
    height: ledger.height(),
    headerHash: hex(ledger.currentBlockHash()),
    previousHash: hex(ledger.previousBlockHash()),
    commitHash: hex(ledger.commitHash()),
  };
}

function blockFile(): string {
  const directory = join(folder.path, 'peer', 'blocks');
  return join(directory, readdirSync(directory)[0] ?? '');
}

function stateFile(suffix: string): string {
  const directory = join(folder.path, 'peer', 'state');
  return join(directory, readdirSync(directory).find((name) => name.endsWith(suffix)) ?? '');
}

function flipIn(path: string, offset: number): void {
  const bytes = readFileSync(path);
  const place = offset < 0 ? bytes.length + offset : offset;
  bytes.writeUInt8(bytes.readUInt8(place) ^ 1, place);
  writeFileSync(path, bytes);
}

function damagedFolders(): string[] {
  return readdirSync(join(folder.path, 'peer')).filter((name) => name.startsWith('damaged-'));
}

async function historyOf(ledger: PeerLedger, key: string): Promise<string[]> {
  const values: string[] = [];
  for await (const { value, isDelete } of ledger.history(CHAINCODE, key)) {
    values.push(isDelete ? 'deleted' : Buffer.from(value).toString());
  }
  return values;
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

describe('a damaged state is made again from the blocks', () => {
  it.each([
    { what: 'a manifest that was changed', spoil: () => flipIn(stateFile('manifest'), 90) },
    { what: 'a manifest that was cut', spoil: () => truncateSync(stateFile('manifest'), 20) },
    { what: 'a manifest that is gone', spoil: () => rmSync(stateFile('manifest')) },
    { what: 'a table that is gone', spoil: () => rmSync(stateFile('.table')) },
    { what: 'a table that was cut', spoil: () => truncateSync(stateFile('.table'), 100) },
    { what: 'a table whose root was changed', spoil: () => flipIn(stateFile('.table'), -1) },
    { what: 'a table whose rows were changed', spoil: () => flipIn(stateFile('.table'), 20) },
  ])('at the start: $what', async ({ spoil }) => {
    const before = await fill(['1', '2']);
    spoil();
    const peer = await open();
    expect(tipOf(peer.ledger)).toEqual(before);
    expect(await peer.stateOf('k')).toBe('2');
    expect(await historyOf(peer.ledger, 'k')).toEqual(['2', '1']);
    expect(damagedFolders().length).toBe(1);
    await peer.close();
  });

  it('while it runs: whoever reads is told, then the peer serves again, and loses nothing', async () => {
    const peer = await open();
    const rows = Array.from({ length: 60 }, (_, index) => [`k${index}`, `value ${index} `.repeat(50)] as const);
    await peer.commit({ writes: rows });
    await peer.close();
    const said: string[] = [];
    const ledger = await openPeerLedger({
      ...peerOptions(network, join(folder.path, 'peer')),
      onIncident: (sentence) => said.push(sentence),
    });
    const table = stateFile('.table');
    flipIn(table, readFileSync(table).indexOf('value 20 '));
    const readK20 = async () => {
      const snapshot = ledger.snapshot();
      const found = await snapshot.get(CHAINCODE, 'k20');
      await snapshot.close();
      return Buffer.from(found?.value ?? []).toString();
    };
    await expect(readK20()).rejects.toThrow(/STATE_CORRUPT: peer HospitalAMSP, state medledger\/"k20"/);
    expect(ledger.isServing()).toBe(false);
    expect(() => ledger.snapshot()).toThrow(/makes its state again/);
    const { envelope } = transaction(network, { writes: [['after', '1']] });
    expect((await ledger.commit(await nextBlock(ledger, [envelope]))).blockNumber).toBe(2);
    expect([ledger.isServing(), await readK20()]).toEqual([true, 'value 20 '.repeat(50)]);
    expect(said).toEqual([
      expect.stringMatching(/moved to .*damaged-/),
      'The state of peer HospitalAMSP was made again from 2 blocks.',
    ]);
    await ledger.close();
  });

  it('again and again: at the ninth time the disk is to be looked at', async () => {
    for (let time = 0; time < 8; time += 1) {
      await fill([`${time}`]);
      flipIn(stateFile('manifest'), 90);
    }
    await fill(['8']);
    flipIn(stateFile('manifest'), 90);
    await expect(open()).rejects.toThrow(/was damaged 8 times.*check the disk/);
  });
});
