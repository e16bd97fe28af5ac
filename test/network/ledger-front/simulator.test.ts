import { describe, expect, it } from '@jest/globals';
import { ledger as protos, peer } from '@hyperledger/fabric-protos';
import fc from 'fast-check';
import { QueryIterators } from '../../../network/devledger/chaincode/query-iterators.js';
import { Simulator } from '../../../network/devledger/endorse/simulator.js';
import { compareUtf8 } from '../../../network/devledger/endorse/utf8-order.js';
import { lengthDelimitedField, timestampBytes, varintField } from '../../../network/devledger/endorse/wire-format.js';
import type { KeyValue, StateSnapshot } from '../../../network/devledger/peer-ledger.js';

const { KVRWSet } = protos.rwset.kvrwset;

/** State of four keys, written by transaction 1 of block 7. */
function snapshot(keys: readonly string[] = ['a', 'b', 'c', 'd']): StateSnapshot {
  const rows: KeyValue[] = keys.map((key) => ({
    key,
    value: Buffer.from(`value of ${key}`),
    version: { blockNumber: 7, txNumber: 1 },
  }));
  return {
    height: 8,
    get: async (_namespace, key) => rows.find((row) => row.key === key),
    async *range(_namespace, startKey, endKey) {
      yield* rows.filter(({ key }) => key >= startKey && (endKey === '' || key < endKey));
    },
    close: async () => {},
  };
}

function decoded(
  simulator: Simulator,
): { namespace: string; set: ReturnType<InstanceType<typeof KVRWSet>['toObject']> }[] {
  return protos.rwset.TxReadWriteSet.deserializeBinary(simulator.results())
    .getNsRwsetList()
    .map((set) => ({
      namespace: set.getNamespace(),
      set: KVRWSet.deserializeBinary(set.getRwset_asU8()).toObject(),
    }));
}

describe('the read/write set of a simulation', () => {
  it('is empty when nothing was touched', () => {
    expect(new Simulator(snapshot(), 'tx').results()).toHaveLength(0);
  });

  it('records reads with their version, and of an absent key that there was none', async () => {
    const simulator = new Simulator(snapshot(), 'tx');
    await simulator.getState('cc', 'missing');
    await simulator.getState('cc', 'b');
    const [{ set } = { set: undefined }] = decoded(simulator);
    expect(set?.readsList).toEqual([
      { key: 'b', version: { blockNum: 7, txNum: 1 } },
      { key: 'missing', version: undefined },
    ]);
  });

  it('keeps the last write of a key; an empty value deletes', () => {
    const simulator = new Simulator(snapshot(), 'tx');
    simulator.putState('cc', 'z', Buffer.from('first'));
    simulator.putState('cc', 'z', Buffer.from('last'));
    simulator.putState('cc', 'a', new Uint8Array());
    expect(decoded(simulator)[0]?.set.writesList).toEqual([
      { key: 'a', isDelete: true, value: '' },
      { key: 'z', isDelete: false, value: Buffer.from('last').toString('base64') },
    ]);
  });

  it('is the same bytes whatever the order of reads and writes', async () => {
    const forwards = new Simulator(snapshot(), 'tx');
    const backwards = new Simulator(snapshot(), 'tx');
    const keys = ['b', 'a', '\u{1F600}', '\uFFEE'];
    for (const key of keys) forwards.putState('cc', key, Buffer.from('x'));
    for (const key of keys.reverse()) backwards.putState('cc', key, Buffer.from('x'));
    expect(forwards.results()).toEqual(backwards.results());
    expect(decoded(forwards)[0]?.set.writesList.map(({ key }) => key)).toEqual(['a', 'b', '\uFFEE', '\u{1F600}']);
  });

  it('takes an empty key for one like others', () => {
    const simulator = new Simulator(snapshot(), 'tx');
    simulator.putState('cc', '', Buffer.from('x'));
    expect(decoded(simulator)[0]?.set.writesList.map(({ key }) => key)).toEqual(['']);
  });
});

describe('a range query in the read/write set', () => {
  it.each([
    { name: 'not to its end', rows: 2, itrExhausted: false, endKey: 'b', reads: ['a', 'b'] },
    { name: 'to its last row', rows: 3, itrExhausted: false, endKey: 'c', reads: ['a', 'b', 'c'] },
    { name: 'past its last row', rows: 4, itrExhausted: true, endKey: 'd', reads: ['a', 'b', 'c'] },
  ])('read $name', async ({ rows, itrExhausted, endKey, reads }) => {
    const simulator = new Simulator(snapshot(), 'tx');
    const scan = simulator.range('cc', { startKey: 'a', endKey: 'd', paged: false });
    for (let row = 0; row < rows; row += 1) await scan.next();
    const [query] = decoded(simulator)[0]?.set.rangeQueriesInfoList ?? [];
    expect(query).toMatchObject({ startKey: 'a', endKey, itrExhausted });
    expect(query?.rawReads?.kvReadsList.map(({ key }: { key: string }) => key)).toEqual(reads);
  });

  it('is recorded once when it is made twice', async () => {
    const simulator = new Simulator(snapshot(), 'tx');
    for (let time = 0; time < 2; time += 1) {
      const scan = simulator.range('cc', { startKey: 'a', endKey: 'c', paged: false });
      while ((await scan.next()) !== undefined);
    }
    expect(decoded(simulator)[0]?.set.rangeQueriesInfoList).toHaveLength(1);
  });

  it('does not count the bookmark as read', async () => {
    const simulator = new Simulator(snapshot(), 'tx');
    const scan = simulator.range('cc', { startKey: 'a', endKey: '', paged: true });
    await scan.next();
    expect(await scan.bookmark()).toBe('b');
    expect(decoded(simulator)[0]?.set.rangeQueriesInfoList[0]).toMatchObject({ endKey: 'a', itrExhausted: false });
  });
});

describe('rows for a chaincode', () => {
  it.each([
    { rows: 0, batches: [0] },
    { rows: 99, batches: [99] },
    { rows: 100, batches: [100] },
    { rows: 101, batches: [100, 1] },
    { rows: 250, batches: [100, 100, 50] },
  ])('$rows come in batches of $batches', async ({ rows, batches }) => {
    const iterators = new QueryIterators();
    let handedOut = 0;
    let closed = false;
    const sizes: number[] = [];
    let response = peer.QueryResponse.deserializeBinary(
      await iterators.open({
        next: async () => (handedOut < rows ? Buffer.from(String(handedOut++)) : undefined),
        bookmark: async () => '',
        close: async () => {
          closed = true;
        },
      }),
    );
    sizes.push(response.getResultsList().length);
    while (response.getHasMore()) {
      response = peer.QueryResponse.deserializeBinary(await iterators.next(response.getId()));
      sizes.push(response.getResultsList().length);
    }
    expect(sizes).toEqual(batches);
    expect(closed).toBe(true);
    await expect(iterators.next(response.getId())).rejects.toThrow('query iterator not found');
  });
});

describe('bytes', () => {
  it('order strings as their UTF-8 does', () => {
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(text, text, (left, right) => {
        const expected = Buffer.compare(Buffer.from(left), Buffer.from(right));
        expect(Math.sign(compareUtf8(left, right))).toBe(expected);
      }),
    );
  });

  it('written by hand are read by the protocol buffers library', () => {
    const timeMs = 1_700_000_000_123;
    const bytes = Buffer.concat([
      lengthDelimitedField(1, Buffer.from('ab'.repeat(100))),
      lengthDelimitedField(2, Buffer.from([0, 255])),
      lengthDelimitedField(3, timestampBytes(timeMs)),
      varintField(4, 1),
    ]);
    const change = protos.queryresult.KeyModification.deserializeBinary(bytes);
    expect(change.getTxId()).toBe('ab'.repeat(100));
    expect([...change.getValue_asU8()]).toEqual([0, 255]);
    expect(change.getIsDelete()).toBe(true);
    expect(change.getTimestamp()?.toDate().getTime()).toBe(timeMs);
    expect(change.serializeBinary()).toEqual(new Uint8Array(bytes));
  });
});
