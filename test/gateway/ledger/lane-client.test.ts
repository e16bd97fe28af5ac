import { NO_PATIENT, type PatientId, type Purpose, type RecordId, firstHead, tipOf } from '@medledger/chaincode/domain';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createLedgerChain, type LedgerChain } from '../../../gateway/ledger/chain.js';
import type { LaneActor } from '../../../gateway/ledger/lane-client.js';
import { createNonceSolver, type NonceSolver } from '../../../gateway/ledger/nonce-solver.js';
import { untilTrue } from '../../support/eventually.js';
import { LedgerBench } from './ledger-bench.js';
import { GENESIS, laneChaincode, memberOf } from './stub-lanes.js';
import type { StubInvocation } from './stub-chain.js';

const PATIENT = 'p-1' as PatientId;
let bench: LedgerBench;
let chain: LedgerChain;
let solver: NonceSolver;
let actor: LaneActor;
/** What a peer does before the lane rules. */
let before: (invocation: StubInvocation) => void;

beforeEach(async () => {
  before = () => undefined;
  bench = await LedgerBench.start((invocation) => {
    before(invocation);
    return laneChaincode(invocation);
  });
  solver = createNonceSolver({ threads: 1, inlineDifficultyMax: 2 ** 13 });
  chain = newChain();
  actor = { ...bench.identity, ...memberOf(bench.identity.certificatePem) };
});
afterEach(async () => {
  await solver.close();
  await bench.stop();
});

function newChain(): LedgerChain {
  return createLedgerChain({ ledger: bench.open(), solver });
}

function readLog(by: LedgerChain = chain, patientId: PatientId = PATIENT) {
  return by.transact({ identity: actor, name: 'audit:readLog', patientId, business: { patientId } });
}

describe('transact', () => {
  it('extends the lane from the tip it remembers, asking for the head once', async () => {
    const first = await readLog();
    const second = await readLog();
    expect([first, second].map(({ answer }) => answer.entry.sequence)).toEqual([0, 1]);
    expect(second.answer.outcome.action).toBe('read-log');
    expect(bench.peer.calls.evaluate).toBe(1);
  });

  it('lets one transaction of a lane be in flight, and different lanes go together', async () => {
    const all = await Promise.all([readLog(), readLog(), readLog(), readLog(chain, 'p-2' as PatientId)]);
    expect(all.map(({ answer }) => answer.entry.sequence)).toEqual([0, 1, 2, 0]);
    expect(all[3]?.blockNumber).toBe(all[0]?.blockNumber);
    expect(chain.metrics.conflicts).toEqual({ 'stale-head': 0, mvcc: 0, phantom: 0, mismatch: 0 });
  });

  it('goes on after a failure of the one before it', async () => {
    before = ({ name, args }) => {
      if (name === 'audit:readLog' && args[1]?.includes('"sequence":0') && bench.peer.calls.endorse === 1)
        throw new Error('ROLE_NOT_ALLOWED: auditor');
    };
    const [refused, done] = await Promise.allSettled([readLog(), readLog()]);
    expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'ROLE_NOT_ALLOWED' } });
    expect(done).toMatchObject({ status: 'fulfilled', value: { answer: { entry: { sequence: 0 } } } });
  });

  it('solves anew when another gateway was first', async () => {
    const other = newChain();
    await readLog(chain);
    await readLog(other);
    const third = await readLog(chain);
    expect(third.answer.entry.sequence).toBe(2);
    expect(chain.metrics).toMatchObject({ retries: 1, conflicts: { 'stale-head': 1 } });
  });

  it('makes a new transaction when two gateways meet in one block', async () => {
    const chains = [chain, newChain(), newChain()];
    const all = await Promise.all(chains.map((by) => readLog(by)));
    expect(all.map(({ answer }) => answer.entry.sequence).sort()).toEqual([0, 1, 2]);
    expect(chains.reduce((sum, { metrics }) => sum + metrics.retries, 0)).toBeGreaterThan(0);
    expect(bench.chain.transactions.filter(({ code }) => code === 0)).toHaveLength(3);
  });

  it('uses the nonce again while the head is the same', async () => {
    before = ({ name, mspId }) => {
      if (name === 'audit:readLog' && mspId === 'HospitalBMSP' && bench.peer.calls.endorse <= 2)
        throw new Error('STALE_HEAD: this peer lags behind');
    };
    await readLog();
    expect(chain.metrics).toMatchObject({ retries: 2, noncesSolved: 1, conflicts: { 'stale-head': 2 } });
  });
});

describe('transact, at the edges', () => {
  it('gives up in the end: LEDGER_CONFLICT', async () => {
    before = ({ name }) => {
      if (name === 'audit:readLog') throw new Error('STALE_HEAD: always');
    };
    chain = createLedgerChain({ ledger: bench.open(), solver, attemptsMax: 3, backoff: { minMs: 1, maxMs: 2 } });
    await expect(readLog()).rejects.toMatchObject({ code: 'LEDGER_CONFLICT' });
    expect(chain.metrics).toMatchObject({ retries: 2, transactions: 0 });
  });

  it('begins a lane at the tip it is given, without asking', async () => {
    const firstTip = tipOf(firstHead(GENESIS));
    const business = { patientId: PATIENT };
    await chain.transact({ identity: actor, name: 'audit:readLog', patientId: PATIENT, business, firstTip });
    expect(bench.peer.calls.evaluate).toBe(0);
  });

  it('does not solve where the head is refused', async () => {
    before = ({ name }) => {
      if (name === 'audit:head') throw new Error('CALLER_UNKNOWN: m');
    };
    await expect(readLog(chain, NO_PATIENT)).rejects.toMatchObject({ code: 'CALLER_UNKNOWN' });
    expect(chain.metrics.noncesSolved).toBe(0);
  });
});

const record = (index: number) => `${'0'.repeat(30)}${index.toString(16).padStart(4, '0')}` as RecordId;
const open = (recordId: RecordId, purpose = 'TREAT') =>
  chain.open({ identity: actor, patientId: PATIENT, recordId, purpose: purpose as Purpose });

describe('open', () => {
  it('joins 40 openings at once, each with its own decision', async () => {
    const ids = Array.from({ length: 40 }, (_, index) => record(index));
    const opened = await Promise.all(ids.map((recordId) => open(recordId)));
    expect(opened.map(({ item }) => item.recordId)).toEqual(ids);
    expect(opened.every(({ record: found, item }) => found?.recordId === item.recordId)).toBe(true);
    expect(new Set(opened.map(({ transactionId }) => transactionId)).size).toBeLessThanOrEqual(2);
    expect(chain.metrics).toMatchObject({ openings: 40 });
    expect(chain.metrics.openingTransactions).toBeLessThanOrEqual(2);
  });

  it('joins what comes while the lane is busy, and gives each transaction its own key', async () => {
    const first = open(record(1));
    await untilTrue(
      () => bench.peer.calls.endorse,
      (count) => count > 0,
    );
    const rest = await Promise.all([open(record(2)), open(record(3)), open(record(2))]);
    const all = [await first, ...rest];
    const transactions = new Set(all.map(({ transactionId }) => transactionId));
    expect(transactions.size).toBe(2);
    const keys = new Set(all.map(({ oneTimePrivateKey }) => Buffer.from(oneTimePrivateKey).toString('hex')));
    expect(keys.size).toBe(2);
    const found = await bench.open().transactionById(actor, rest[0]?.transactionId ?? '');
    expect(JSON.parse(found.args[0] ?? '').recordIds).toEqual([record(2), record(3)]);
  });

  it('makes a further transaction where one is full', async () => {
    const ids = Array.from({ length: 130 }, (_, index) => record(index));
    const opened = await Promise.all(ids.map((recordId) => open(recordId)));
    const sizes = new Map<string, number>();
    for (const { transactionId } of opened) sizes.set(transactionId, (sizes.get(transactionId) ?? 0) + 1);
    expect([...sizes.values()]).toEqual([100, 30]);
  });

  it('does not join different purposes', async () => {
    const both = await Promise.all([open(record(1)), open(record(1), 'ETREAT')]);
    expect(new Set(both.map(({ transactionId }) => transactionId)).size).toBe(2);
  });

  it('answers a refusal as a result, without metadata', async () => {
    const [permit, deny] = await Promise.all([open(record(1)), open(record(0xff))]);
    expect(permit.item.outcome).toBe('permit');
    expect(deny).toMatchObject({ item: { outcome: 'deny', code: 'NO_GRANT' } });
    expect(deny.record).toBeUndefined();
    expect(deny.transactionId).toBe(permit.transactionId);
  });

  it('tells all who were joined when it fails, and begins anew', async () => {
    before = ({ name }) => {
      if (name === 'access:open') throw new Error('ROLE_NOT_ALLOWED: insurer');
    };
    const both = await Promise.allSettled([open(record(1)), open(record(2))]);
    expect(both).toMatchObject([{ reason: { code: 'ROLE_NOT_ALLOWED' } }, { reason: { code: 'ROLE_NOT_ALLOWED' } }]);
    before = () => undefined;
    expect((await open(record(3))).item.outcome).toBe('permit');
  });
});
