import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LedgerBench } from './ledger-bench.js';
import type { StubChaincode } from './stub-chain.js';
import { type Fault, rpcError } from './stub-peer.js';

const chaincode: StubChaincode = ({ args: [key = ''] }) => ({ payload: `put ${key}`, writes: [[key, '1']] });
const UNABLE = rpcError(status.UNAVAILABLE, 'the ledger of this peer cannot be read');
/** The outcome would be called unknown after two minutes, and a peer that hangs be given up after one. */
const SOON_MS = 30_000;

let bench: LedgerBench;
beforeEach(async () => {
  bench = await LedgerBench.start(chaincode);
});
afterEach(() => bench.stop());

function expectCommittedOnce(transactionId: string): void {
  expect(bench.chain.transactions.filter(({ code }) => code === 0).map(({ txId }) => txId)).toEqual([transactionId]);
  expect(new Set(bench.chain.transactions.map(({ txId }) => txId)).size).toBe(1);
}

describe('an own peer that does not tell what became of a transaction', () => {
  it.each<{ name: string; fault: Fault }>([
    { name: 'because it cannot', fault: { instead: UNABLE } },
    { name: 'because it hangs', fault: { loseReply: 'silence' } },
  ])('$name: another organisation’s does, soon', async ({ fault }) => {
    bench.fault = (stage) => (stage === 'commitStatus' ? fault : undefined);
    const ledger = await bench.openBeside();
    const startedMs = performance.now();
    const { transactionId, blockNumber } = await ledger.submit(bench.identity, 'put', ['a']);
    expect(performance.now() - startedMs).toBeLessThan(SOON_MS);
    expect(blockNumber).toBe(1);
    expectCommittedOnce(transactionId);
    expect(await ledger.recoverOutbox(bench.identity)).toEqual([]);
  });

  it('alone leaves the outcome unknown, as before', async () => {
    bench.fault = (stage) => (stage === 'commitStatus' ? { instead: UNABLE } : undefined);
    const failure = bench.open({ outcomeMs: 300, commitStatusMs: 100 }).submit(bench.identity, 'put', ['a']);
    await expect(failure).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
  });

  it('is still the only one that a custodian asks', async () => {
    const ledger = await bench.openBeside({ unavailableMs: 2_000 });
    const { transactionId } = await ledger.submit(bench.identity, 'put', ['a']);
    bench.fault = (stage) => (stage === 'commitStatus' || stage === 'evaluate' ? { instead: UNABLE } : undefined);
    const asked = ledger.commitStatusOf(bench.identity, transactionId, { deadlineMs: 300 });
    await expect(asked).rejects.toMatchObject({ code: 'BLOCK_UNKNOWN' });
    await expect(ledger.transactionById(bench.identity, transactionId)).rejects.toMatchObject({
      code: 'LEDGER_UNAVAILABLE',
    });
    expect(bench.otherPeer.calls).toEqual({ evaluate: 0, endorse: 0, submit: 0, commitStatus: 0 });
  });
});

describe('an own peer that dies between endorsement and submit', () => {
  it('has the envelope handed on by another organisation’s, once', async () => {
    bench.fault = (stage) => {
      if (stage === 'submit') bench.peer.kill();
      return undefined;
    };
    const ledger = await bench.openBeside();
    const { transactionId } = await ledger.submit(bench.identity, 'put', ['a']);
    expectCommittedOnce(transactionId);
    expect(bench.otherPeer.calls.endorse).toBe(0);
  });
});

describe('orderers that agree by BFT', () => {
  /** What a peer makes of it when two of four orderers had the transaction already, by way of the others. */
  const ALREADY = rpcError(
    status.UNAVAILABLE,
    'insufficient number of orderers could successfully process transaction to satisfy quorum requirement',
    ['7050', '7051'].map(() => ({
      mspId: 'OrdererMSP',
      message:
        'received unsuccessful response from orderer: status=SERVICE_UNAVAILABLE, info=failed to submit request: request already processed',
    })),
  );

  it('may say that they had a transaction already: it is asked about, and not called a failure', async () => {
    bench.fault = (stage) => (stage === 'submit' ? { afterwards: ALREADY } : undefined);
    const { transactionId } = await bench.open().submit(bench.identity, 'put', ['a']);
    expectCommittedOnce(transactionId);
    expect(bench.peer.calls.submit).toBe(1);
  });

  it('and where it is in no block, the outcome is unknown, and the same envelope is sent again', async () => {
    bench.fault = (stage) => (stage === 'submit' ? { instead: ALREADY } : undefined);
    const ledger = bench.open({ outcomeMs: 500 });
    await expect(ledger.submit(bench.identity, 'put', ['a'])).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    expect(bench.peer.calls).toMatchObject({ endorse: 1 });
    expect(bench.peer.calls.submit).toBeGreaterThan(1);
    bench.fault = () => undefined;
    expect(await ledger.recoverOutbox(bench.identity)).toMatchObject([{ status: { validationCode: 'VALID' } }]);
  });
});
