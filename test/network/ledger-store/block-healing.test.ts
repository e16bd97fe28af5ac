import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { genesisBlock } from '../../../network/devledger/commit/genesis-block.js';
import {
  blocksDirectory,
  openPeerLedger,
  type PeerLedgerOptions,
} from '../../../network/devledger/commit/open-peer-ledger.js';
import type { SimulationRecord } from '../../../network/devledger/endorse/simulation-record.js';
import { openOrderer, type Orderer } from '../../../network/devledger/orderer/open-orderer.js';
import type { PeerLedger } from '../../../network/devledger/peer-ledger.js';
import { BlockCorruptError } from '../../../network/devledger/store/ledger-errors.js';
import {
  CHAINCODE,
  CHANNEL,
  createNetwork,
  ENDORSERS,
  nextBlock,
  POLICY,
  peerOptions,
  type TestNetwork,
  temporaryFolder,
} from '../ledger-support.js';
import { keyPolicy, simulated } from '../ledger-private.js';
import { openTestPeer, type TestPeer, transaction } from '../ledger-transactions.js';
import { flipIn, historyOf, type Tip, tipOf } from './stored-peer.js';

let network: TestNetwork;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let said: string[];

beforeAll(async () => {
  network = await createNetwork();
});
beforeEach(async () => {
  folder = await temporaryFolder();
  said = [];
});
afterEach(async () => {
  await folder.remove();
});

function open(): Promise<TestPeer> {
  return openTestPeer(network, join(folder.path, 'peer'));
}

/** What a peer or the orderer hands out, block by block. */
async function hexOf(source: Pick<PeerLedger, 'height' | 'blockByNumber'>): Promise<string[]> {
  const found: string[] = [];
  for (let number = 0; number < source.height(); number += 1) {
    found.push(Buffer.from((await source.blockByNumber(number)) ?? []).toString('hex'));
  }
  return found;
}

const ROUNDS = 6;
let whole: Tip;
let blocks: string[];
let bytes: Buffer;

/** Peers A and B with the same blocks. */
async function fillTwo(): Promise<void> {
  const a = await openPeerLedger(optionsOf('A'));
  const b = await openPeerLedger(optionsOf('B'));
  for (let round = 0; round < ROUNDS; round += 1) {
    const { envelope } = transaction(network, simulated((record) => writeRound(record, round)).spec);
    const block = await nextBlock(a, [envelope]);
    await a.commit(block);
    await b.commit(block);
  }
  whole = tipOf(a);
  blocks = await hexOf(a);
  await a.close();
  await b.close();
  bytes = readFileSync(blockFile('A'));
}

/** In the fifth a key gets another policy and a new version with it: its value, the block alone does not tell. */
function writeRound(record: SimulationRecord, round: number): void {
  const { writes } = record.namespace(CHAINCODE);
  writes.set('k', Buffer.from(`${round}`));
  if (round === 1) writes.set('guarded', Buffer.from('x'));
  if (round === 1) keyPolicy('guarded', ENDORSERS.slice(0, 2))(record);
  if (round === 2) writes.set('gone', Buffer.from('x'));
  if (round === 3) writes.set('gone', undefined);
  if (round === 4) keyPolicy('guarded', ENDORSERS)(record);
}

function optionsOf(name: 'A' | 'B', more: Partial<PeerLedgerOptions> = {}): PeerLedgerOptions {
  const options = peerOptions(network, join(folder.path, name));
  return { ...options, onIncident: (sentence) => said.push(sentence), ...more };
}

function blockFile(name: 'A' | 'B'): string {
  return join(folder.path, name, 'blocks', '000000000000.frames');
}

const fromB = () => ({ otherPeers: [{ owner: 'B', directory: blocksDirectory(join(folder.path, 'B')) }] });

describe('damaged blocks', () => {
  beforeEach(fillTwo);

  it.each([
    { what: 'changed near the beginning', spoil: () => flipIn(blockFile('A'), 60) },
    { what: 'changed in the middle', spoil: () => flipIn(blockFile('A'), Math.floor(bytes.length / 2)) },
    { what: 'changed at the end', spoil: () => flipIn(blockFile('A'), -1) },
    { what: 'changed in many places', spoil: () => [100, 3000, 5000, 9000].map((at) => flipIn(blockFile('A'), at)) },
    { what: 'cut', spoil: () => truncateSync(blockFile('A'), bytes.length - 5000) },
    { what: 'overwritten with zeros', spoil: () => writeFileSync(blockFile('A'), Buffer.alloc(bytes.length)) },
    { what: 'taken away', spoil: () => rmSync(blockFile('A')) },
  ])('a block file $what is filled from another peer', async ({ spoil }) => {
    spoil();
    const ledger = await openPeerLedger(optionsOf('A', fromB()));
    expect([tipOf(ledger), await hexOf(ledger)]).toEqual([whole, blocks]);
    expect(await historyOf(ledger, 'k')).toEqual(['5', '4', '3', '2', '1', '0']);
    await ledger.close();
    expect(readFileSync(blockFile('A')).equals(bytes)).toBe(true);
  });
});

describe('healing of blocks', () => {
  beforeEach(fillTwo);

  it('the damaged file is kept, and what was done is said', async () => {
    flipIn(blockFile('A'), Math.floor(bytes.length / 2));
    const damaged = readFileSync(blockFile('A'));
    const ledger = await openPeerLedger(optionsOf('A', fromB()));
    await hexOf(ledger);
    await ledger.close();
    const [aside = ''] = readdirSync(join(folder.path, 'A')).filter((name) => name.startsWith('damaged-'));
    const kept = readFileSync(join(folder.path, 'A', aside, 'blocks-000000000000.frames'));
    expect(kept.equals(damaged)).toBe(true);
    expect(said).toEqual([expect.stringMatching(/^BLOCK_CORRUPT: HospitalAMSP.*taken from another peer; .*damaged-/)]);
  });

  it('nothing is taken that does not fit: not from a peer of another chain, nor one that is damaged too', async () => {
    const other = await openPeerLedger(optionsOf('A', { directory: join(folder.path, 'C') }));
    for (let round = 0; round < ROUNDS; round += 1) {
      await other.commit(await nextBlock(other, [transaction(network, { writes: [['k', 'forged']] }).envelope]));
    }
    await other.close();
    flipIn(blockFile('A'), Math.floor(bytes.length / 2));
    flipIn(blockFile('B'), Math.floor(bytes.length / 2));
    const otherPeers = [...fromB().otherPeers, { owner: 'C', directory: blocksDirectory(join(folder.path, 'C')) }];
    const ledger = await openPeerLedger(optionsOf('A', { otherPeers }));
    await expect(hexOf(ledger)).rejects.toThrow(BlockCorruptError);
    await ledger.close();
    rmSync(join(folder.path, 'A', 'state'), { recursive: true });
    await expect(openPeerLedger(optionsOf('A', { otherPeers }))).rejects.toThrow(/nobody has a copy whose hashes fit/);
  });

  it('a peer that may start over begins at block 0 when nobody has what it lost', async () => {
    flipIn(blockFile('A'), Math.floor(bytes.length / 2));
    rmSync(join(folder.path, 'A', 'state'), { recursive: true });
    const ledger = await openPeerLedger(optionsOf('A', { mayStartOver: true }));
    expect(ledger.height()).toBe(1);
    expect(said.at(-1)).toMatch(/filled anew from the orderer; what it had is in .*damaged-/);
    await ledger.close();
  });
});

/** Orders one transaction; its block. */
async function ordered(orderer: Orderer, value: string): Promise<Uint8Array> {
  const number = orderer.height();
  await orderer.submit(transaction(network, { writes: [['k', value]] }).envelope);
  while (orderer.height() === number) await new Promise((resolve) => setTimeout(resolve, 1));
  return (await orderer.blockByNumber(number)) ?? new Uint8Array();
}

describe('the orderer', () => {
  it.each([
    { what: 'a block cut off', spoil: (file: string) => truncateSync(file, readFileSync(file).length - 20) },
    { what: 'a block changed', spoil: (file: string) => flipIn(file, -30) },
    { what: 'an older block changed', spoil: (file: string) => flipIn(file, 3000) },
    { what: 'all of its files lost', spoil: (file: string) => rmSync(join(file, '..', '..'), { recursive: true }) },
  ])('with $what takes it back from a peer and goes on behind it', async ({ spoil }) => {
    const genesis = genesisBlock({ channel: CHANNEL, msps: network.msps, policy: POLICY });
    const directory = join(folder.path, 'orderer');
    const peers = [{ owner: 'peer', directory: blocksDirectory(join(folder.path, 'peer')) }];
    const options = { directory, peers, genesis, batch: { timeoutMs: 1, maxMessageCount: 1, preferredMaxBytes: 1000 } };
    const peer = await open();
    const first = await openOrderer(options);
    for (const value of ['0', '1', '2', '3']) await peer.ledger.commit(await ordered(first, value));
    const before = await hexOf(first);
    await first.close();
    spoil(join(directory, 'blocks', '000000000000.frames'));
    const again = await openOrderer({ ...options, onIncident: (sentence) => said.push(sentence) });
    expect(await hexOf(again)).toEqual(before);
    await peer.ledger.commit(await ordered(again, 'after'));
    expect(await peer.stateOf('k')).toBe('after');
    await again.close();
    await peer.close();
  });
});
