import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { creatorSigned } from '../../../gateway/ledger/envelope-signature.js';
import { BRIEF, LedgerBench } from './ledger-bench.js';
import type { StubChaincode } from './stub-chain.js';
import { type Fault, rpcError, type Stage } from './stub-peer.js';

/** `put key value`; `get key`; `count key` reads and writes the same key; `fail message`. */
const chaincode: StubChaincode = ({ name, args: [first = '', second = ''], read, mspId }) => {
  if (name === 'fail') throw new Error(first);
  if (name === 'failAt' && mspId === first) throw new Error(second);
  if (name === 'differ') return { payload: mspId };
  if (name === 'get') return { payload: read(first) ?? '' };
  if (name === 'count') {
    const next = String(Number(read(first) ?? 0) + 1);
    return { payload: next, writes: [[first, next]] };
  }
  return { payload: `put ${first}`, writes: [[first, second]] };
};

let bench: LedgerBench;
beforeEach(async () => {
  bench = await LedgerBench.start(chaincode);
});
afterEach(() => bench.stop());

const failsOnce = (wanted: Stage, fault: Fault) => (stage: Stage, count: number) =>
  stage === wanted && count === 0 ? fault : undefined;

describe('a call', () => {
  it('submits and reads back', async () => {
    const ledger = bench.open();
    const committed = await ledger.submit(bench.identity, 'put', ['a', 'one']);
    expect(committed).toMatchObject({ blockNumber: 1, result: 'put a' });
    expect(await ledger.evaluate(bench.identity, 'get', ['a'])).toBe('one');
  });

  it('passes on what a signer throws', async () => {
    const ledger = bench.open();
    const ended = new Error('the session has ended');
    const identity = { ...bench.identity, sign: () => Promise.reject(ended) };
    await expect(ledger.submit(identity, 'put', ['a', '1'])).rejects.toBe(ended);
  });
});

describe('a lost reply', () => {
  it.each([
    { name: 'endorse answered UNAVAILABLE', fault: failsOnce('endorse', { loseReply: 'unavailable' }) },
    { name: 'endorse never answered', fault: failsOnce('endorse', { loseReply: 'silence' }), settings: BRIEF },
    { name: 'submit done, answered UNAVAILABLE', fault: failsOnce('submit', { loseReply: 'unavailable' }) },
    { name: 'submit done, never answered', fault: failsOnce('submit', { loseReply: 'silence' }), settings: BRIEF },
    { name: 'submit done, connection cut', fault: failsOnce('submit', { cutConnection: true }) },
    {
      name: 'submit not done, answered UNAVAILABLE',
      fault: failsOnce('submit', { instead: rpcError(status.UNAVAILABLE, 'no orderers') }),
    },
    { name: 'status answered UNAVAILABLE', fault: failsOnce('commitStatus', { loseReply: 'unavailable' }) },
    { name: 'status never answered', fault: failsOnce('commitStatus', { loseReply: 'silence' }), settings: BRIEF },
    { name: 'status, connection cut', fault: failsOnce('commitStatus', { cutConnection: true }) },
  ])('$name: one transaction, committed once', async ({ fault, settings = {} }) => {
    bench.fault = fault;
    const ledger = bench.open(settings);
    const committed = await ledger.submit(bench.identity, 'count', ['n']);
    const valid = bench.chain.transactions.filter(({ code }) => code === 0);
    expect(valid.map(({ txId }) => txId)).toEqual([committed.transactionId]);
    expect(new Set(bench.chain.transactions.map(({ txId }) => txId)).size).toBe(1);
    expect(await ledger.evaluate(bench.identity, 'get', ['n'])).toBe('1');
    expect(await ledger.recoverOutbox(bench.identity)).toEqual([]);
  });

  it('sends the same envelope again, soon, when an orderer took it and lost it', async () => {
    bench.fault = failsOnce('submit', { lost: true });
    const ledger = bench.open({ resendMs: 200 });
    const startedMs = performance.now();
    const { transactionId } = await ledger.submit(bench.identity, 'put', ['a', '1']);
    expect(performance.now() - startedMs).toBeLessThan(30_000);
    expect(bench.peer.calls.submit).toBeGreaterThanOrEqual(2);
    expect(bench.chain.transactions.map(({ txId }) => txId)).toEqual([transactionId]);
  });

  it('sends the same envelope again when the orderer lost it', async () => {
    bench.fault = failsOnce('submit', { instead: rpcError(status.DEADLINE_EXCEEDED, 'timeout') });
    const ledger = bench.open();
    const { transactionId } = await ledger.submit(bench.identity, 'put', ['a', '1']);
    expect(bench.peer.calls.submit).toBe(2);
    expect(bench.chain.transactions.map(({ txId }) => txId)).toEqual([transactionId]);
  });
});

describe('a ledger that is away', () => {
  it('survives a ledger that restarts in the middle', async () => {
    const ledger = bench.open();
    await ledger.submit(bench.identity, 'put', ['a', '1']);
    bench.peer.kill();
    const late = ledger.submit(bench.identity, 'put', ['b', '2']);
    const asked = ledger.evaluate(bench.identity, 'get', ['a']);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await bench.peer.start();
    expect((await late).result).toBe('put b');
    expect(await asked).toBe('1');
  });

  it('says LEDGER_UNAVAILABLE when it stays away', async () => {
    const ledger = bench.open({ unavailableMs: 300 });
    bench.peer.kill();
    await expect(ledger.evaluate(bench.identity, 'get', ['a'])).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' });
    await expect(ledger.submit(bench.identity, 'put', ['a', '1'])).rejects.toMatchObject({
      code: 'LEDGER_UNAVAILABLE',
    });
    expect(await ledger.recoverOutbox(bench.identity)).toEqual([]);
  });

  it('keeps an envelope whose outcome is unknown, and finishes it in the next run', async () => {
    const first = bench.open({ outcomeMs: 300 });
    bench.fault = (stage) =>
      stage === 'submit' ? { instead: rpcError(status.UNAVAILABLE, 'no orderers') } : undefined;
    const failure = await first.submit(bench.identity, 'put', ['a', '1']).catch((error) => error);
    expect(failure).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    await first.close();
    bench.fault = () => undefined;
    const second = bench.open();
    const recovered = await second.recoverOutbox(bench.identity);
    expect(recovered).toMatchObject([
      { transactionId: failure.transactionId, status: { validationCode: 'VALID', blockNumber: 1 } },
    ]);
    expect(await second.evaluate(bench.identity, 'get', ['a'])).toBe('1');
    expect(await second.recoverOutbox(bench.identity)).toEqual([]);
  });

  it('lets go at once when it is closed, and leaves the envelope to the next run', async () => {
    const first = bench.open();
    bench.fault = failsOnce('commitStatus', { loseReply: 'silence' });
    const submitted = first.submit(bench.identity, 'put', ['a', '1']).catch((error: unknown) => error);
    const asked = first.evaluate(bench.identity, 'get', ['a']);
    await asked;
    while (bench.peer.calls.commitStatus === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const closedMs = performance.now();
    await first.close();
    expect(await submitted).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    expect(performance.now() - closedMs).toBeLessThan(30_000);
    await expect(first.evaluate(bench.identity, 'get', ['a'])).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' });
    expect(await bench.open().recoverOutbox(bench.identity)).toMatchObject([{ status: { validationCode: 'VALID' } }]);
  });
});

describe('a definite answer', () => {
  it("takes an orderer's refusal for what it is", async () => {
    bench.fault = failsOnce('submit', { instead: rpcError(status.ABORTED, 'status=BAD_REQUEST') });
    const ledger = bench.open();
    await expect(ledger.submit(bench.identity, 'put', ['a', '1'])).rejects.toMatchObject({ code: 'LEDGER_REFUSED' });
    expect(bench.chain.transactions).toEqual([]);
    expect(await ledger.recoverOutbox(bench.identity)).toEqual([]);
  });

  it('names a conflict found at commit', async () => {
    const ledger = bench.open();
    const both = await Promise.allSettled(['n', 'n'].map((key) => ledger.submit(bench.identity, 'count', [key])));
    const failed = both.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    expect(failed).toMatchObject([{ code: 'LEDGER_CONFLICT', conflict: 'mvcc', validationCode: 'MVCC_READ_CONFLICT' }]);
  });
});

describe('a committed transaction', () => {
  it('waits for a commit status, and says when there is none', async () => {
    const ledger = bench.open();
    const { transactionId } = await ledger.submit(bench.identity, 'put', ['a', '1']);
    expect(await ledger.commitStatusOf(bench.identity, transactionId)).toEqual({
      transactionId,
      blockNumber: 1,
      validationCode: 'VALID',
    });
    await expect(ledger.commitStatusOf(bench.identity, '0'.repeat(64), { deadlineMs: 100 })).rejects.toMatchObject({
      code: 'BLOCK_UNKNOWN',
    });
  });

  it("reads a transaction by its id, with the creator's signature", async () => {
    const ledger = bench.open();
    const { transactionId } = await ledger.submit(bench.identity, 'put', ['a', '1']);
    const found = await ledger.transactionById(bench.identity, transactionId);
    expect(found).toMatchObject({
      txId: transactionId,
      validationCode: 'VALID',
      kind: 'endorser',
      channel: 'medledger',
      chaincode: 'medledger',
      transaction: 'put',
      args: ['a', '1'],
      response: 'put a',
      writes: [{ key: 'a', isDelete: false, value: '1' }],
      endorserMspIds: ['HospitalAMSP', 'HospitalBMSP'],
      creator: { mspId: 'HospitalAMSP', certificatePem: bench.identity.certificatePem },
    });
    expect(creatorSigned(found)).toBe(true);
    expect(creatorSigned({ ...found, txId: '0'.repeat(64) })).toBe(false);
    const payload = Uint8Array.from(found.payload);
    payload[payload.length - 1] = (payload.at(-1) ?? 0) ^ 1;
    expect(creatorSigned({ ...found, payload })).toBe(false);
    await expect(ledger.transactionById(bench.identity, '0'.repeat(64))).rejects.toMatchObject({
      code: 'BLOCK_UNKNOWN',
    });
  });
});
