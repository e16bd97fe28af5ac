import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { ledger as protos } from '@hyperledger/fabric-protos';
import { HOSPITAL_A, type LedgerUnderTest } from './ledger-under-test.js';
import { calls, type MemberClient, type StubCall, useMember } from './member-client.js';
import { namespaceSets, partsOfPrepared, setOf } from './transaction-parts.js';

const { QueryReads } = protos.rwset.kvrwset;
/** More rows than this are recorded as hashes. */
const ROWS_RAW_MAX = 50;
/** As many, and the one over which makes the hash. */
const ROWS_PER_HASH = ROWS_RAW_MAX + 1;

/** What endorsers sign of a simulation: the bytes that two organisations, and two kinds of ledger, must agree on. */
export function describeReadWriteSets(ledger: () => LedgerUnderTest): void {
  describe('a read/write set', () => {
    const client = useMember(ledger, HOSPITAL_A);
    const name = () => ledger().topology.chaincode.name;

    it('begins with the chaincode’s own definition, read at the version it was committed with', async () => {
      const sets = namespaceSets(await simulated(client(), calls('put k v')));
      expect(sets.map(({ namespace }) => namespace)).toEqual(['_lifecycle', name()]);
      expect(sets[0]?.set.toObject()).toEqual({
        readsList: [{ key: `namespaces/fields/${name()}/Sequence`, version: expect.anything() }],
        rangeQueriesInfoList: [],
        writesList: [],
        metadataWritesList: [],
      });
    });

    it('has nothing else when the chaincode touches nothing', async () => {
      const sets = namespaceSets(await simulated(client(), []));
      expect(sets.map(({ namespace }) => namespace)).toEqual(['_lifecycle']);
    });

    it('has reads in order, each once, with the version of the value or none', async () => {
      const { blockNumber } = await client().submit(calls('put rw-b 1'));
      const set = setOf(await simulated(client(), calls('get rw-c, get rw-b, get rw-a, get rw-b')), name()).toObject();
      expect(set.readsList).toEqual([
        { key: 'rw-a', version: undefined },
        { key: 'rw-b', version: { blockNum: blockNumber, txNum: 0 } },
        { key: 'rw-c', version: undefined },
      ]);
    });

    it('has writes in order, the last of each key; deleting is a write without a value', async () => {
      const set = setOf(await simulated(client(), calls('put w-b 1, put w-a 2, put w-b 3, delete w-c')), name());
      expect(set.toObject().writesList).toEqual([
        { key: 'w-a', isDelete: false, value: base64('2') },
        { key: 'w-b', isDelete: false, value: base64('3') },
        { key: 'w-c', isDelete: true, value: '' },
      ]);
    });

    it('has no trace of history', async () => {
      const sets = namespaceSets(await simulated(client(), calls('history rw-b')));
      expect(sets.map(({ namespace }) => namespace)).toEqual(['_lifecycle']);
    });
  });

  describeRangeQueries(ledger);
}

function describeRangeQueries(ledger: () => LedgerUnderTest): void {
  describe('a range in a read/write set', () => {
    const client = useMember(ledger, HOSPITAL_A);
    const name = () => ledger().topology.chaincode.name;
    const ranges = async (run: readonly StubCall[]) =>
      setOf(await simulated(client(), run), name()).getRangeQueriesInfoList();

    it.each([{ count: 0 }, { count: 1 }, { count: ROWS_RAW_MAX }])(
      'has its $count rows one by one',
      async ({ count }) => {
        const rows = await put(client(), `raw-${count}-`, count);
        const [info, ...more] = await ranges([['range', `raw-${count}-`, `raw-${count}-~`]]);
        expect(more).toEqual([]);
        expect(info?.toObject()).toMatchObject({
          startKey: `raw-${count}-`,
          endKey: `raw-${count}-~`,
          itrExhausted: true,
          readsMerkleHashes: undefined,
        });
        expect(info?.getRawReads()?.toObject().kvReadsList ?? []).toEqual(rows);
        expect(info?.hasRawReads()).toBe(count > 0);
      },
    );

    it.each([
      { count: ROWS_PER_HASH, hashes: 1, level: 1 },
      { count: 100, hashes: 2, level: 1 },
      { count: 130, hashes: 3, level: 1 },
      { count: ROWS_PER_HASH * ROWS_RAW_MAX, hashes: ROWS_RAW_MAX, level: 1 },
      { count: ROWS_PER_HASH * ROWS_PER_HASH, hashes: 1, level: 2 },
      { count: ROWS_PER_HASH * ROWS_PER_HASH + 60, hashes: 2, level: 2 },
    ])('has $hashes hashes at level $level for $count rows', async ({ count, hashes, level }) => {
      const rows = await put(client(), `hashed-${count}-`, count);
      const [info] = await ranges([['range', `hashed-${count}-`, `hashed-${count}-~`]]);
      expect(info?.getReadsMerkleHashes()?.toObject()).toEqual({
        maxDegree: ROWS_RAW_MAX,
        maxLevel: level,
        maxLevelHashesList: merkleHashes(rows),
      });
      expect(merkleHashes(rows)).toHaveLength(hashes);
      expect(info?.hasRawReads()).toBe(false);
    });

    it('ends at the last row handed out when the chaincode stopped there', async () => {
      await put(client(), 'stopped-', 120);
      const [info] = await ranges([['range', 'stopped-', 'stopped-~', 3]]);
      // The peer hands out 100 at once, and fetches one more to know that there is one.
      expect(info?.toObject()).toMatchObject({ startKey: 'stopped-', endKey: 'stopped-0100', itrExhausted: false });
    });

    it('is recorded once when it is read twice to the same end', async () => {
      const twice = await ranges(
        calls('range stopped-00 stopped-01, range stopped-00 stopped-01, range stopped-00 stopped-02'),
      );
      expect(twice.map((info) => info.getEndKey())).toEqual(['stopped-01', 'stopped-02']);
    });

    it('of a page ends at the page’s last row', async () => {
      const [info] = await ranges([['page', 'stopped-', 'stopped-~', 2, '']]);
      expect(info?.toObject()).toMatchObject({ startKey: 'stopped-', endKey: 'stopped-0001', itrExhausted: false });
    });
  });
}

/** Serialised rwset.TxReadWriteSet of a simulation that two organisations agreed on. */
async function simulated(client: MemberClient, run: readonly StubCall[]): Promise<Uint8Array> {
  return partsOfPrepared((await client.endorse(run)).getBytes()).readWriteSet;
}

interface ReadObject {
  readonly key: string;
  readonly version: { readonly blockNum: number; readonly txNum: number };
}

/** Puts rows and returns how reading them is recorded. */
async function put(client: MemberClient, prefix: string, count: number): Promise<ReadObject[]> {
  if (count === 0) return [];
  const { blockNumber, code } = await client.submit([['putMany', prefix, count]]);
  expect(code).toBe(0);
  return Array.from({ length: count }, (_, index) => ({
    key: `${prefix}${String(index).padStart(4, '0')}`,
    version: { blockNum: blockNumber, txNum: 0 },
  }));
}

/**
 * Hashes at the highest level, base64: every 51 rows make one hash, every 51 of those one of the level above, until
 * no more than 50 are left. What does not fill a node is hashed as it is, and lifted where it is alone.
 *
 * @see Fabric core/ledger/kvledger/txmgmt/rwsetutil/query_results_helper.go
 */
function merkleHashes(rows: readonly ReadObject[]): string[] {
  let hashes = inGroups(rows).map((group) => sha256(serialisedReads(group)));
  while (hashes.length > ROWS_RAW_MAX) {
    hashes = inGroups(hashes).map(([first = Buffer.alloc(0), ...more]) =>
      more.length === 0 ? first : sha256(Buffer.concat([first, ...more])),
    );
  }
  return hashes.map((hash) => hash.toString('base64'));
}

function inGroups<Item>(items: readonly Item[]): Item[][] {
  const groups: Item[][] = [];
  for (let start = 0; start < items.length; start += ROWS_PER_HASH)
    groups.push(items.slice(start, start + ROWS_PER_HASH));
  return groups;
}

function serialisedReads(rows: readonly ReadObject[]): Uint8Array {
  const reads = new QueryReads();
  reads.setKvReadsList(
    rows.map(({ key, version }) => {
      const protoVersion = new protos.rwset.kvrwset.Version();
      protoVersion.setBlockNum(version.blockNum);
      protoVersion.setTxNum(version.txNum);
      const read = new protos.rwset.kvrwset.KVRead();
      read.setKey(key);
      read.setVersion(protoVersion);
      return read;
    }),
  );
  return reads.serializeBinary();
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
