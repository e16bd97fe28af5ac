import { createHash } from 'node:crypto';
import { common } from '@hyperledger/fabric-protos';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { blockHeaderHash, readBlock } from '../../../gateway/ledger/block-reader.js';
import type { LedgerBlock } from '../../../gateway/ledger/ledger-block.js';
import { LedgerBench } from './ledger-bench.js';

describe('blockHeaderHash', () => {
  // DER written out by hand (X.690 sections 8.3, 8.7, 8.9).
  it.each([
    { number: 0, previous: '', data: 'aa'.repeat(32), der: `302702010004000420${'aa'.repeat(32)}` },
    { number: 127, previous: 'bb', data: '', der: '300802017f0401bb0400' },
    { number: 128, previous: 'bb', data: '', der: '3009020200800401bb0400' },
    { number: 0x1234567890, previous: '', data: '', der: '300b020512345678900400' + '0400' },
    {
      number: 1,
      previous: 'cc'.repeat(100),
      data: 'dd'.repeat(32),
      der: `30818b0201010464${'cc'.repeat(100)}0420${'dd'.repeat(32)}`,
    },
  ])('block $number', ({ number, previous, data, der }) => {
    const header = { number, previous: Buffer.from(previous, 'hex'), data: Buffer.from(data, 'hex') };
    expect(blockHeaderHash(header)).toBe(createHash('sha256').update(Buffer.from(der, 'hex')).digest('hex'));
  });
});

describe('readBlock', () => {
  it('reads bytes that never were a transaction as such', () => {
    const block = new common.Block();
    block.setHeader(new common.BlockHeader());
    const data = new common.BlockData();
    data.setDataList([Uint8Array.from([0xff, 0xff, 0xff]), new Uint8Array()]);
    block.setData(data);
    const { transactions } = readBlock(block);
    expect(transactions).toMatchObject([
      { kind: 'unreadable', txId: '', index: 0, validationCode: 'NOT_VALIDATED' },
      { kind: 'unreadable', txId: '', index: 1, validationCode: 'NOT_VALIDATED' },
    ]);
  });
});

describe('blocks', () => {
  let bench: LedgerBench;
  beforeEach(async () => {
    bench = await LedgerBench.start(({ args: [key = ''] }) => ({ payload: 'ok', writes: [[key, '{}']] }), { cutMs: 1 });
  });
  afterEach(() => bench.stop());

  it('come in order from the start block, through a restart, and stop at the signal', async () => {
    const ledger = bench.open();
    await ledger.submit(bench.identity, 'put', ['k1']);
    const seen: LedgerBlock[] = [];
    const stopping = new AbortController();
    const interrupted: string[] = [];
    const reading = (async () => {
      const { identity } = bench;
      const { signal } = stopping;
      const onInterrupted = (reason: string) => interrupted.push(reason);
      for await (const block of ledger.blocks({ identity, startBlock: 1, signal, onInterrupted })) {
        seen.push(block);
        if (seen.length === 3) stopping.abort();
      }
    })();
    await ledger.submit(bench.identity, 'put', ['k2']);
    bench.peer.kill();
    await bench.peer.start();
    await ledger.submit(bench.identity, 'put', ['k3']);
    await reading;
    expect(seen.map(({ number }) => number)).toEqual([1, 2, 3]);
    expect(seen.flatMap(({ transactions }) => transactions.flatMap(({ writes }) => writes))).toEqual([
      { key: 'k1', isDelete: false, value: '{}' },
      { key: 'k2', isDelete: false, value: '{}' },
      { key: 'k3', isDelete: false, value: '{}' },
    ]);
    expect(seen[0]?.transactions[0]).toMatchObject({ index: 0, validationCode: 'VALID', transaction: 'put' });
    expect(interrupted.length).toBeGreaterThan(0);
  });

  it('end when the ledger is closed', async () => {
    const ledger = bench.open();
    const { signal } = new AbortController();
    const reading = (async () => {
      for await (const block of ledger.blocks({ identity: bench.identity, startBlock: 0, signal })) {
        if (block.number === 0) await ledger.close();
      }
      return 'ended';
    })();
    expect(await reading).toBe('ended');
  });
});
