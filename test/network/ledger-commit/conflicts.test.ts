import { peer } from '@hyperledger/fabric-protos';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createNetwork, type TestNetwork, temporaryFolder } from '../ledger-support.js';
import { openTestPeer, type RangeSpec, type TestPeer, type TransactionSpec } from '../ledger-transactions.js';

const Code = peer.TxValidationCode;
const V1 = { blockNumber: 1, txNumber: 0 };
let network: TestNetwork;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let ledger: TestPeer;

beforeAll(async () => {
  network = await createNetwork();
});
beforeEach(async () => {
  folder = await temporaryFolder();
  ledger = await openTestPeer(network, folder.path);
  await ledger.commit({
    writes: [
      ['a', '1'],
      ['b', '1'],
      ['d', '1'],
    ],
  });
});
afterEach(async () => {
  await ledger.close();
  await folder.remove();
});

describe('reads', () => {
  it.each([
    { name: 'the version that is there', reads: [['a', V1]], code: Code.VALID },
    { name: 'an absent key that is absent', reads: [['x']], code: Code.VALID },
    { name: 'an older version', reads: [['a', { blockNumber: 0, txNumber: 0 }]], code: Code.MVCC_READ_CONFLICT },
    {
      name: 'another transaction of the same block',
      reads: [['a', { blockNumber: 1, txNumber: 1 }]],
      code: Code.MVCC_READ_CONFLICT,
    },
    { name: 'an absent key that is there', reads: [['a']], code: Code.MVCC_READ_CONFLICT },
    { name: 'a version of an absent key', reads: [['x', V1]], code: Code.MVCC_READ_CONFLICT },
  ] as { name: string; reads: NonNullable<TransactionSpec['reads']>; code: number }[])(
    '$name: $code',
    async ({ reads, code }) => {
      expect(await ledger.commit({ reads, writes: [['out', 'v']] })).toEqual([code]);
    },
  );

  it('of two that read and write one key in one block the first wins, and an invalid one counts for nothing', async () => {
    const codes = await ledger.commit(
      { reads: [['a', V1]], writes: [['a', 'refused']], endorsers: [] },
      { reads: [['a', V1]], writes: [['a', 'first']] },
      { reads: [['a', V1]], writes: [['a', 'second']] },
      { writes: [['a', 'blind']] },
    );
    expect(codes).toEqual([Code.ENDORSEMENT_POLICY_FAILURE, Code.VALID, Code.MVCC_READ_CONFLICT, Code.VALID]);
    expect(await ledger.stateOf('a')).toBe('blind');
  });

  it('a key deleted earlier in the block is a conflict too', async () => {
    expect(await ledger.commit({ writes: [['a', undefined]] }, { reads: [['a', V1]] })).toEqual([
      Code.VALID,
      Code.MVCC_READ_CONFLICT,
    ]);
    expect(await ledger.stateOf('a')).toBeUndefined();
  });
});

const RANGE = {
  start: 'a',
  end: 'd',
  reads: [
    ['a', V1],
    ['b', V1],
  ],
} as const;

describe('ranges', () => {
  it.each([
    { name: 'what is there', range: RANGE, code: Code.VALID },
    { name: 'a row too few', range: { ...RANGE, reads: [['a', V1]] }, code: Code.PHANTOM_READ_CONFLICT },
    { name: 'a row too many', range: { ...RANGE, end: 'b' }, code: Code.PHANTOM_READ_CONFLICT },
    {
      name: 'another version',
      range: {
        ...RANGE,
        reads: [
          ['a', V1],
          ['b', { blockNumber: 0, txNumber: 1 }],
        ],
      },
      code: Code.PHANTOM_READ_CONFLICT,
    },
    {
      name: 'the part up to the last key seen, with it',
      range: { start: '', end: 'b', exhausted: false, reads: RANGE.reads },
      code: Code.VALID,
    },
    {
      name: 'no bound at the end',
      range: {
        start: 'b',
        end: '',
        reads: [
          ['b', V1],
          ['d', V1],
        ],
      },
      code: Code.VALID,
    },
    { name: 'nothing where nothing is', range: { start: 'e', end: 'z', reads: [] }, code: Code.VALID },
  ] as { name: string; range: RangeSpec; code: number }[])('a range with $name: $code', async ({ range, code }) => {
    expect(await ledger.commit({ ranges: [range] })).toEqual([code]);
  });

  it.each([
    { name: 'a row was added', write: ['c', 'new'], code: Code.PHANTOM_READ_CONFLICT },
    { name: 'a row was changed', write: ['b', 'new'], code: Code.PHANTOM_READ_CONFLICT },
    { name: 'a row was deleted', write: ['b', undefined], code: Code.PHANTOM_READ_CONFLICT },
    { name: 'a row that was not there was deleted', write: ['c', undefined], code: Code.VALID },
    { name: 'the row at the end was changed', write: ['d', 'new'], code: Code.VALID },
  ] as { name: string; write: [string, string | undefined]; code: number }[])(
    'a range scanned before $name in the same block: $code',
    async ({ write, code }) => {
      expect(await ledger.commit({ writes: [write] }, { ranges: [RANGE] })).toEqual([Code.VALID, code]);
    },
  );

  it('keys above U+FFFF sort by their bytes, as in Fabric', async () => {
    await ledger.commit({
      writes: [
        ['z\u{e000}', '1'],
        ['z\u{10000}', '1'],
      ],
    });
    const version = { blockNumber: 2, txNumber: 0 };
    const reads = [
      ['z\u{e000}', version],
      ['z\u{10000}', version],
    ] as const;
    expect(await ledger.commit({ ranges: [{ start: 'z', end: 'z\u{10ffff}', reads }] })).toEqual([Code.VALID]);
    expect(
      await ledger.commit({ writes: [['z\u{10001}', '1']] }, { ranges: [{ start: 'z', end: 'z\u{10ffff}', reads }] }),
    ).toEqual([Code.VALID, Code.PHANTOM_READ_CONFLICT]);
  });
});
