import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { StateDatabase } from '../../../network/devledger/store/state-database.js';
import { planMerge } from '../../../network/devledger/store/tables/table-merge.js';
import { temporaryFolder } from '../ledger-support.js';

const MIB = 1024 * 1024;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(async () => {
  await folder.remove();
});

describe('planMerge', () => {
  it.each([
    { name: 'too few', sizes: [MIB, MIB, MIB], plan: undefined },
    { name: 'four of a size', sizes: [MIB, MIB, MIB, MIB], plan: { first: 0, count: 4 } },
    { name: 'small ones count as of a size', sizes: [1, 900, 30_000, MIB, 40 * MIB], plan: { first: 0, count: 4 } },
    { name: 'a large one behind small ones stays', sizes: [MIB, MIB, MIB, 4 * MIB, 4 * MIB], plan: undefined },
    {
      name: 'four large ones behind a small one',
      sizes: [MIB, 9 * MIB, 9 * MIB, 9 * MIB, 9 * MIB],
      plan: { first: 1, count: 4 },
    },
    {
      name: 'what was not merged in time goes along',
      sizes: [MIB, MIB, MIB, MIB, MIB, MIB],
      plan: { first: 0, count: 6 },
    },
  ])('$name', ({ sizes, plan }) => {
    expect(planMerge(sizes)).toEqual(plan);
  });

  it('keeps the number of tables small however many are written', () => {
    let sizes: number[] = [];
    let most = 0;
    for (let table = 0; table < 4000; table += 1) {
      sizes = [2 * MIB, ...sizes];
      for (let plan = planMerge(sizes); plan !== undefined; plan = planMerge(sizes)) {
        const merged = sizes.slice(plan.first, plan.first + plan.count).reduce((total, size) => total + size, 0);
        sizes.splice(plan.first, plan.count, merged);
      }
      most = Math.max(most, sizes.length);
    }
    expect(most).toBeLessThanOrEqual(20);
  });
});

it('a deleted key stays deleted while an older table still holds it', async () => {
  const open = () => StateDatabase.open(folder.path, 'HospitalAMSP');
  let database = await open();
  const large = Array.from({ length: 40 }, (_, index) => ({
    key: Buffer.from(`k${index}`),
    payload: Buffer.alloc(MIB / 8, index),
  }));
  await database.write(large);
  await database.flush();
  for (const key of ['k1', 'k2', 'k3', 'k4', 'k5']) {
    await database.write([{ key: Buffer.from(key), payload: undefined }]);
    await database.flush();
  }
  await database.close();
  // Opening merges the small tables, and not the large one below them.
  database = await open();
  await new Promise((resolve) => setTimeout(resolve, 200));
  await database.close();
  database = await open();
  const keys: string[] = [];
  for await (const { key } of database.rows({ gte: Buffer.from('k') })) keys.push(key.toString());
  expect(keys.filter((key) => /^k[1-5]$/.test(key))).toEqual([]);
  expect([keys.length, database.get(Buffer.from('k3'))]).toEqual([35, undefined]);
  await database.close();
});
