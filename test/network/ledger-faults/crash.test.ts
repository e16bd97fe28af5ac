import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { StateDatabase } from '../../../network/devledger/store/state-database.js';
import { verifyPeer } from '../../../network/devledger/store/verify-peer.js';
import { createNetwork, ENDORSERS, type TestNetwork, temporaryFolder } from '../ledger-support.js';
import { faultRuns, faultTimeoutMs, seededRandom } from './fault-runs.js';
import { FaultyFiles } from './faulty-files.js';
import { SmallNetwork } from './small-network.js';

const RUNS = faultRuns(200);
const COUNTER = Buffer.from('counter');

let network: TestNetwork;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  network = await createNetwork();
  folder = await temporaryFolder();
});
afterAll(async () => {
  await folder.remove();
});

/** Batches of rows until the process is gone; each batch also counts itself. @returns batches that were flushed */
async function writeUntilGone(directory: string, files: FaultyFiles, from: number): Promise<number> {
  let flushed = from;
  const database = await StateDatabase.open(directory, 'HospitalAMSP', { files, memtableMaxBytes: 4000 });
  try {
    for (let batch = from + 1; batch <= from + 60; batch += 1) {
      await database.write([{ key: COUNTER, payload: Buffer.from(`${batch}`) }, ...rowsOf(batch)]);
      if (batch % 7 !== 0) continue;
      await database.flush();
      flushed = batch;
    }
  } catch (error) {
    if (!files.isGone) throw error;
  } finally {
    await database.close();
  }
  return flushed;
}

function rowsOf(batch: number) {
  const random = seededRandom(batch);
  return Array.from({ length: 4 }, () => {
    const key = Buffer.from(`k${Math.floor(random() * 30)}`);
    return { key, payload: random() < 0.2 ? undefined : Buffer.from(`${batch} `.repeat(40)) };
  });
}

function modelAfter(batches: number): Map<string, string> {
  const model = new Map<string, string>();
  for (let batch = 1; batch <= batches; batch += 1) {
    for (const { key, payload } of rowsOf(batch)) {
      if (payload === undefined) model.delete(key.toString());
      else model.set(key.toString(), payload.toString());
    }
  }
  return model;
}

it(
  'a database whose process goes at any moment is what it was after some batch, and none that was flushed is lost',
  async () => {
    const random = seededRandom(1);
    for (let run = 0; run < RUNS; run += 1) {
      const directory = join(folder.path, `database${run}`);
      let batches = 0;
      for (let life = 0; life < 4; life += 1) {
        const goneAt = 2 + Math.floor(random() * 90);
        const files = new FaultyFiles().failing((change) => (change === goneAt ? 'crash' : undefined));
        const flushed = await writeUntilGone(directory, files, batches).catch(() => batches);
        const database = await StateDatabase.open(directory, 'HospitalAMSP');
        batches = Number(database.get(COUNTER)?.toString() ?? 0);
        expect(batches).toBeGreaterThanOrEqual(flushed);
        const rows = new Map<string, string>();
        for await (const { key, payload } of database.rows({ gte: Buffer.from('k'), lt: Buffer.from('l') })) {
          rows.set(key.toString(), payload.toString());
        }
        expect(rows).toEqual(modelAfter(batches));
        expect(await database.damagedParts()).toEqual([]);
        await database.close();
      }
    }
  },
  faultTimeoutMs(RUNS),
);

async function submitUntilGone(directory: string, files: FaultyFiles, life: number): Promise<string[]> {
  const accepted: string[] = [];
  const small = await SmallNetwork.open(network, directory, files).catch(() => undefined);
  if (small === undefined) return accepted;
  const work = async (worker: number) => {
    for (let count = 0; count < 12 && !files.isGone; count += 1) {
      accepted.push(await small.submit(`k${worker}`, `${life} ${count}`));
    }
  };
  await Promise.allSettled([0, 1, 2].map(work));
  await small.close().catch(() => undefined);
  return accepted;
}

it(
  'a ledger whose process goes at any moment starts by itself, with every accepted transaction and no finding',
  async () => {
    const random = seededRandom(2);
    for (let run = 0; run < RUNS; run += 1) {
      const directory = join(folder.path, `ledger${run}`);
      const accepted: string[] = [];
      for (let life = 0; life < 2; life += 1) {
        const goneAt = 2 + Math.floor(random() * 160);
        const files = new FaultyFiles().failing((change) => (change === goneAt ? 'crash' : undefined));
        accepted.push(...(await submitUntilGone(directory, files, life)));
      }
      const small = await SmallNetwork.open(network, directory);
      accepted.push(await small.submit('marker', 'x'));
      await small.settled(accepted);
      expect({ run, said: small.said }).toEqual({ run, said: [] });
      const tips = small.peers.map((peer) => Buffer.from(peer.commitHash()).toString('hex'));
      expect(new Set(tips).size).toBe(1);
      await small.reconciled();
      for (const peer of small.peers) expect(await peer.privateData?.missing()).toEqual([]);
      await small.close();
      for (const mspId of ENDORSERS) {
        const { findings } = await verifyPeer({ mspId, directory: join(directory, mspId) });
        expect({ run, findings }).toEqual({ run, findings: [] });
      }
    }
  },
  faultTimeoutMs(RUNS),
);
