import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ErrorCode } from '@medledger/chaincode/domain';
import { MedledgerError } from '../../../gateway/medledger-error.js';
import type { AddedRecords, RecordsToAdd } from '../../../gateway/services/add-records.js';
import { addWithin, openStorageQuota, type StorageQuota } from '../../../gateway/services/storage-quota.js';
import { startTestApp } from '../app/test-app.js';

const LIMITS = { sizeBytesMax: 100, recordsMax: 3 };
const ADDED: AddedRecords = { transactionId: 'tx', blockNumber: 1, records: [] };

let folder: string;
let quota: StorageQuota;
const open = (limits = LIMITS) => openStorageQuota(join(folder, 'quota.sqlite'), limits);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quota-'));
  quota = open();
});
afterEach(() => {
  quota.close();
  rmSync(folder, { recursive: true, force: true });
});

function recordsOf(memberId: string, ...sizesBytes: readonly number[]): RecordsToAdd {
  const records = sizesBytes.map((sizeBytes) => ({ content: new Uint8Array(sizeBytes) }));
  return { identity: { memberId }, records } as unknown as RecordsToAdd;
}
const add = (input: RecordsToAdd, answer: () => Promise<AddedRecords> = async () => ADDED) =>
  addWithin(quota, answer)(input);
const failing = (code: ErrorCode) => () => Promise.reject(new MedledgerError(code));

describe('the quota of a member', () => {
  it.each([
    { name: 'bytes at the limit', sizes: [60, 40], fits: true },
    { name: 'one byte more', sizes: [60, 41], fits: false },
    { name: 'records at the limit', sizes: [0, 0, 0], fits: true },
    { name: 'one record more', sizes: [0, 0, 0, 0], fits: false },
  ])('$name: $fits', async ({ sizes, fits }) => {
    const [first = 0, ...rest] = sizes;
    await add(recordsOf('m-1', first));
    const more = add(recordsOf('m-1', ...rest));
    if (fits) await more;
    else await expect(more).rejects.toMatchObject({ code: 'QUOTA_EXCEEDED' });
    expect(quota.usedBy('m-1').records).toBe(fits ? sizes.length : 1);
  });

  it('is refused before anything is stored, and names limits and use', async () => {
    await add(recordsOf('m-1', 90));
    let isCalled = false;
    const refused = add(recordsOf('m-1', 11), async () => {
      isCalled = true;
      return ADDED;
    });
    const told = { sizeBytesMax: 100, sizeBytesUsed: 90, recordsMax: 3, recordsUsed: 1 };
    await expect(refused).rejects.toMatchObject({ extra: { quota: told } });
    expect(isCalled).toBe(false);
  });

  it('is each member’s own', async () => {
    await add(recordsOf('m-1', 100));
    await add(recordsOf('m-2', 100));
    expect([quota.usedBy('m-1'), quota.usedBy('m-2')]).toEqual(Array(2).fill({ sizeBytes: 100, records: 1 }));
  });

  it('holds for additions at once', async () => {
    const all = await Promise.allSettled(Array.from({ length: 9 }, () => add(recordsOf('m-1', 30))));
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    expect(quota.usedBy('m-1')).toEqual({ sizeBytes: 90, records: 3 });
  });

  it.each([
    { name: 'a refusal', answer: failing('NO_GRANT'), counted: 0 },
    { name: 'custodians that are away', answer: failing('CUSTODIANS_UNAVAILABLE'), counted: 0 },
    { name: 'an unknown outcome', answer: failing('OUTCOME_UNKNOWN'), counted: 10 },
    { name: 'what an earlier try had added', answer: async () => ({ transactionId: 'tx', records: [] }), counted: 0 },
  ])('after $name counts $counted bytes', async ({ answer, counted }) => {
    await add(recordsOf('m-1', 10), answer).catch(() => undefined);
    expect(quota.usedBy('m-1').sizeBytes).toBe(counted);
  });

  it('counts what a crash cut short, and holds across a restart', async () => {
    void add(recordsOf('m-1', 60), () => new Promise(() => undefined));
    quota.close();
    quota = open();
    await expect(add(recordsOf('m-1', 41))).rejects.toMatchObject({ code: 'QUOTA_EXCEEDED' });
    quota.close();
    quota = open({ ...LIMITS, sizeBytesMax: 101 });
    await add(recordsOf('m-1', 41));
    expect(quota.usedBy('m-1')).toEqual({ sizeBytes: 101, records: 2 });
  });
});

it('is told with limits and use, and the key may be used again', async () => {
  const { app, services, headers, patientId } = await startTestApp();
  const quotaSaid = { sizeBytesMax: 100, sizeBytesUsed: 90, recordsMax: 3, recordsUsed: 1 };
  services.failNext('addRecord', new MedledgerError('QUOTA_EXCEEDED', undefined, { extra: { quota: quotaSaid } }));
  const send = () =>
    app.inject({
      method: 'POST',
      url: `/v1/patients/${patientId}/records`,
      headers: { ...headers, 'content-type': 'text/plain', 'idempotency-key': 'k' },
      payload: 'x',
    });
  const refused = await send();
  expect(refused.json()).toMatchObject({ status: 507, code: 'QUOTA_EXCEEDED', quota: quotaSaid });
  expect(refused.headers).toMatchObject({ 'x-quota-bytes-limit': '100', 'x-quota-records-used': '1' });
  expect((await send()).statusCode).toBe(201);
  await app.close();
});
