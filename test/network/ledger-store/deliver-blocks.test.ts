import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { deliverBlocks } from '../../../network/devledger/commit/deliver-blocks.js';
import { genesisBlock } from '../../../network/devledger/commit/genesis-block.js';
import { openOrderer, type Orderer } from '../../../network/devledger/orderer/open-orderer.js';
import type { PeerLedger } from '../../../network/devledger/peer-ledger.js';
import { encodeVersion, stateKey } from '../../../network/devledger/store/row-keys.js';
import { StateDatabase } from '../../../network/devledger/store/state-database.js';
import {
  CHAINCODE,
  CHANNEL,
  commitAll,
  createNetwork,
  ENDORSERS,
  POLICY,
  rulesOf,
  type TestNetwork,
  temporaryFolder,
} from '../ledger-support.js';
import { openTestPeer, type TestPeer, transaction } from '../ledger-transactions.js';

let network: TestNetwork;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let orderer: Orderer;
let peers: TestPeer[];
let setAside: string[];

beforeAll(async () => {
  network = await createNetwork();
});
beforeEach(async () => {
  folder = await temporaryFolder();
  orderer = await openOrderer({
    directory: join(folder.path, 'orderer'),
    batch: { timeoutMs: 2, maxMessageCount: 3, preferredMaxBytes: 100_000 },
    genesis: genesisBlock({ channel: CHANNEL, msps: network.msps, policy: POLICY }),
  });
  peers = await Promise.all(ENDORSERS.map((mspId) => openTestPeer(network, join(folder.path, mspId), mspId)));
  setAside = [];
});
afterEach(async () => {
  await Promise.all(peers.map((peer) => peer.close()));
  await orderer.close();
  await folder.remove();
});

function deliver(ledgers: readonly PeerLedger[] = peers.map(({ ledger }) => ledger)) {
  return deliverBlocks({
    source: orderer,
    peers: ledgers,
    rules: rulesOf(network),
    onSetAside: (mspId, sentence) => setAside.push(`${mspId}: ${sentence}`),
  });
}

async function submit(count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const before = orderer.height();
    const ordered = new Promise<void>((resolve) => {
      const stop = orderer.onBlock(() => {
        stop();
        resolve();
      });
    });
    await orderer.submit(transaction(network, { writes: [[`k${before}`, 'v']] }).envelope);
    await ordered;
  }
}

describe('deliverBlocks', () => {
  it('every peer commits every block to the same hashes', async () => {
    const delivery = deliver();
    await submit(5);
    await delivery.caughtUp();
    const tips = peers.map(({ ledger }) => Buffer.from(ledger.commitHash()).toString('hex'));
    expect(peers.map(({ ledger }) => ledger.height())).toEqual([6, 6, 6]);
    expect(new Set(tips).size).toBe(1);
    expect(await Promise.all(peers.map((peer) => peer.stateOf('k3')))).toEqual(['v', 'v', 'v']);
    await delivery.stop();
  });

  it('a peer that was away is brought up', async () => {
    const [first] = peers;
    const early = deliver(first === undefined ? [] : [first.ledger]);
    await submit(3);
    await early.caughtUp();
    await early.stop();
    expect(peers.map(({ ledger }) => ledger.height())).toEqual([4, 1, 1]);
    const all = deliver();
    await all.caughtUp();
    expect(peers.map(({ ledger }) => ledger.height())).toEqual([4, 4, 4]);
    await all.stop();
  });

  it('a peer that fails is set aside with a sentence; the others go on', async () => {
    const delivery = deliver();
    await submit(1);
    await delivery.caughtUp();
    await peers[1]?.close();
    await submit(2);
    await delivery.caughtUp();
    expect([peers[0]?.ledger.height(), peers[2]?.ledger.height()]).toEqual([4, 4]);
    expect(setAside).toEqual([
      'HospitalBMSP: Peer HospitalBMSP is set aside at height 2: ' +
        'The ledger of peer HospitalBMSP is closed; open it again.',
    ]);
    expect([...delivery.setAside.keys()]).toEqual(['HospitalBMSP']);
    await delivery.stop();
  });
});

describe('deliverBlocks sets aside', () => {
  it('a peer with other blocks, or with more blocks than the orderer, at once', async () => {
    const [a, b] = peers;
    if (a === undefined || b === undefined) throw new Error('no peers');
    await submit(1);
    await commitAll(a.ledger, [transaction(network, { writes: [['own', 'block']] }).envelope]);
    for (let round = 0; round < 2; round += 1) {
      await commitAll(b.ledger, [transaction(network, { writes: [['own', 'block']] }).envelope]);
    }
    const delivery = deliver();
    await delivery.caughtUp();
    expect(setAside.find((line) => line.startsWith('HospitalAMSP'))).toContain("block 1 is not the orderer's");
    expect(setAside.find((line) => line.startsWith('HospitalBMSP'))).toContain(
      'it has 3 blocks and the orderer only 2',
    );
    expect(peers[2]?.ledger.height()).toBe(2);
    await delivery.stop();
  });
});

describe('deliverBlocks sets aside a peer that concludes otherwise than the others', () => {
  beforeEach(() => forgeStates([0]));

  it('at that block', async () => {
    const delivery = deliver();
    await submitJudgedOtherwise();
    await untilHeight(3, peers);
    await delivery.caughtUp();
    await delivery.stop();
    expect([...delivery.setAside]).toEqual([[A, expect.stringMatching(OTHERWISE)]]);
  });

  it('also where it had committed that block before the others did', async () => {
    await submitJudgedOtherwise();
    const alone = deliver(peers.slice(0, 1).map(({ ledger }) => ledger));
    await untilHeight(3, peers.slice(0, 1));
    await alone.stop();
    expect(alone.setAside.size).toBe(0);
    const delivery = deliver();
    await untilHeight(3, peers);
    await delivery.caughtUp();
    await delivery.stop();
    expect([...delivery.setAside]).toEqual([[A, expect.stringMatching(OTHERWISE)]]);
  });

  it('also where it comes later; and takes it back once it is filled anew', async () => {
    const [, ...others] = peers;
    const delivery = deliver(others.map(({ ledger }) => ledger));
    await submitJudgedOtherwise();
    await untilHeight(3, others);
    delivery.add(peers[0]?.ledger ?? (await openA()));
    await delivery.caughtUp();
    expect([...delivery.setAside]).toEqual([[A, expect.stringMatching(OTHERWISE)]]);
    await delivery.remove(A);
    await peers[0]?.close();
    await rm(join(folder.path, A), { recursive: true });
    delivery.add(await openA());
    await delivery.caughtUp();
    await submit(1);
    await delivery.caughtUp();
    expect([delivery.setAside.size, peers.map(({ ledger }) => ledger.height())]).toEqual([0, [4, 4, 4]]);
    await delivery.stop();
  });
});

describe('two peers that conclude otherwise than the third', () => {
  beforeEach(() => forgeStates([0, 1]));

  it('are set aside although they are more, and the third goes on', async () => {
    const delivery = deliver();
    await submitJudgedOtherwise();
    await untilHeight(3, peers);
    await delivery.caughtUp();
    expect([...delivery.setAside.keys()].sort()).toEqual([A, B].sort());
    expect(delivery.setAside.get(A)).toMatch(OTHERWISE);
    expect(delivery.setAside.get(A)).toMatch(/when it is judged again.*rebuild-peer --org HospitalAMSP/);
    await submit(1);
    await delivery.caughtUp();
    expect(peers.map(({ ledger }) => ledger.height())).toEqual([3, 3, 4]);
    await delivery.stop();
  });

  it('are found at the next start too, when that block has long been followed by others', async () => {
    const apart = [deliver(ledgersOf(0)), deliver(ledgersOf(1)), deliver(ledgersOf(2))];
    await submitJudgedOtherwise();
    await untilHeight(3, peers);
    await submit(5);
    await untilHeight(8, peers);
    for (const each of apart) await each.stop();
    const delivery = deliver();
    await delivery.caughtUp();
    await delivery.stop();
    expect([...delivery.setAside.keys()].sort()).toEqual([A, B].sort());
    expect(delivery.setAside.get(B)).toMatch(/set aside at height 8: what it concluded of block 2/);
  });

  it('leave nobody in service where nobody has the blocks any more by which it could be told', async () => {
    const delivery = deliver();
    for (const { ledger } of peers) Object.assign(ledger, { blockByNumber: async () => undefined });
    await submitJudgedOtherwise();
    await untilHeight(3, peers);
    await delivery.caughtUp();
    await delivery.stop();
    const told = expect.stringMatching(/who is right cannot be told: .*verify-ledger/);
    expect([...delivery.setAside.values()]).toEqual([told, told, told]);
  });
});

const OTHERWISE = /^Peer HospitalAMSP is set aside at height 3: what it concluded of block 2/;
const [A = '', B = ''] = ENDORSERS;

function ledgersOf(index: number): PeerLedger[] {
  return peers.slice(index, index + 1).map(({ ledger }) => ledger);
}

/** Behind the chain's back: the state of a peer says that a key has another version than the blocks say. */
async function forgeStates(indexes: readonly number[]): Promise<void> {
  await submit(1);
  const delivery = deliver();
  await delivery.caughtUp();
  await delivery.stop();
  for (const index of indexes) {
    const mspId = ENDORSERS[index] ?? '';
    await peers[index]?.close();
    const database = await StateDatabase.open(join(folder.path, mspId, 'state'), mspId);
    const payload = Buffer.concat([encodeVersion(9, 9), Buffer.from('forged')]);
    await database.write([{ key: stateKey(CHAINCODE, 'k1'), payload }]);
    await database.close();
    await reopen(index);
  }
}

function openA(): Promise<PeerLedger> {
  return reopen(0);
}

async function reopen(index: number): Promise<PeerLedger> {
  const mspId = ENDORSERS[index] ?? '';
  const opened = await openTestPeer(network, join(folder.path, mspId), mspId);
  peers[index] = opened;
  return opened.ledger;
}

async function submitJudgedOtherwise(): Promise<void> {
  const reads = [['k1', { blockNumber: 1, txNumber: 0 }]] as const;
  await orderer.submit(transaction(network, { reads, writes: [['k1', 'v']] }).envelope);
}

async function untilHeight(height: number, of: readonly TestPeer[]): Promise<void> {
  while (of.some(({ ledger }) => ledger.height() < height)) await new Promise((resolve) => setTimeout(resolve, 2));
}
