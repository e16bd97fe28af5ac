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

  it('a peer that concludes otherwise than the others, at that block', async () => {
    const [a] = peers;
    await submit(1);
    const delivery = deliver();
    await delivery.caughtUp();
    await delivery.stop();
    // Behind the chain's back: the state of A says that the key has another version than the blocks say.
    await a?.close();
    const state = join(folder.path, ENDORSERS[0] ?? '', 'state');
    const database = await StateDatabase.open(state, 'HospitalAMSP');
    const payload = Buffer.concat([encodeVersion(9, 9), Buffer.from('forged')]);
    await database.write([{ key: stateKey(CHAINCODE, 'k1'), payload }]);
    await database.close();
    peers[0] = await openTestPeer(network, join(folder.path, ENDORSERS[0] ?? ''), ENDORSERS[0]);
    const again = deliver();
    const reads = [['k1', { blockNumber: 1, txNumber: 0 }]] as const;
    await orderer.submit(transaction(network, { reads, writes: [['k1', 'v']] }).envelope);
    while (peers.some(({ ledger }) => ledger.height() < 3)) await new Promise((resolve) => setTimeout(resolve, 2));
    await again.stop();
    expect([...again.setAside]).toEqual([
      [
        'HospitalAMSP',
        expect.stringMatching(/^Peer HospitalAMSP is set aside at height 3: what it concluded of block 2/),
      ],
    ]);
  });
});
