import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { RebuiltPeer } from '../../../network/devledger/store/rebuild-peer.js';
import { rebuildPeer } from '../../../network/devledger/store/rebuild-peer.js';
import { encodeVersion, stateKey } from '../../../network/devledger/store/row-keys.js';
import { StateDatabase } from '../../../network/devledger/store/state-database.js';
import { comparePeers, verifyPeer } from '../../../network/devledger/store/verify-peer.js';
import { optionsWithCollections } from '../ledger-private.js';
import { CHAINCODE, createNetwork, ENDORSERS, type TestNetwork, temporaryFolder } from '../ledger-support.js';
import { transaction } from '../ledger-transactions.js';
import { answersOf, SmallNetwork } from './small-network.js';

const [A = '', B = '', C = ''] = ENDORSERS;
const KEYS = ['k0', 'k1', 'k2'];

let network: TestNetwork;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let txIds: string[];

beforeAll(async () => {
  network = await createNetwork();
});
beforeEach(async () => {
  folder = await temporaryFolder();
  txIds = [];
  await live(async (small) => {
    for (const key of KEYS) txIds.push(await small.submit(key, `first ${key}`));
    await small.settled(txIds);
  });
  for (const mspId of [A, B]) await forgeVersionOf('k0', mspId);
});
afterEach(async () => {
  await folder.remove();
});

async function live(action: (small: SmallNetwork) => Promise<void>): Promise<ReadonlyMap<string, string>> {
  const small = await SmallNetwork.open(network, folder.path);
  try {
    await action(small);
    return new Map(small.setAside);
  } finally {
    await small.close();
  }
}

/** Digests included, so that nothing tells but what comes of it. */
async function forgeVersionOf(key: string, mspId: string): Promise<void> {
  const database = await StateDatabase.open(join(folder.path, mspId, 'state'), mspId);
  const payload = Buffer.concat([encodeVersion(9, 9), Buffer.from('forged')]);
  await database.write([{ key: stateKey(CHAINCODE, key), payload }]);
  await database.close();
}

/** Valid by the blocks, and not by a forged state. */
async function submitJudgedOtherwise(small: SmallNetwork): Promise<void> {
  const version = (await small.peers[2]?.transaction(txIds[0] ?? '')) ?? { blockNumber: 0, txNumber: 0 };
  const { txId, envelope } = transaction(network, { reads: [['k0', version]], writes: [['k0', 'second']] });
  await small.orderer.submit(envelope);
  txIds.push(txId);
  while ((await small.peers[2]?.transaction(txId)) === undefined) await new Promise((done) => setTimeout(done, 2));
}

function rebuild(mspId: string): Promise<RebuiltPeer> {
  return rebuildPeer(optionsWithCollections(network, join(folder.path, mspId), mspId));
}

async function findings() {
  const verified = [];
  for (const mspId of ENDORSERS) {
    const options = optionsWithCollections(network, join(folder.path, mspId), mspId);
    verified.push(await verifyPeer(options, { ...options, signatures: network.signatureCache }));
  }
  return [...verified.flatMap((each) => each.findings), ...comparePeers(verified)];
}

describe('two peers with the same change in their states', () => {
  it('are set aside, named by verify, rebuilt one by one, and agree again with the third, private data included', async () => {
    const setAside = await live(async (small) => {
      await submitJudgedOtherwise(small);
      await small.caughtUp();
      for (const key of KEYS) txIds.push(await small.submit(key, `third ${key}`));
      await small.caughtUp();
    });
    expect([...setAside.keys()].sort()).toEqual([A, B].sort());
    expect([...new Set((await findings()).map(({ peer }) => peer))].sort()).toEqual([A, B].sort());
    expect([await rebuild(A), await rebuild(B), await rebuild(C)]).toMatchObject([
      { takenBack: 1, keptIn: expect.stringContaining('damaged-') },
      { takenBack: 1, keptIn: expect.stringContaining('damaged-') },
      { takenBack: 0, keptIn: undefined },
    ]);
    const again = await live(async (small) => {
      await small.settled(txIds);
      await small.reconciled();
      const answers = await Promise.all(small.peers.map((peer) => answersOf(peer, { txIds, keys: KEYS })));
      const [first, ...others] = answers.map(({ secrets: _, ...rest }) => rest);
      expect(others).toEqual([first, first]);
      expect(answers[0]?.secrets).toEqual(KEYS.map((key) => Buffer.from(`third ${key}`).toString('hex')));
      expect(answers[1]?.secrets).toEqual(answers[0]?.secrets);
      for (const peer of small.peers) expect(await peer.privateData?.missing()).toEqual([]);
    });
    expect([...again]).toEqual([]);
    expect(await findings()).toEqual([]);
  });

  it('are set aside again as long as nobody rebuilds them', async () => {
    await live(submitJudgedOtherwise);
    const setAside = await live((small) => small.caughtUp());
    expect([...setAside.keys()].sort()).toEqual([A, B].sort());
  });
});
