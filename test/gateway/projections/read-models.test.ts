import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Projection, startProjection } from '../../../gateway/projections/projection.js';
import { entryWrite, grantWrite, memberWrite, testChain, type TestChain } from './chain-of-blocks.js';

const DAY = Date.UTC(2026, 10, 20);
const record = (index: number) => `${'ab'.repeat(16)}0${index}`;
const permit = (index: number) => ({
  recordId: record(index),
  class: 'Observation',
  outcome: 'permit',
  basis: { kind: 'grant', grantId: `g${'1'.repeat(32)}`, version: 1 },
});
const deny = (index: number, code = 'NO_GRANT') => ({
  recordId: record(index),
  class: 'Condition',
  outcome: 'deny',
  code,
});

let chain: TestChain;
let projection: Projection;
let problems: object[];

beforeEach(() => {
  chain = testChain();
  problems = [];
  const note = (fields: object) => void problems.push(fields);
  const logger = { info: note, warn: note, error: note };
  projection = startProjection({ path: ':memory:', source: chain, logger });
  const doctor = { role: 'doctor', agencyId: 'ward-1', organisation: 'HospitalBMSP' };
  chain.add({ transaction: 'members:bootstrap', writes: [memberWrite('doctor-a', doctor), memberWrite('p-1')] });
});
afterEach(() => projection.stop());

/** One block with one entry of the doctor about p-1. */
function addEntry(sequence: number, outcome: object, options: { timeMs?: number; validationCode?: string } = {}) {
  const { timeMs = DAY, validationCode = 'VALID' } = options;
  const writes = [entryWrite({ patientId: 'p-1', memberId: 'doctor-a', sequence, timeMs, outcome })];
  return chain.add({ transaction: 'access:open', validationCode, writes });
}

async function readAll(limit: number) {
  await projection.awaitBlock(chain.blocks.length - 1);
  const pages = [];
  let cursor: string | undefined;
  do {
    const page = projection.accessLog({ patientId: 'p-1', limit, ...(cursor !== undefined && { cursor }) });
    pages.push(page.items);
    cursor = page.next;
  } while (cursor !== undefined);
  return pages;
}

describe('saidBefore', () => {
  it('shows what was said before a place, newest first, and neither what was said there nor what was read', async () => {
    addEntry(1, { action: 'grant', outcome: 'permit', grantId: `g${'1'.repeat(32)}` });
    addEntry(2, { action: 'open', outcome: 'deny', purpose: 'TREAT', items: [deny(0)] });
    addEntry(3, { action: 'policy', outcome: 'permit' });
    const { number } = addEntry(4, { action: 'policy', outcome: 'permit' });
    await projection.awaitBlock(number);
    const said = (index: number) => projection.saidBefore('p-1', { blockNumber: number, index });
    const actions = (index: number) => said(index).map(({ outcome }) => outcome.action);
    expect([actions(0), actions(1)]).toEqual([
      ['policy', 'grant'],
      ['policy', 'policy', 'grant'],
    ]);
    expect(said(0)[0]?.transactionId).toBe(chain.blocks[3]?.transactions[0]?.txId);
    expect(projection.saidBefore('p-2', { blockNumber: number, index: 1 })).toEqual([]);
  });
});

describe('accessLog', () => {
  it('shows who did what, with the block the chain put it in', async () => {
    const { transactions } = addEntry(3, {
      action: 'open',
      outcome: 'permit',
      purpose: 'TREAT',
      items: [permit(0), permit(1)],
    });
    const [[item] = []] = await readAll(10);
    expect(item).toEqual({
      timeMs: DAY,
      action: 'open',
      actor: {
        memberId: 'doctor-a',
        role: 'doctor',
        agencyId: 'ward-1',
        organisation: 'HospitalBMSP',
        keyCustody: 'wallet',
      },
      recordIds: [record(0), record(1)],
      purpose: 'TREAT',
      outcome: 'permit',
      basis: permit(0).basis,
      transactionId: transactions[0]?.txId,
      blockNumber: 1,
      sequence: 3,
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  it.each([1, 2, 3, 100])('gives every line once, newest first, in pages of %d', async (limit) => {
    addEntry(0, { action: 'open', outcome: 'permit', items: [permit(0), deny(1), deny(2, 'GRANT_ENDED')] });
    addEntry(1, { action: 'open', outcome: 'deny', code: 'NO_GRANT', items: [deny(3)] });
    addEntry(2, { action: 'open', outcome: 'permit', items: [permit(4), deny(5)] });
    const pages = await readAll(limit);
    expect(pages.flat().map(({ recordIds }) => recordIds[0])).toEqual([4, 5, 3, 0, 1, 2].map(record));
    expect(pages.every((page) => page.length <= limit && page.length > 0)).toBe(true);
  });

  it('stays put on later pages while new entries come in', async () => {
    for (let sequence = 0; sequence < 4; sequence += 1)
      addEntry(sequence, { action: 'open', outcome: 'permit', items: [permit(0)] });
    await projection.awaitBlock(4);
    const first = projection.accessLog({ patientId: 'p-1', limit: 2 });
    await projection.awaitBlock(addEntry(4, { action: 'open', outcome: 'permit', items: [permit(1)] }).number);
    const second = projection.accessLog({ patientId: 'p-1', limit: 2, cursor: first.next ?? '' });
    expect([...first.items, ...second.items].map(({ sequence }) => sequence)).toEqual([3, 2, 1, 0]);
    expect(second).not.toHaveProperty('next');
  });
});

describe('what the access log holds', () => {
  it('keeps patients apart, and leaves out what is not valid', async () => {
    addEntry(0, { action: 'open', outcome: 'permit', items: [permit(0)] }, { validationCode: 'MVCC_READ_CONFLICT' });
    const other = entryWrite({
      patientId: 'p-2',
      memberId: 'doctor-a',
      outcome: { action: 'register', outcome: 'permit' },
    });
    chain.add({ writes: [other] });
    expect(await readAll(10)).toEqual([[]]);
    expect(projection.accessLog({ patientId: 'p-2', limit: 10 }).items).toHaveLength(1);
  });

  it('shows an actor as it was then', async () => {
    addEntry(0, { action: 'register', outcome: 'permit' });
    chain.add({ writes: [memberWrite('doctor-a', { role: 'auditor' })] });
    addEntry(1, { action: 'register', outcome: 'permit' });
    const [items = []] = await readAll(10);
    expect(items.map(({ actor }) => actor.role)).toEqual(['auditor', 'doctor']);
  });

  it.each(['', 'log-1-2', 'log-1-2-x', 'block-1', 'log--1-2-3', 'log-1-2-3-4'])('takes no cursor %j', (cursor) => {
    expect(() => projection.accessLog({ patientId: 'p-1', limit: 1, cursor })).toThrow('/cursor');
  });
});

describe('activity', () => {
  it('counts per day and class', async () => {
    const sets = [{ setId: 'ab'.repeat(16), classes: ['Observation', 'Observation', 'Condition'] }];
    addEntry(0, { action: 'add', outcome: 'permit', sets });
    addEntry(1, { action: 'add', outcome: 'deny', code: 'NO_GRANT' });
    addEntry(2, { action: 'open', outcome: 'permit', items: [permit(0), deny(1), { ...deny(2), class: undefined }] });
    addEntry(3, { action: 'open', outcome: 'permit', items: [permit(0)] }, { timeMs: DAY + 24 * 3600 * 1000 });
    addEntry(4, { action: 'read-log', outcome: 'permit' });
    await projection.awaitBlock(5);
    const none = { records: 0, openings: 0, refusals: 0, grants: 0 };
    expect(projection.activity({ fromMs: DAY, toMs: DAY + 1 })).toEqual([
      { ...none, day: '2026-11-20', class: '-', refusals: 2 },
      { ...none, day: '2026-11-20', class: 'Condition', records: 1, refusals: 1 },
      { ...none, day: '2026-11-20', class: 'Observation', records: 2, openings: 1 },
    ]);
    const nextDay = { fromMs: DAY + 24 * 3600 * 1000, toMs: DAY + 48 * 3600 * 1000 };
    expect(projection.activity(nextDay)).toEqual([{ ...none, day: '2026-11-21', class: 'Observation', openings: 1 }]);
  });

  it('counts a grant for the classes it names, or for every class', async () => {
    const entry = (sequence: number, action: string) =>
      entryWrite({ patientId: 'p-1', memberId: 'p-1', sequence, outcome: { action, outcome: 'permit' } });
    chain.add({ writes: [entry(0, 'grant'), grantWrite('p-1', ['Observation', 'Condition'])] });
    chain.add({ writes: [entry(1, 'approve'), grantWrite('p-1')] });
    chain.add({ writes: [entry(2, 'revoke'), grantWrite('p-1')] });
    await projection.awaitBlock(3);
    const counted = projection.activity({ fromMs: DAY, toMs: DAY + 1 }).map((row) => [row.class, row.grants]);
    expect(counted).toEqual([
      ['*', 1],
      ['Condition', 1],
      ['Observation', 1],
    ]);
  });
});

describe('explorer', () => {
  it('shows blocks newest first, with Fabric’s code of every transaction', async () => {
    addEntry(0, { action: 'register', outcome: 'permit' }, { validationCode: 'PHANTOM_READ_CONFLICT' });
    chain.add();
    await projection.awaitBlock(2);
    const first = projection.blocks({ limit: 2 });
    expect(first.items.map(({ number }) => number)).toEqual([2, 1]);
    expect(first.items[0]).not.toHaveProperty('timeMs');
    expect(first.items[1]).toMatchObject({
      hash: chain.blocks[1]?.headerHash,
      previousHash: chain.blocks[0]?.headerHash,
      timeMs: DAY + 1,
      transactions: [
        {
          validationCode: 'PHANTOM_READ_CONFLICT',
          transaction: 'access:open',
          creator: { organisation: 'HospitalAMSP', memberId: 'doctor-a' },
          endorsers: ['HospitalAMSP', 'GovernmentMSP'],
        },
      ],
    });
    const rest = projection.blocks({ limit: 2, cursor: first.next ?? '' });
    expect(rest.items.map(({ number }) => number)).toEqual([0]);
    expect(rest).not.toHaveProperty('next');
    expect(projection.block(3)).toBeUndefined();
  });

  it('finds the valid one of two transactions with one id', async () => {
    const txId = '77'.repeat(32);
    chain.add({ txId, validationCode: 'DUPLICATE_TXID' }, { txId }, { txId, validationCode: 'DUPLICATE_TXID' });
    await projection.awaitBlock(1);
    expect(projection.transaction(txId)).toMatchObject({ index: 1, validationCode: 'VALID' });
    expect(projection.blockNumberOf(txId)).toBe(1);
    expect(projection.transaction('88'.repeat(32))).toBeUndefined();
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, -1, 1e300])(
    'shows a transaction that claims the time %d',
    async (timestampMs) => {
      chain.add({ timestampMs });
      await projection.awaitBlock(1);
      const { timeMs = Number.NaN } = projection.block(1) ?? {};
      expect(() => new Date(timeMs).toISOString()).not.toThrow();
    },
  );
});

describe('a write that is not what its key promises', () => {
  const withOutcome = (outcome: object | null) =>
    entryWrite({ patientId: 'p-1', memberId: 'doctor-a', outcome: outcome as object });
  const good = entryWrite({
    patientId: 'p-1',
    memberId: 'doctor-a',
    outcome: { action: 'register', outcome: 'permit' },
  });

  it.each([
    { name: 'no JSON', write: { ...good, value: '{' } },
    { name: 'an entry of another lane', write: { ...good, key: good.key.replace('p-1', 'p-2') } },
    { name: 'an outcome that is none', write: withOutcome(null) },
    { name: 'an unknown action', write: withOutcome({ action: 'erase', outcome: 'permit' }) },
    { name: 'sets that are no list', write: withOutcome({ action: 'add', outcome: 'permit', sets: 5 }) },
    { name: 'items that are none', write: withOutcome({ action: 'open', outcome: 'permit', items: [null] }) },
    { name: 'a member of another name', write: { ...memberWrite('p-3'), key: 'member~p-4' } },
    { name: 'a grant without a statement', write: { ...grantWrite('p-1'), value: '{}' } },
  ])('is noted and passed over: $name', async ({ write }) => {
    chain.add({ writes: [write] });
    const next = addEntry(9, { action: 'register', outcome: 'permit' });
    await projection.awaitBlock(next.number);
    expect(problems).toMatchObject([{ blockNumber: 1, key: write.key }]);
    expect((await readAll(10)).flat().map(({ sequence }) => sequence)).toEqual([9]);
  });
});
