import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createNetwork, type TestNetwork, temporaryFolder } from '../ledger-support.js';
import { faultRuns, faultTimeoutMs, seededRandom } from './fault-runs.js';
import { answersOf, SmallNetwork } from './small-network.js';

const RUNS = faultRuns(1000);
/** What cannot be made again from anything: then it stops, and says what may be lost. */
const STOPS = /The orderer's list of accepted transactions is damaged/;

let network: TestNetwork;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let original: string;
let answers: readonly unknown[];
const txIds: string[] = [];
const keys = Array.from({ length: 12 }, (_, index) => `k${index}`);

beforeAll(async () => {
  network = await createNetwork();
  folder = await temporaryFolder();
  original = join(folder.path, 'original');
  for (let life = 0; life < 2; life += 1) {
    const small = await SmallNetwork.open(network, original);
    for (const key of keys) txIds.push(await small.submit(key, `${life} `.repeat(300)));
    txIds.push(await small.submit('k3', undefined));
    await small.settled(txIds);
    answers = await Promise.all(small.peers.map((peer) => answersOf(peer, { txIds, keys })));
    await small.close();
  }
});
afterAll(async () => {
  await folder.remove();
});

function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'lock')
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function flip(file: string, random: () => number): string {
  const bytes = readFileSync(file);
  const place = Math.floor(random() * bytes.length);
  const bit = Math.floor(random() * 8);
  bytes.writeUInt8(bytes.readUInt8(place) ^ (1 << bit), place);
  writeFileSync(file, bytes);
  return `byte ${place}, bit ${bit}`;
}

/** Every kind of file in turn, so that the few runs of `npm test` meet each of them. */
function pick(directory: string, run: number): string {
  const kinds = Map.groupBy(filesIn(directory), (file) => file.replaceAll(/\d+/g, '#').replace(directory, ''));
  const kind = [...kinds.keys()].sort()[run % kinds.size] ?? '';
  return kinds.get(kind)?.[0] ?? '';
}

async function answersAfter(directory: string, spoil: () => void, when: 'before' | 'while'): Promise<unknown> {
  if (when === 'before') spoil();
  const small = await SmallNetwork.open(network, directory);
  try {
    await small.caughtUp();
    if (when === 'while') spoil();
    await small.settled(txIds);
    await soundAnswers(() => small.reconciled());
    const found = [];
    for (const peer of small.peers) found.push(await soundAnswers(() => answersOf(peer, { txIds, keys })));
    expect([...small.setAside]).toEqual([]);
    return found;
  } finally {
    await small.close();
  }
}

/** A reader that meets damage is told so, and asks again a moment later. */
async function soundAnswers(read: () => Promise<unknown>): Promise<unknown> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await read();
    } catch (error) {
      const message = error instanceof Error ? error.message : '';
      if (attempt > 50 || !/^STATE_CORRUPT: |makes its state again/.test(message)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

it(
  'whichever bit of whichever file is flipped, every peer gives the right answers, and nobody had to do anything',
  async () => {
    const random = seededRandom(3);
    const directory = join(folder.path, 'spoilt');
    for (let run = 0; run < RUNS; run += 1) {
      rmSync(directory, { recursive: true, force: true });
      cpSync(original, directory, { recursive: true });
      const file = pick(directory, run);
      let place = `${run}: ${relative(directory, file)}`;
      const spoil = () => {
        place += `, ${flip(file, random)}`;
      };
      const found = await answersAfter(directory, spoil, random() < 0.5 ? 'before' : 'while').catch(
        (error: unknown) => {
          if (error instanceof Error && STOPS.test(error.message)) return answers;
          throw new Error(`${place}: ${String(error)}`, { cause: error });
        },
      );
      expect({ place, found }).toEqual({ place, found: answers });
    }
  },
  faultTimeoutMs(RUNS),
);
