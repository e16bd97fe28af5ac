import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { DomainError } from '@medledger/chaincode/domain';
import type { SealedDeposit } from '../../../gateway/custody/deposit.js';
import { type MissedDeposits, openMissedDeposits } from '../../../gateway/services/missed-deposits.js';

let folder: string;
let missed: MissedDeposits;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'missed-'));
  missed = openMissedDeposits(join(folder, 'missed.sqlite'));
});
afterEach(() => {
  missed.close();
  rmSync(folder, { recursive: true, force: true });
});

function depositOf(recordId: string): SealedDeposit {
  const item = { patientId: 'p-1', recordId, version: 1, ciphertextSha256: '0'.repeat(64), sealed: new Uint8Array(49) };
  return { depositor: 'B', enc: new Uint8Array(32), items: [item] };
}

function doorThat(depositShares: (deposit: SealedDeposit) => Promise<void>) {
  const releaseShares = () => Promise.reject(new Error('not asked'));
  return { mspId: 'A', custodianKey: '', depositShares, releaseShares };
}

it('goes on past a deposit that its custodian will never take, and names it', async () => {
  for (const recordId of ['r1', 'r2', 'r3']) missed.keep({ custodian: 'A', deposit: depositOf(recordId) });
  const taken: string[] = [];
  const door = doorThat(async ({ items: [item] }) => {
    if (item?.recordId === 'r1') throw new DomainError('SHARE_CONFLICT', 'another share is held');
    taken.push(String(item?.recordId));
  });
  const { brought, left, refused } = await missed.bring([door]);
  expect({ brought, left, taken }).toEqual({ brought: 2, left: 0, taken: ['r2', 'r3'] });
  expect(refused).toMatchObject([{ custodian: 'A', recordIds: ['r1'] }]);
});

it('keeps everything for a custodian that does not answer', async () => {
  missed.keep({ custodian: 'A', deposit: depositOf('r1') });
  const door = doorThat(() => Promise.reject(new Error('ECONNREFUSED')));
  expect(await missed.bring([door])).toEqual({ brought: 0, left: 1, refused: [] });
});
