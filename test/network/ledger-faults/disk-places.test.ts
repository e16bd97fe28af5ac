import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { comparePeers, verifyPeer } from '../../../network/devledger/store/verify-peer.js';
import { createNetwork, ENDORSERS, type TestNetwork, temporaryFolder } from '../ledger-support.js';
import { IS_FULL } from './fault-runs.js';
import { type Fault, FaultyFiles } from './faulty-files.js';
import { answersOf, SmallNetwork } from './small-network.js';

const [A = ''] = ENDORSERS;
const SIZES = { fileSizeMaxBytes: 12_000 };
const KEYS = ['k0', 'k1', 'k2'];

let network: TestNetwork;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  network = await createNetwork();
  folder = await temporaryFolder();
});
afterAll(async () => {
  await folder.remove();
});

/** Everything that a ledger writes, and how. */
const PLACES: readonly (readonly [path: string, operation: string])[] = [
  ['orderer/pending', 'write'],
  ['orderer/pending', 'create'],
  ['orderer/pending', 'remove'],
  ['orderer/pending', 'sync'],
  ['orderer/blocks', 'write'],
  ['orderer/blocks', 'create'],
  ['orderer/blocks', 'sync'],
  ['orderer/heights', 'write'],
  [`${A}/blocks`, 'write'],
  [`${A}/blocks`, 'create'],
  [`${A}/blocks`, 'sync'],
  [`${A}/state.height`, 'write'],
  [`${A}/state/0`, 'create'],
  [`${A}/state/0`, 'write'],
  [`${A}/state/0`, 'sync'],
  [`${A}/state/0`, 'remove'],
  [`${A}/state/manifest`, 'create'],
  [`${A}/state/manifest`, 'write'],
  [`${A}/state/manifest`, 'rename'],
  [`${A}/state/manifest`, 'sync'],
];
/** `npm test` takes some of them. */
const TAKEN = PLACES.filter((_, index) => IS_FULL || index % 4 === 0);
/** Whatever is not confirmed is believed lost, also when it is for want of room. */
const NEEDS_RESTART = new Set(['orderer/pending sync', 'orderer/blocks sync', `${A}/blocks sync`]);

interface Life {
  readonly directory: string;
  readonly files: FaultyFiles;
  readonly accepted: string[];
  readonly refusals: unknown[];
}

async function work(small: SmallNetwork, life: Life, value: string): Promise<void> {
  const worker = async (key: string) => {
    for (let count = 0; count < 4; count += 1) {
      await small.submit(key, `${value} ${count} `.repeat(200)).then(
        (txId) => life.accepted.push(txId),
        (error: unknown) => life.refusals.push(error),
      );
    }
  };
  await Promise.all(KEYS.map(worker));
}

/** @returns whether the ledger had to be restarted before it took transactions again */
async function faultAt(life: Life, fault: Fault, [path, operation]: readonly [string, string]): Promise<boolean> {
  const { directory, files, accepted } = life;
  const small = await SmallNetwork.open(network, directory, files, SIZES);
  await work(small, life, 'before');
  await small.settled(accepted);
  let hits = 0;
  files.failing((_, done, at) => {
    const isHit = done === operation && at.includes(path);
    if (isHit) hits += 1;
    return isHit ? fault : undefined;
  });
  await work(small, life, 'while');
  files.healthy();
  expect({ path, operation, hits: Math.min(hits, 1) }).toEqual({ path, operation, hits: 1 });
  const marker = await small.submit('marker', 'x').catch(() => undefined);
  if (marker !== undefined) accepted.push(marker);
  if (marker !== undefined && small.setAside.size === 0) await small.settled([marker]);
  const hadTo = marker === undefined || small.setAside.size > 0;
  await small.close();
  return hadTo;
}

async function expectWhole({ directory, accepted }: Life): Promise<void> {
  const small = await SmallNetwork.open(network, directory);
  accepted.push(await small.submit('k0', 'last'));
  await small.settled(accepted);
  await small.reconciled();
  const answers = await Promise.all(small.peers.map((peer) => answersOf(peer, { txIds: accepted, keys: KEYS })));
  const [first, ...others] = answers.map(({ secrets: _, ...rest }) => rest);
  expect([[...small.setAside], others]).toEqual([[], [first, first]]);
  for (const peer of small.peers) expect(await peer.privateData?.missing()).toEqual([]);
  await small.close();
  const verified = [];
  for (const mspId of ENDORSERS) verified.push(await verifyPeer({ mspId, directory: join(directory, mspId) }));
  expect([...verified.flatMap((peer) => peer.findings), ...comparePeers(verified)]).toEqual([]);
}

function newLife(name: string): Life {
  return { directory: join(folder.path, name), files: new FaultyFiles(), accepted: [], refusals: [] };
}

describe('a disk without room', () => {
  it.each(TAKEN)(
    'at %s, %s: refuses with what to do, and goes on by itself where nothing is in doubt',
    async (...place) => {
      const life = newLife(`full ${place.join(' ').replaceAll('/', ' ')}`);
      const hadTo = await faultAt(life, 'full', place);
      for (const refusal of life.refusals) expect(String(refusal)).toMatch(/make room on the disk|restart the ledger/);
      const mayRefuse = NEEDS_RESTART.has(place.join(' '));
      expect({ place, hadTo }).toEqual({ place, hadTo: hadTo && mayRefuse });
      await expectWhole(life);
    },
  );
});

describe('a disk that fails', () => {
  it.each(TAKEN)('at %s, %s: nothing that was accepted is lost, and a restart is all it takes', async (...place) => {
    const life = newLife(`broken ${place.join(' ').replaceAll('/', ' ')}`);
    await faultAt(life, 'broken', place);
    for (const refusal of life.refusals) expect(String(refusal)).toMatch(/restart the ledger/);
    await expectWhole(life);
  });
});

describe('a process that may open no more files', () => {
  it.each(['orderer/pending', 'orderer/blocks', `${A}/blocks`, `${A}/state/0`])(
    'at %s: says so, and goes on by itself',
    async (path) => {
      const life = newLife(`descriptors ${path.replaceAll('/', ' ')}`);
      expect(await faultAt(life, 'no-descriptors', [path, 'create'])).toBe(false);
      for (const refusal of life.refusals) expect(String(refusal)).toMatch(/ulimit -n/);
      await expectWhole(life);
    },
  );
});

describe('a sector that cannot be read any more', () => {
  it.each([
    'orderer/blocks',
    `${A}/blocks`,
    `${A}/state/0`,
    `${A}/state/manifest`,
    `${A}/state.height`,
    'orderer/heights',
  ])('in %s: is healed like any other damage', async (path) => {
    const life = newLife(`sector ${path.replaceAll('/', ' ')}`);
    const first = await SmallNetwork.open(network, life.directory);
    await work(first, life, 'before');
    await first.settled(life.accepted);
    await first.close();
    const file = firstFile(life.directory, path);
    const bad = Math.floor(statSync(file).size / 2);
    life.files.unreadable((at, offset, size) => at === file && offset <= bad && bad < offset + size);
    const small = await SmallNetwork.open(network, life.directory, life.files);
    await small.caughtUp();
    await work(small, life, 'after');
    await small.settled(life.accepted);
    for (const peer of small.peers) await answersOf(peer, { txIds: life.accepted, keys: KEYS }).catch(() => undefined);
    expect([...small.setAside]).toEqual([]);
    await small.close();
    await expectWhole(life);
  });
});

function firstFile(directory: string, path: string): string {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
  const name = names.find((each) => each.startsWith(path) && statSync(join(directory, each)).isFile());
  return join(directory, name ?? '');
}
