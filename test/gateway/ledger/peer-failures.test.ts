import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LedgerBench } from './ledger-bench.js';
import type { StubChaincode } from './stub-chain.js';
import { type PeerDetail, rpcError } from './stub-peer.js';

/** Two submissions are done within it. */
const ATTACKED_MS = 5_000;

/** Organisations whose chaincode throws, and what. */
let broken: Map<string, string>;
const chaincode: StubChaincode = ({ name, mspId }) => {
  const message = broken.get(mspId);
  if (message !== undefined) throw new Error(message);
  return { payload: name === 'differ' || name === 'who' ? mspId : 'done', writes: [['a', '1']] };
};

let bench: LedgerBench;
beforeEach(async () => {
  broken = new Map();
  bench = await LedgerBench.start(chaincode);
});
afterEach(() => bench.stop());

describe('a chaincode that says no', () => {
  it('keeps its code and its sentence', async () => {
    broken = new Map([['HospitalAMSP', 'RECORD_EXISTS: record 7f, the first of 2: stored']]);
    const ledger = bench.open();
    await expect(ledger.submit(bench.identity, 'put', [])).rejects.toMatchObject({
      code: 'RECORD_EXISTS',
      message: 'RECORD_EXISTS: record 7f, the first of 2: stored',
      conflict: undefined,
    });
    await expect(ledger.evaluate(bench.identity, 'get', [])).rejects.toMatchObject({ code: 'RECORD_EXISTS' });
    expect(bench.peer.calls).toMatchObject({ endorse: 1, submit: 0, evaluate: 1 });
  });

  it('is a conflict when only another peer says so: that one lags behind', async () => {
    broken = new Map([['HospitalBMSP', 'PATIENT_UNKNOWN: p-1']]);
    const ledger = bench.open();
    await expect(ledger.submit(bench.identity, 'put', [])).rejects.toMatchObject({
      code: 'PATIENT_UNKNOWN',
      conflict: 'mismatch',
    });
  });

  it.each([
    { message: 'NO_SUCH_CODE: something', code: 'LEDGER_REFUSED' },
    { message: 'a sentence without a code', code: 'LEDGER_REFUSED' },
    { message: 'STALE_HEAD: sequence 3', code: 'STALE_HEAD', conflict: 'stale-head' },
    { message: 'NO_GRANT', code: 'NO_GRANT' },
  ])('$message: $code', async ({ message, code, conflict }) => {
    broken = new Map([['HospitalAMSP', message]]);
    await expect(bench.open().submit(bench.identity, 'put', [])).rejects.toMatchObject({ code, conflict });
  });
});

describe('peers that answer differently', () => {
  it('are a conflict, with nothing submitted', async () => {
    await expect(bench.open().submit(bench.identity, 'differ', [])).rejects.toMatchObject({
      code: 'LEDGER_CONFLICT',
      conflict: 'mismatch',
    });
    expect(bench.peer.calls.submit).toBe(0);
  });
});

describe('a peer that is attacked', () => {
  const CHANGED = 'CHAIN_BROKEN: lane p-1~d-1, entry 4';

  it('is reported, and the others endorse', async () => {
    broken = new Map([['HospitalAMSP', CHANGED]]);
    const ledger = bench.open();
    const { transactionId } = await ledger.submit(bench.identity, 'put', []);
    const { endorserMspIds } = await ledger.transactionById(bench.identity, transactionId);
    expect(endorserMspIds).toEqual(['HospitalBMSP', 'GovernmentMSP']);
    expect(bench.attacked).toEqual([{ mspId: 'HospitalAMSP', code: 'CHAIN_BROKEN', detail: CHANGED }]);
  });

  it('is not asked again for a while, nor by queries', async () => {
    broken = new Map([['HospitalBMSP', CHANGED]]);
    const ledger = bench.open({ attackedMs: ATTACKED_MS });
    await ledger.submit(bench.identity, 'put', []);
    await ledger.submit(bench.identity, 'put', []);
    expect(bench.peer.calls.endorse).toBe(3);
    await new Promise((resolve) => setTimeout(resolve, ATTACKED_MS + 50));
    await ledger.submit(bench.identity, 'put', []);
    expect(bench.peer.calls.endorse).toBe(5);
    expect(bench.attacked).toHaveLength(2);
  });

  it('is passed over by a query, unless the caller wants this peer and no other', async () => {
    broken = new Map([['HospitalAMSP', 'STATE_CORRUPT: key entry~a']]);
    const ledger = bench.open();
    await expect(
      ledger.evaluate(bench.identity, 'who', [], { endorsingOrganizations: ['HospitalAMSP'] }),
    ).rejects.toMatchObject({ code: 'STATE_CORRUPT' });
    expect(await ledger.evaluate(bench.identity, 'who', [])).toBe('HospitalBMSP');
  });

  it('stops the call when too few sound ones are left', async () => {
    broken = new Map([
      ['HospitalAMSP', CHANGED],
      ['GovernmentMSP', CHANGED],
    ]);
    await expect(bench.open().submit(bench.identity, 'put', [])).rejects.toMatchObject({ code: 'CHAIN_BROKEN' });
    expect(bench.attacked.map(({ mspId }) => mspId)).toEqual(['HospitalAMSP', 'GovernmentMSP']);
    expect(bench.peer.calls.submit).toBe(0);
  });
});

describe('a peer that cannot simulate', () => {
  const failing = (details: PeerDetail[]) => rpcError(status.ABORTED, 'failed to endorse transaction', details);

  it('is left to the others', async () => {
    const message = 'error in simulation: failed to execute transaction t: could not launch chaincode';
    bench.fault = (stage, count) =>
      stage === 'endorse' && count === 0 ? { instead: failing([{ mspId: 'HospitalAMSP', message }]) } : undefined;
    const ledger = bench.open();
    const { transactionId } = await ledger.submit(bench.identity, 'put', []);
    const { endorserMspIds } = await ledger.transactionById(bench.identity, transactionId);
    expect(endorserMspIds).toEqual(['HospitalBMSP', 'GovernmentMSP']);
    expect(bench.attacked).toEqual([]);
  });

  it('is reported when its own store is what failed', async () => {
    const message = 'error in simulation: STATE_CORRUPT: peer HospitalAMSP, key entry~a: digest differs';
    bench.fault = (stage, count) =>
      stage === 'endorse' && count === 0 ? { instead: failing([{ mspId: 'HospitalAMSP', message }]) } : undefined;
    await bench.open().submit(bench.identity, 'put', []);
    expect(bench.attacked).toEqual([{ mspId: 'HospitalAMSP', code: 'STATE_CORRUPT', detail: message }]);
  });

  it('is waited for when no other can do it either', async () => {
    const message = 'could not launch chaincode';
    const all = ['HospitalAMSP', 'HospitalBMSP', 'GovernmentMSP'].map((mspId) => ({ mspId, message }));
    bench.fault = (stage, count) => (stage === 'endorse' && count < 3 ? { instead: failing(all) } : undefined);
    await expect(bench.open().submit(bench.identity, 'put', [])).resolves.toMatchObject({ result: 'done' });
  });

  it('is believed when it turns the caller down', async () => {
    const message = 'error validating proposal: access denied: channel [medledger] creator org [HospitalAMSP]';
    const instead = rpcError(status.FAILED_PRECONDITION, 'evaluate call to endorser returned error', [
      { mspId: 'HospitalAMSP', message },
      { mspId: 'HospitalBMSP', message },
      { mspId: 'GovernmentMSP', message },
    ]);
    bench.fault = () => ({ instead });
    await expect(bench.open().evaluate(bench.identity, 'get', [])).rejects.toMatchObject({ code: 'CALLER_UNKNOWN' });
    expect(bench.peer.calls.evaluate).toBe(1);
  });
});
