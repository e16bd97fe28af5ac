import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { StateWrite } from '../../../network/devledger/store/state-store.js';
import { ReplayedState } from '../../../network/devledger/store/replayed-state.js';
import { rebuildPeer } from '../../../network/devledger/store/rebuild-peer.js';
import { verifyPeer } from '../../../network/devledger/store/verify-peer.js';
import { readPeerState } from '../../../network/devledger/store/read-peer.js';
import { CHAINCODE, createNetwork, peerOptions, type TestNetwork, temporaryFolder } from '../ledger-support.js';
import { openTestPeer, type TransactionSpec } from '../ledger-transactions.js';

let network: TestNetwork;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let runs = 0;

beforeAll(async () => {
  network = await createNetwork();
  folder = await temporaryFolder();
});
afterAll(async () => {
  await folder.remove();
});

const key = fc.constantFrom('a', 'b', 'b\u0000c', '\u{e000}', '\u{10000}');
const version = fc.record({ blockNumber: fc.integer({ min: 0, max: 4 }), txNumber: fc.integer({ min: 0, max: 2 }) });
const spec: fc.Arbitrary<TransactionSpec> = fc.record({
  reads: fc.array(fc.oneof(fc.tuple(key), fc.tuple(key, version)), { maxLength: 1 }) as fc.Arbitrary<
    NonNullable<TransactionSpec['reads']>
  >,
  writes: fc.array(fc.tuple(key, fc.option(fc.constantFrom('1', '2'), { nil: undefined })), { maxLength: 3 }),
  ranges: fc.array(fc.constant({ start: 'a', end: '\u{10ffff}', reads: [] }), { maxLength: 1 }),
});
const blocks = fc.array(fc.array(spec, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 5 });

async function liveRows(mspId: string, directory: string): Promise<string[]> {
  const rows: string[] = [];
  for await (const row of readPeerState({ mspId, directory })) {
    rows.push(JSON.stringify([row.namespace, row.key, Buffer.from(row.value).toString('hex'), row.version]));
  }
  return rows;
}

it('whatever is committed: live state = state replayed from the blocks = state judged anew, on every peer', async () => {
  await fc.assert(
    fc.asyncProperty(blocks, async (rounds) => {
      runs += 1;
      const directory = join(folder.path, `run${runs}`);
      const peer = await openTestPeer(network, directory);
      for (const round of rounds) await peer.commit(...round);
      const commitHash = Buffer.from(peer.ledger.commitHash()).toString('hex');
      await peer.close();
      const { signatureCache, ...options } = peerOptions(network, directory);
      const { findings } = await verifyPeer(options, { ...options, signatures: signatureCache });
      expect(findings).toEqual([]);
      const live = await liveRows('HospitalAMSP', directory);
      await rebuildPeer(peerOptions(network, directory));
      expect(await liveRows('HospitalAMSP', directory)).toEqual(live);
      const again = await openTestPeer(network, directory);
      expect(Buffer.from(again.ledger.commitHash()).toString('hex')).toBe(commitHash);
      await again.close();
    }),
    { numRuns: 25 },
  );
});

interface Range {
  readonly start: string;
  readonly end: string;
  readonly includeEnd: boolean;
}

function byBytes(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

function inside(keys: Iterable<string>, { start, end, includeEnd }: Range): string[] {
  const limit = includeEnd ? 1 : 0;
  return [...keys]
    .filter((name) => byBytes(name, start) >= 0 && (end === '' || byBytes(name, end) < limit))
    .sort(byBytes);
}

function stateWrite(written: string, deleted: boolean): StateWrite {
  const value = deleted ? undefined : Buffer.from('v');
  return { namespace: CHAINCODE, key: written, value, version: { blockNumber: 1, txNumber: 0 } };
}

async function scan(state: ReplayedState, { start, end, includeEnd }: Range): Promise<string[]> {
  const keys: string[] = [];
  for await (const row of state.rangeVersions(CHAINCODE, start, end, includeEnd)) keys.push(row.key);
  return keys;
}

it('ranges of the replayed state are those of a sorted list, whatever was written and deleted before', async () => {
  const name = fc.string({ unit: 'binary', maxLength: 2 });
  const parts = fc.array(fc.array(fc.tuple(name, fc.boolean()), { maxLength: 30 }), { maxLength: 3 });
  const range = fc.record({ start: name, end: name, includeEnd: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(parts, range, async (rounds, asked) => {
      const state = new ReplayedState();
      const expected = new Set<string>();
      for (const round of rounds) {
        for (const [written, deleted] of round) {
          state.apply([stateWrite(written, deleted)]);
          if (deleted) expected.delete(written);
          else expected.add(written);
        }
        expect(await scan(state, asked)).toEqual(inside(expected, asked));
      }
    }),
  );
});
