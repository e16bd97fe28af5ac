import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { comparePeers, verifyPeer } from '../../../network/devledger/store/verify-peer.js';
import { optionsWithCollections } from '../ledger-private.js';
import { createNetwork, ENDORSERS, type TestNetwork, temporaryFolder } from '../ledger-support.js';
import { answersOf, SmallNetwork } from './small-network.js';

const [A = '', B = '', C = ''] = ENDORSERS;
const ORDERER = 'orderer';
const KEYS = ['k0', 'k1', 'k2'];

let network: TestNetwork;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let earlier: string;
let latest: string;
let now: string;
const txIds: string[] = [];
let answers: readonly { readonly secrets: readonly string[] }[];

beforeAll(async () => {
  network = await createNetwork();
  folder = await temporaryFolder();
  [earlier, latest, now] = [join(folder.path, 'earlier'), join(folder.path, 'latest'), join(folder.path, 'now')];
  await liveOn(latest, 'first');
  cpSync(latest, earlier, { recursive: true });
  await liveOn(latest, 'second');
});
afterAll(async () => {
  await folder.remove();
});
beforeEach(() => {
  rmSync(now, { recursive: true, force: true });
  cpSync(latest, now, { recursive: true });
});

async function liveOn(directory: string, value: string): Promise<void> {
  const small = await SmallNetwork.open(network, directory);
  for (const key of KEYS) txIds.push(await small.submit(key, value));
  await small.settled(txIds);
  answers = await answersNow(small);
  await small.close();
}

function answersNow({ peers }: SmallNetwork) {
  return Promise.all(peers.map((peer) => answersOf(peer, { txIds, keys: KEYS })));
}

function gone(...paths: string[]): void {
  for (const path of paths) rmSync(join(now, path), { recursive: true });
}

/** Brought back from a copy that was taken before the last blocks. */
function asEarlier(...paths: string[]): void {
  for (const path of paths) {
    rmSync(join(now, path), { recursive: true });
    cpSync(join(earlier, path), join(now, path), { recursive: true });
  }
}

const CASES: readonly { readonly name: string; readonly spoil: () => void; readonly isPrivateLost?: true }[] = [
  { name: 'the orderer has nothing', spoil: () => gone(ORDERER) },
  { name: 'the orderer has no blocks', spoil: () => gone(`${ORDERER}/blocks`) },
  { name: 'the orderer has no list of what was accepted', spoil: () => gone(`${ORDERER}/pending`) },
  { name: 'the orderer does not know how far it was', spoil: () => gone(`${ORDERER}/heights`) },
  { name: 'the orderer is behind its peers', spoil: () => asEarlier(ORDERER) },
  { name: 'the orderer’s blocks are behind', spoil: () => asEarlier(`${ORDERER}/blocks`) },
  {
    name: 'the orderer’s blocks are behind, and so is its height',
    spoil: () => asEarlier(`${ORDERER}/blocks`, `${ORDERER}/heights`),
  },
  { name: 'one peer is behind', spoil: () => asEarlier(A) },
  { name: 'one peer has nothing', spoil: () => gone(A) },
  { name: 'one peer has no blocks', spoil: () => gone(`${A}/blocks`) },
  { name: 'one peer has no state', spoil: () => gone(`${A}/state`) },
  { name: 'one peer’s state is behind its blocks', spoil: () => asEarlier(`${A}/state`) },
  { name: 'one peer’s state is ahead of its blocks', spoil: () => asEarlier(`${A}/blocks`) },
  {
    name: 'one peer’s state is ahead of its blocks, which does not know how many there were',
    spoil: () => {
      asEarlier(`${A}/blocks`);
      gone(`${A}/state.height`);
    },
  },
  { name: 'all peers are behind', spoil: () => asEarlier(A, B, C), isPrivateLost: true },
  {
    name: 'all peers’ states are gone',
    spoil: () => gone(`${A}/state`, `${B}/state`, `${C}/state`),
    isPrivateLost: true,
  },
  { name: 'all peers’ blocks are gone', spoil: () => gone(`${A}/blocks`, `${B}/blocks`, `${C}/blocks`) },
  { name: 'all peers’ blocks are behind', spoil: () => asEarlier(`${A}/blocks`, `${B}/blocks`, `${C}/blocks`) },
  { name: 'all peers have nothing', spoil: () => gone(A, B, C), isPrivateLost: true },
  { name: 'only one peer has anything', spoil: () => gone(ORDERER, B, C) },
  {
    name: 'the orderer has nothing, and two peers are behind the third',
    spoil: () => {
      gone(ORDERER);
      asEarlier(B, C);
    },
  },
  {
    name: 'the orderer is behind, one peer too, one has nothing',
    spoil: () => {
      asEarlier(ORDERER, B);
      gone(C);
    },
  },
];

it.each(CASES)('$name: at the next start all are where the furthest was', async ({ spoil, isPrivateLost }) => {
  spoil();
  const small = await SmallNetwork.open(network, now);
  try {
    await small.caughtUp();
    await small.settled(txIds);
    await small.reconciled();
    expect([...small.setAside]).toEqual([]);
    const found = await answersNow(small);
    if (isPrivateLost === true) expect(found.map(publicOnly)).toEqual(answers.map(publicOnly));
    else {
      expect(found).toEqual(answers);
      for (const peer of small.peers) expect(await peer.privateData?.missing()).toEqual([]);
    }
    const more = await small.submit('k3', 'further');
    await small.settled([more]);
  } finally {
    await small.close();
  }
  const verified = [];
  for (const mspId of ENDORSERS) {
    const options = optionsWithCollections(network, join(now, mspId), mspId);
    verified.push(await verifyPeer(options, { ...options, signatures: network.signatureCache }));
  }
  expect([...verified.flatMap(({ findings }) => findings), ...comparePeers(verified)]).toEqual([]);
});

function publicOnly<Answers extends { readonly secrets: unknown }>({ secrets: _, ...rest }: Answers) {
  return rest;
}
