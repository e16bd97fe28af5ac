import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { committedMetadata, encodeBlock, parseBlock } from '../../../network/devledger/commit/block-codec.js';
import { blockDataHash } from '../../../network/devledger/commit/block-hash.js';
import { nextCommitHash } from '../../../network/devledger/commit/commit-hash.js';
import { encodeFrameHeader } from '../../../network/devledger/store/frame.js';
import { readPeerBlocks, readPeerState } from '../../../network/devledger/store/read-peer.js';
import { encodeVersion, stateKey, transactionKey } from '../../../network/devledger/store/row-keys.js';
import { type RowWrite, StateDatabase } from '../../../network/devledger/store/state-database.js';
import { rebuildPeer } from '../../../network/devledger/store/rebuild-peer.js';
import { comparePeers, verifyPeer } from '../../../network/devledger/store/verify-peer.js';
import { CHAINCODE, createNetwork, peerOptions, type TestNetwork, temporaryFolder } from '../ledger-support.js';
import { openTestPeer, type TransactionSpec, transaction } from '../ledger-transactions.js';
import { flipIn } from './stored-peer.js';

const CANARY = 'a value that is easy to find in a file';
let network: TestNetwork;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let original: Awaited<ReturnType<typeof temporaryFolder>>;
const peer = { mspId: 'HospitalAMSP', directory: '' };
const ROUNDS: readonly TransactionSpec[][] = [
  [
    {
      writes: [
        ['a', '1'],
        ['secret', CANARY],
      ],
    },
    { writes: [['b', '1']], endorsers: [] },
  ],
  [
    { writes: [['a', '2']], reads: [['a', { blockNumber: 1, txNumber: 0 }]] },
    { reads: [['a']], writes: [['c', 'x']] },
  ],
  [
    {
      writes: [
        ['gone', '1'],
        ['b', '3'],
      ],
    },
  ],
  [
    {
      writes: [['gone', undefined]],
      ranges: [{ start: 'b', end: 'c', reads: [['b', { blockNumber: 3, txNumber: 0 }]] }],
    },
  ],
];

beforeAll(async () => {
  network = await createNetwork();
  original = await temporaryFolder();
  const opened = await openTestPeer(network, original.path);
  for (const round of ROUNDS) await opened.commit(...round);
  await opened.close();
});
afterAll(async () => {
  await original.remove();
});
beforeEach(async () => {
  folder = await temporaryFolder();
  peer.directory = join(folder.path, 'peer');
  cpSync(original.path, peer.directory, { recursive: true });
});
afterEach(async () => {
  await folder.remove();
});

function rules() {
  const { signatureCache, ...options } = peerOptions(network, peer.directory);
  return { ...options, signatures: signatureCache };
}

/** What the verifier found, as `kind where: detail`. */
async function findings(): Promise<string[]> {
  const { findings: found } = await verifyPeer(peer, rules());
  expect(found.every((finding) => finding.peer === 'HospitalAMSP')).toBe(true);
  return found.map(({ kind, where, detail }) => `${kind} ${where}: ${detail}`);
}

function files(part: string, suffix: string): string[] {
  const directory = join(peer.directory, part);
  return readdirSync(directory)
    .filter((name) => name.endsWith(suffix))
    .map((name) => join(directory, name));
}

async function writeRows(...rows: RowWrite[]): Promise<void> {
  const database = await StateDatabase.open(join(peer.directory, 'state'), peer.mspId);
  await database.write(rows);
  await database.close();
}

/** Writes the block file anew, with right digests, after changing the blocks in it. */
async function forgeBlocks(change: (bytes: Uint8Array, blockNumber: number) => Uint8Array): Promise<void> {
  const frames: Uint8Array[] = [];
  for await (const { blockNumber, bytes } of readPeerBlocks(peer)) {
    const forged = change(bytes, blockNumber);
    frames.push(encodeFrameHeader(blockNumber, forged), forged);
  }
  writeFileSync(files('blocks', '.frames')[0] ?? '', Buffer.concat(frames));
}

describe('verifyPeer', () => {
  it('finds nothing in what a peer wrote', async () => {
    expect(await verifyPeer(peer, rules())).toMatchObject({ height: 5, stateRows: 3, transactions: 6, findings: [] });
  });

  it('refuses to look at a ledger that is running', async () => {
    const running = await openTestPeer(network, peer.directory);
    await expect(verifyPeer(peer)).rejects.toThrow(/in use/);
    await running.close();
  });

  it('a byte flipped anywhere in the block file is named with block, file and offset', async () => {
    const [file = ''] = files('blocks', '.frames');
    const whole = readFileSync(file);
    for (let offset = 3; offset < whole.length; offset += 997) {
      writeFileSync(file, whole);
      flipIn(file, offset);
      // The header of the last frame marks where it begins: without it only the database knows that it was there.
      expect((await findings())[0]).toMatch(
        /^block block (\d+, .*\.frames from byte \d+|4: the database has seen 5 blocks; the files hold 4$)/,
      );
    }
  });

  it('a byte flipped in a live value is named with its key', async () => {
    const table = files('state', '.table').find((path) => readFileSync(path).includes(CANARY)) ?? '';
    flipIn(table, readFileSync(table).indexOf(CANARY) + 5);
    expect(await findings()).toEqual([`state state ${CHAINCODE}/"secret": the stored bytes do not match their digest`]);
  });

  it('a byte flipped anywhere in a table file is noticed', async () => {
    const [table = ''] = files('state', '.table');
    const sizeBytes = readFileSync(table).length;
    for (let offset = 20; offset < sizeBytes; offset += 23) {
      rmSync(peer.directory, { recursive: true });
      cpSync(original.path, peer.directory, { recursive: true });
      flipIn(table, offset);
      expect({ offset, noticed: (await findings()).length > 0 }).toEqual({ offset, noticed: true });
    }
  });
});

async function liveRows(): Promise<string[]> {
  const rows: string[] = [];
  for await (const { namespace, key, value } of readPeerState(peer))
    rows.push(`${namespace}/${key}=${Buffer.from(value)}`);
  return rows;
}

describe('verifyPeer, when the digests were made to fit', () => {
  it.each([
    {
      name: 'another value',
      row: { key: stateKey(CHAINCODE, 'a'), payload: Buffer.concat([encodeVersion(2, 0), Buffer.from('forged')]) },
      finding: `state state ${CHAINCODE}/"a": its value is not the one block 2, transaction 0 wrote`,
    },
    {
      name: 'an older version',
      row: { key: stateKey(CHAINCODE, 'a'), payload: Buffer.concat([encodeVersion(1, 0), Buffer.from('1')]) },
      finding: `state state ${CHAINCODE}/"a": it claims block 1, transaction 0, but the newest write is in block 2, transaction 0`,
    },
    {
      name: 'a row of its own',
      row: { key: stateKey(CHAINCODE, 'new'), payload: Buffer.concat([encodeVersion(2, 0), Buffer.from('x')]) },
      finding: `state state ${CHAINCODE}/"new": no block wrote it (it claims block 2)`,
    },
    {
      name: 'a deleted row',
      row: { key: stateKey(CHAINCODE, 'secret'), payload: undefined },
      finding: `state state ${CHAINCODE}/"secret": missing; block 1 wrote it`,
    },
    {
      name: 'a transaction more in the index',
      row: { key: transactionKey('00'), payload: Buffer.concat([encodeVersion(2, 0), Buffer.of(0)]) },
      finding: 'index transaction rows: 7 where the blocks account for 6',
    },
  ])('$name is found', async ({ row, finding }) => {
    await writeRows(row);
    expect(await findings()).toEqual([finding]);
  });

  it('a forged transaction breaks the data hash of its block', async () => {
    const { envelope } = transaction(network, { writes: [['a', 'forged']] });
    await forgeBlocks((bytes, number) => {
      const block = parseBlock(bytes);
      return number === 3 ? encodeBlock({ ...block, envelopes: [envelope] }) : bytes;
    });
    expect((await findings())[0]).toMatch(/^block block 3.*data hash$/);
  });

  it('a forged block that is right in itself breaks the chain behind it', async () => {
    const { envelope } = transaction(network, { writes: [['a', 'forged']] });
    await forgeBlocks((bytes, number) => {
      const block = parseBlock(bytes);
      return number === 3
        ? encodeBlock({ ...block, envelopes: [envelope], dataHash: blockDataHash([envelope]) })
        : bytes;
    });
    expect((await findings()).filter((line) => line.startsWith('block block 4'))[0]).toMatch(
      /hash of the block before/,
    );
  });

  it('a refused transaction made valid, with the commit hash to match, is judged again', async () => {
    await forgeBlocks((bytes, number) => {
      const block = parseBlock(bytes);
      if (number !== 1) return bytes;
      const version = { blockNumber: 1, txNumber: 0 };
      const writes = [
        { namespace: CHAINCODE, key: 'a', value: Buffer.from('1'), version },
        { namespace: CHAINCODE, key: 'b', value: Buffer.from('1'), version: { blockNumber: 1, txNumber: 1 } },
        { namespace: CHAINCODE, key: 'secret', value: Buffer.from(CANARY), version },
      ];
      const codes = Uint8Array.of(0, 0);
      const commitHash = nextCommitHash(codes, writes, new Uint8Array());
      return encodeBlock({ ...block, metadata: committedMetadata(block.metadata, { codes, commitHash }) });
    });
    const found = await findings();
    expect(found[0]).toMatch(/^block block 1.*transaction 1 is stored with validation code 0, but its code is 10$/);
    expect(found.find((line) => line.startsWith('block block 2'))).toMatch(/commit hash/);
  });
});

describe('comparing and healing', () => {
  it('names the peer whose block differs from the others', async () => {
    const good = await verifyPeer({ ...peer, mspId: 'HospitalBMSP' });
    await forgeBlocks((bytes, number) => {
      const block = parseBlock(bytes);
      const found = { codes: Uint8Array.of(11), commitHash: new Uint8Array(32) };
      return number === 3 ? encodeBlock({ ...block, metadata: committedMetadata(block.metadata, found) }) : bytes;
    });
    const forged = await verifyPeer(peer);
    const third = { ...good, peer: 'GovernmentMSP', height: 4, blocks: good.blocks.slice(0, 4) };
    expect(comparePeers([forged, good, third])).toEqual([
      {
        peer: 'HospitalAMSP',
        kind: 'block',
        where: 'block 3',
        detail: 'same transactions, but other validation codes or writes than the other peers',
      },
      { peer: 'GovernmentMSP', kind: 'block', where: 'height 4', detail: 'another peer has 5 blocks' },
    ]);
    expect(comparePeers([good, { ...good, peer: 'GovernmentMSP' }])).toEqual([]);
  });

  it('a rebuilt state is right again, and what was there is kept aside', async () => {
    await writeRows({ key: stateKey(CHAINCODE, 'a'), payload: Buffer.from('nonsense that is long enough') });
    expect(await findings()).not.toEqual([]);
    const rebuilt = await rebuildPeer(peerOptions(network, peer.directory));
    expect(rebuilt).toEqual({ height: 5, takenBack: 0, keptIn: undefined });
    expect(await findings()).toEqual([]);
    expect(readdirSync(peer.directory).sort()).toEqual(['blocks', 'state', 'state.height', 'state.replaced']);
  });

  it('a state that cannot be opened is a finding, and rebuilt', async () => {
    writeFileSync(join(peer.directory, 'state', 'manifest'), 'nonsense');
    expect((await findings())[0]).toMatch(/^state .*cannot be opened/);
    await rebuildPeer(peerOptions(network, peer.directory));
    expect(await findings()).toEqual([]);
  });

  it('state and blocks can be read one by one', async () => {
    expect(await liveRows()).toEqual([`${CHAINCODE}/a=2`, `${CHAINCODE}/b=3`, `${CHAINCODE}/secret=${CANARY}`]);
    const numbers: number[] = [];
    for await (const { blockNumber, bytes } of readPeerBlocks(peer)) {
      numbers.push(blockNumber);
      expect(parseBlock(bytes).number).toBe(blockNumber);
    }
    expect(numbers).toEqual([0, 1, 2, 3, 4]);
  });
});
