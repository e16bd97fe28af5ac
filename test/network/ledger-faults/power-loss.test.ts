import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { DefinitionBook } from '../../../network/devledger/definition/definition-book.js';
import type { SignatureDefinition } from '../../../network/devledger/definition/definition-in-force.js';
import { quorumPolicy } from '../../../network/devledger/definition/policy-expression.js';
import { comparePeers, verifyPeer } from '../../../network/devledger/store/verify-peer.js';
import { createNetwork, ENDORSERS, type TestNetwork, temporaryFolder } from '../ledger-support.js';
import { optionsWithCollections } from '../ledger-private.js';
import { faultRuns, faultTimeoutMs, seededRandom } from './fault-runs.js';
import { PowerLossFiles } from './power-loss-files.js';
import { answersOf, SmallNetwork } from './small-network.js';

const RUNS = faultRuns(200);
/** Of one folder, each time the power is cut once more: also while the ledger recovers from the cut before. */
const CUTS = 3;
const DEPLOYED = 'deployed';
/** So small that files are begun and dropped in between. */
const FILE_SIZE_MAX_BYTES = 40_000;

let network: TestNetwork;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  network = await createNetwork();
  folder = await temporaryFolder();
});
afterAll(async () => {
  await folder.remove();
});

interface Accepted {
  readonly txIds: string[];
  readonly keys: Set<string>;
  /** Of the definition that was put into force last. */
  sequence: number;
}

async function workUntilCut(directory: string, files: PowerLossFiles, accepted: Accepted): Promise<void> {
  const book = DefinitionBook.open(join(directory, 'channel', 'definitions.json'), files.small);
  const definitionsAt = book.listAt.bind(book);
  const options = { fileSizeMaxBytes: FILE_SIZE_MAX_BYTES, definitionsAt };
  const small = await SmallNetwork.open(network, directory, files, options).catch(() => undefined);
  if (small === undefined) return;
  const work = async (worker: number) => {
    for (let count = 0; count < 12 && !files.isGone; count += 1) {
      const key = `k${worker}${count % 4}`;
      // Now and then so much that a segment of the orderer's log is full.
      const value = count % 5 === worker ? 'v'.repeat(30_000) : `${count} `.repeat(50 * worker);
      const txId = count % 7 === 6 ? await small.submit(key, undefined) : await small.submit(key, value);
      accepted.txIds.push(txId);
      accepted.keys.add(key);
    }
  };
  const define = async () => {
    for (let count = 0; count < 4 && !files.isGone; count += 1) {
      await small.submit('between', `${count}`);
      const definition = nextDefinition(book);
      await small.orderer.betweenBlocks((next) => book.add(definition, next));
      accepted.sequence = definition.sequence;
    }
  };
  await Promise.allSettled([...[0, 1, 2].map(work), define()]);
  files.cut();
  await small.close().catch(() => undefined);
}

async function expectWhole(directory: string, accepted: Accepted, run: string): Promise<void> {
  const book = DefinitionBook.open(join(directory, 'channel', 'definitions.json'));
  expect(book.at().get(DEPLOYED)?.sequence ?? 0).toBeGreaterThanOrEqual(accepted.sequence);
  const definitionsAt = book.listAt.bind(book);
  // A disk that need not sync is a fast one.
  const disk = new PowerLossFiles(directory, Number.POSITIVE_INFINITY);
  const small = await SmallNetwork.open(network, directory, disk, { definitionsAt });
  accepted.txIds.push(await small.submit('marker', run));
  await settledSoon(small, accepted.txIds);
  await small.reconciled();
  const keys = [...accepted.keys];
  const answers = await Promise.all(small.peers.map((peer) => answersOf(peer, { ...accepted, keys })));
  const [first, second, third] = answers.map(({ secrets: _, ...rest }) => rest);
  expect({ run, said: small.said, setAside: [...small.setAside] }).toEqual({ run, said: [], setAside: [] });
  expect([second, third]).toEqual([first, first]);
  expect(answers[1]?.secrets).toEqual(answers[0]?.secrets);
  for (const peer of small.peers) expect(await peer.privateData?.missing()).toEqual([]);
  await small.close();
  const verified = [];
  for (const mspId of ENDORSERS) {
    const peer = optionsWithCollections(network, join(directory, mspId), mspId);
    verified.push(await verifyPeer(peer, { ...peer, signatures: network.signatureCache, definitionsAt }));
  }
  const findings = [...verified.flatMap((peer) => peer.findings), ...comparePeers(verified)];
  expect({ run, findings }).toEqual({ run, findings: [] });
}

/** Another version of a chaincode, each time. */
function nextDefinition(book: DefinitionBook): SignatureDefinition {
  const sequence = (book.at().get(DEPLOYED)?.sequence ?? 0) + 1;
  const terms = { name: DEPLOYED, version: `${sequence}.0`, initRequired: false, collections: undefined };
  return { ...terms, sequence, endorsementPolicy: quorumPolicy(ENDORSERS, 2) };
}

/** What is lost never comes: then the test says what, and does not wait for it. */
async function settledSoon(small: SmallNetwork, txIds: readonly string[]): Promise<void> {
  await small.caughtUp();
  const marker = txIds.at(-1) ?? '';
  await small.settled([marker]);
  for (const peer of small.peers) {
    const found = await Promise.all(txIds.map((txId) => peer.transaction(txId)));
    expect({ peer: peer.mspId, lost: found.filter((each) => each === undefined).length }).toEqual({
      peer: peer.mspId,
      lost: 0,
    });
  }
}

it(
  'after a power cut at any moment, whatever was not synced is there or not: nothing accepted is lost, peers agree',
  async () => {
    const failures: string[] = [];
    for (let run = 0; run < RUNS; run += 1) {
      const random = seededRandom(1_000 + run);
      const accepted: Accepted = { txIds: [], keys: new Set(), sequence: 0 };
      let directory = join(folder.path, `run${run}`);
      for (let cut = 0; cut < CUTS; cut += 1) {
        const files = new PowerLossFiles(directory, 2 + Math.floor(random() * 500));
        await workUntilCut(directory, files, accepted);
        const after = `${join(folder.path, `run${run}`)}-${cut}`;
        files.writeAfterCut(after, random);
        rmSync(directory, { recursive: true });
        directory = after;
      }
      await expectWhole(directory, accepted, `run ${run}`).catch((error: unknown) => {
        failures.push(`run ${run}: ${error instanceof Error ? (error.stack ?? '') : String(error)}`);
      });
      rmSync(directory, { recursive: true });
    }
    expect(failures).toEqual([]);
  },
  faultTimeoutMs(RUNS),
);
