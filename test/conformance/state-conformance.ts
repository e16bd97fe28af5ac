import { describe, expect, it } from '@jest/globals';
import { HOSPITAL_A, HOSPITAL_B, type LedgerUnderTest } from './ledger-under-test.js';
import { calls, useMember } from './member-client.js';

/** What a chaincode reads of the state and of its history. */
export function describeState(ledger: () => LedgerUnderTest): void {
  describeValues(ledger);
  describeKeys(ledger);
  describeRanges(ledger);
  describePages(ledger);
  describeHistory(ledger);
}

function describeValues(ledger: () => LedgerUnderTest): void {
  describe('values', () => {
    const client = useMember(ledger, HOSPITAL_A);

    it.each([
      { name: 'one byte', sizeBytes: 1 },
      { name: '1 MiB', sizeBytes: 1024 * 1024 },
      // A message between peer and chaincode may have 4 MiB, the default of the shim's gRPC.
      { name: '3 MiB', sizeBytes: 3 * 1024 * 1024 },
    ])('a value of $name is kept', async ({ sizeBytes }) => {
      const key = `sized-${sizeBytes}`;
      expect((await client().submit([['putSized', key, sizeBytes]])).code).toBe(0);
      expect(await client().evaluate([['getSize', key]])).toEqual([sizeBytes]);
    });

    it('an empty value is no value, and takes an earlier one away', async () => {
      await client().submit([
        ['put', 'emptied', 'x'],
        ['put', 'emptied-sibling', 'x'],
      ]);
      await client().submit([['put', 'emptied', '']]);
      expect(await client().evaluate(calls('get emptied, range emptied emptied~'))).toEqual([
        '',
        [['emptied-sibling', 'x']],
      ]);
      const [changes] = await client().evaluate(calls('history emptied'));
      expect(changes).toMatchObject([
        { isDelete: true, value: '' },
        { isDelete: false, value: 'x' },
      ]);
    });

    it('a deleted key is absent, and can be put again', async () => {
      await client().submit(calls('put deleted x'));
      await client().submit(calls('delete deleted'));
      expect(await client().evaluate(calls('get deleted'))).toEqual(['']);
      await client().submit(calls('put deleted y'));
      expect(await client().evaluate(calls('get deleted'))).toEqual(['y']);
    });

    it('the last of several writes of a key counts', async () => {
      await client().submit(calls('put last 1, put last 2, delete last, put last 3'));
      expect(await client().evaluate(calls('get last'))).toEqual(['3']);
      const [changes] = await client().evaluate(calls('history last'));
      expect(changes).toHaveLength(1);
    });
  });
}

function describeKeys(ledger: () => LedgerUnderTest): void {
  describe('keys', () => {
    const client = useMember(ledger, HOSPITAL_A);

    it('keys are in the order of their UTF-8 bytes', async () => {
      const keys = ['order-Z', 'order-a', 'order-é', 'order-\uFFEE', 'order-\u{1F600}'];
      await client().submit([...keys].reverse().map((key) => ['put', key, 'x']));
      expect(await client().evaluate([['range', 'order-', 'order-\u{10FFFF}']])).toEqual([
        keys.map((key) => [key, 'x']),
      ]);
    });

    it('composite keys are found by their first attributes, in order, and not by a simple range', async () => {
      const put = (attributes: string[], value: string) => ['putComposite', 'visit', attributes, value] as const;
      await client().submit([put(['p1', 'b'], '2'), put(['p1', 'a'], '1'), put(['p10', 'a'], '3'), put(['p2'], '4')]);
      expect(
        await client().evaluate([
          ['rangeComposite', 'visit', ['p1']],
          ['rangeComposite', 'visit', []],
        ]),
      ).toEqual([
        [
          ['p1', 'a', '1'],
          ['p1', 'b', '2'],
        ],
        [
          ['p1', 'a', '1'],
          ['p1', 'b', '2'],
          ['p10', 'a', '3'],
          ['p2', '4'],
        ],
      ]);
      expect(await client().evaluate([['range', '', 'a']])).toEqual([[]]);
    });
  });
}

function describeRanges(ledger: () => LedgerUnderTest): void {
  describe('ranges', () => {
    const client = useMember(ledger, HOSPITAL_A);
    const other = useMember(ledger, HOSPITAL_B);

    // Around the 50 rows that are recorded one by one, and the 100 that go to a chaincode at once.
    it.each([0, 1, 49, 50, 51, 99, 100, 101, 250, 2_601])('of %i rows give all of them', async (count) => {
      const prefix = `range-${count}-`;
      for (let from = 0; from < count; from += 1_000) {
        await client().submit([
          ['putMany', `${prefix}${String(from).padStart(4, '0')}-`, Math.min(1_000, count - from)],
        ]);
      }
      const [rows] = await client().evaluate([['range', prefix, `${prefix}~`]]);
      expect(rows).toHaveLength(count);
      // Endorsed by two, so that both find the same, and committed, so that peers find it again.
      expect(
        (
          await other().submit([
            ['range', prefix, `${prefix}~`],
            ['put', `${prefix}0`, 'x'],
          ])
        ).code,
      ).toBe(0);
    });

    it('have their start and not their end', async () => {
      await client().submit(calls('put bound-a 1, put bound-b 2, put bound-c 3'));
      expect(await client().evaluate(calls('range bound-a bound-c, range bound-b bound-b'))).toEqual([
        [
          ['bound-a', '1'],
          ['bound-b', '2'],
        ],
        [],
      ]);
    });

    it('that end before they start are empty', async () => {
      expect(await client().evaluate(calls('range bound-c bound-a'))).toEqual([[]]);
    });
  });
}

function describePages(ledger: () => LedgerUnderTest): void {
  describe('pages', () => {
    const client = useMember(ledger, HOSPITAL_A);

    it.each([
      { rows: 5, size: 2, pages: [2, 2, 1] },
      { rows: 4, size: 2, pages: [2, 2] },
      { rows: 130, size: 120, pages: [120, 10] },
      { rows: 0, size: 2, pages: [0] },
    ])('of $size lead through $rows rows by their bookmarks', async ({ rows, size, pages }) => {
      const prefix = `page-${rows}-`;
      if (rows > 0) await client().submit([['putMany', prefix, rows]]);
      const sizes: number[] = [];
      const keys: string[] = [];
      let bookmark = '';
      do {
        const [page] = await client().evaluate([['page', prefix, `${prefix}~`, size, bookmark]]);
        const read = parsePage(page);
        sizes.push(read.fetched);
        keys.push(...read.rows.map(([key]) => key));
        bookmark = read.bookmark;
      } while (bookmark !== '');
      expect(sizes).toEqual(pages);
      expect(keys).toEqual(Array.from({ length: rows }, (_, index) => `${prefix}${String(index).padStart(4, '0')}`));
    });

    it('lead through composite keys too', async () => {
      const put = (attributes: string[]) => ['putComposite', 'paged', attributes, attributes.join('')] as const;
      await client().submit([put(['a', '1']), put(['a', '2']), put(['a', '3']), put(['b', '1'])]);
      const pageAfter = async (bookmark: string) =>
        parsePage((await client().evaluate([['pageComposite', 'paged', ['a'], 2, bookmark]]))[0]);
      const first = await pageAfter('');
      expect(first.rows).toEqual([
        ['a', '1', 'a1'],
        ['a', '2', 'a2'],
      ]);
      expect(await pageAfter(first.bookmark)).toEqual({ rows: [['a', '3', 'a3']], fetched: 1, bookmark: '' });
    });

    it('are for queries: a transaction with one may not write, before it or after it', async () => {
      const page = ['attempt', ['page', 'page-', 'page-~', 2, '']] as const;
      const write = ['attempt', ['put', 'paged', 'x']] as const;
      const [after] = (await client().evaluate([page, write])).slice(1);
      expect(after).toEqual({
        failed: expect.stringMatching(
          /^PUT_STATE failed: transaction ID: [0-9a-f]{64}: txid \[[0-9a-f]{64}\]: unsuppored transaction. Transaction has already performed a paginated query. Writes are not allowed$/,
        ),
      });
      const [before] = (await client().evaluate([write, page])).slice(1);
      expect(before).toEqual({
        failed: expect.stringMatching(
          /^GET_STATE_BY_RANGE failed: transaction ID: [0-9a-f]{64}: txid \[[0-9a-f]{64}\]: unsuppored transaction. Paginated queries are supported only in a read-only transaction$/,
        ),
      });
    });
  });
}

function describeHistory(ledger: () => LedgerUnderTest): void {
  describe('history', () => {
    const client = useMember(ledger, HOSPITAL_A);

    it('has every valid change of a key, newest first, with transaction and time', async () => {
      const beforeMs = Date.now();
      const txIds: string[] = [];
      for (const line of ['put changed 1', 'delete changed', 'put changed 2']) {
        txIds.unshift((await client().submit(calls(line))).txId);
      }
      await client().submit(calls('put changed 3'), { endorsingOrganizations: [HOSPITAL_A] });
      const [changes] = await client().evaluate(calls('history changed'));
      expect(changes).toMatchObject([
        { txId: txIds[0], isDelete: false, value: '2' },
        { txId: txIds[1], isDelete: true, value: '' },
        { txId: txIds[2], isDelete: false, value: '1' },
      ]);
      for (const { timeMs } of parseChanges(changes)) {
        expect(timeMs).toBeGreaterThanOrEqual(beforeMs);
        expect(timeMs).toBeLessThanOrEqual(Date.now());
      }
    });

    it('is empty for a key that never was, and for a key of another name that begins the same', async () => {
      await client().submit(calls('put begins-the-same x'));
      expect(await client().evaluate(calls('history never-was, history begins'))).toEqual([[], []]);
    });

    it('counts a deletion of what was not there', async () => {
      await client().submit(calls('delete never-put'));
      expect(await client().evaluate(calls('history never-put'))).toEqual([
        [expect.objectContaining({ isDelete: true })],
      ]);
    });
  });
}

function parsePage(page: unknown): { rows: [string, string][]; fetched: number; bookmark: string } {
  return page as { rows: [string, string][]; fetched: number; bookmark: string };
}

function parseChanges(changes: unknown): { timeMs: number }[] {
  return changes as { timeMs: number }[];
}
