import { describe, expect, it } from '@jest/globals';
import { peer } from '@hyperledger/fabric-protos';
import { QueryIterators, type ResultSource } from '../../../network/devledger/chaincode/query-iterators.js';
import { Simulator, WRITTEN_MAX_BYTES } from '../../../network/devledger/endorse/simulator.js';
import type { StateSnapshot } from '../../../network/devledger/peer-ledger.js';

const ROWS_MAX = 100_000;
const ITERATORS_MAX = 1_000;
/** With what a row takes beside itself. */
const MIB = 1024 * 1024 - 16;

/** Without end. */
function endless(rowBytes = 1): ResultSource & { read: number; closed: boolean } {
  const row = Buffer.alloc(rowBytes);
  return {
    read: 0,
    closed: false,
    async next() {
      this.read += 1;
      return row;
    },
    bookmark: async () => 'next',
    async close() {
      this.closed = true;
    },
  };
}

const parse = (bytes: Uint8Array) => peer.QueryResponse.deserializeBinary(bytes);

describe('rows of a query', () => {
  it(`are ${ROWS_MAX} at most, however many there are`, async () => {
    const iterators = new QueryIterators();
    const source = endless();
    let rows = 0;
    for (let answer = parse(await iterators.open(source)); ; answer = parse(await iterators.next(answer.getId()))) {
      rows += answer.getResultsList().length;
      if (!answer.getHasMore()) break;
    }
    expect(rows).toBe(ROWS_MAX);
    expect(source.closed).toBe(true);
  });

  it.each([{ pageSize: 0 }, { pageSize: ROWS_MAX + 1 }])(
    `are ${ROWS_MAX} at most in a page of $pageSize, which says where the next one begins`,
    async ({ pageSize }) => {
      const source = endless();
      const page = parse(await new QueryIterators().open(source, pageSize));
      expect(page.getResultsList()).toHaveLength(ROWS_MAX);
      const metadata = peer.QueryResponseMetadata.deserializeBinary(page.getMetadata_asU8());
      expect([metadata.getFetchedRecordsCount(), metadata.getBookmark()]).toEqual([ROWS_MAX, 'next']);
      expect([source.read, source.closed]).toEqual([ROWS_MAX, true]);
    },
  );

  it('come in fewer at once where they are long', async () => {
    const source = endless(MIB);
    const answer = parse(await new QueryIterators().open(source));
    expect(answer.getResultsList()).toHaveLength(4);
    expect(answer.getHasMore()).toBe(true);
    expect(source.read).toBe(5);
  });

  it('come one by one where each is longer than that', async () => {
    const iterators = new QueryIterators();
    const first = parse(await iterators.open(endless(5 * MIB)));
    const second = parse(await iterators.next(first.getId()));
    expect([first, second].map((answer) => answer.getResultsList().length)).toEqual([1, 1]);
  });

  it('are refused as a page that is longer than a message', async () => {
    const source = endless(MIB);
    await expect(new QueryIterators().open(source, 100)).rejects.toThrow('ask for fewer rows');
    expect(source.closed).toBe(true);
    expect(source.read).toBe(25);
  });
});

describe('open iterators of a transaction', () => {
  it(`are ${ITERATORS_MAX} at most, and one that is closed makes room`, async () => {
    const iterators = new QueryIterators();
    const first = parse(await iterators.open(endless())).getId();
    for (let open = 1; open < ITERATORS_MAX; open += 1) await iterators.open(endless());
    const refused = endless();
    await expect(iterators.open(refused)).rejects.toThrow('may have 1000 iterators open');
    expect([refused.read, refused.closed]).toEqual([0, true]);
    await iterators.close(first);
    await expect(iterators.open(endless())).resolves.toBeDefined();
  });
});

describe('what a transaction writes', () => {
  const snapshot: StateSnapshot = {
    height: 1,
    get: async () => undefined,
    async *range() {},
    close: async () => {},
  };
  const half = Buffer.alloc(WRITTEN_MAX_BYTES / 2);

  it.each([
    {
      name: 'to the same key again and again',
      write: (simulator: Simulator, bytes: Uint8Array) => simulator.putState('cc', 'a', bytes),
    },
    {
      name: 'as metadata',
      write: (simulator: Simulator, bytes: Uint8Array) =>
        simulator.putMetadata({ namespace: 'cc', collection: '', key: 'a' }, new Map([['x', bytes]])),
    },
  ])('$name is bounded', ({ write }) => {
    const simulator = new Simulator(snapshot, 'tx');
    write(simulator, half);
    write(simulator, half.subarray(200));
    expect(() => write(simulator, half.subarray(0, 100))).toThrow('may write 67108864 bytes: write less in each');
  });
});
