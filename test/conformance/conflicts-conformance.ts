import { describe, expect, it } from '@jest/globals';
import { peer } from '@hyperledger/fabric-protos';
import { HOSPITAL_A, type LedgerUnderTest } from './ledger-under-test.js';
import { calls, committed, type MemberClient, parseResults, type StubCall, useMember } from './member-client.js';

const { VALID, MVCC_READ_CONFLICT, PHANTOM_READ_CONFLICT } = peer.TxValidationCode;

/** What is written before, what is endorsed first and committed last, what is committed between the two, the code. */
type Case = readonly [name: string, before: string, late: string, between: string, code: number];

const READS: readonly Case[] = [
  ['a key read was written', 'put k 0', 'get k, put o 1', 'put k 0', MVCC_READ_CONFLICT],
  ['a key read was deleted', 'put k 0', 'get k, put o 1', 'delete k', MVCC_READ_CONFLICT],
  ['a key found absent was written', '', 'get k, put o 1', 'put k 0', MVCC_READ_CONFLICT],
  ['a key found absent was deleted', '', 'get k, put o 1', 'delete k', VALID],
  ['another key was written', 'put k 0', 'get k, put o 1', 'put k2 0', VALID],
  ['a key written blindly was written', 'put k 0', 'put k 1, put o 1', 'put k 2', VALID],
  ['a key whose history was read was written', 'put k 0', 'history k, put o 1', 'put k 2', VALID],
  ['a key only read was written', 'put k 0', 'get k', 'put k 2', MVCC_READ_CONFLICT],
];

const ROWS = 'put r1 a, put r2 b, put r3 c';
/** More rows than Fabric records one by one. */
const LONG = 'putMany r 60';
const SCAN = 'range r s, put o 1';
/** A peer hands out 100 rows at once, so that the chaincode's own end of reading does not count before that. */
const BATCHES = 'putMany r 150';

const RANGES: readonly Case[] = [
  ['a key appeared in the range', ROWS, SCAN, 'put r15 x', PHANTOM_READ_CONFLICT],
  ['a key appeared at the end of the range', ROWS, SCAN, 'put r9 x', PHANTOM_READ_CONFLICT],
  ['a key vanished from the range', ROWS, SCAN, 'delete r3', PHANTOM_READ_CONFLICT],
  ['a key in the range was written', ROWS, SCAN, 'put r2 b', PHANTOM_READ_CONFLICT],
  ['the end key itself appeared', ROWS, SCAN, 'put s x', VALID],
  ['a key that was never there was deleted', ROWS, SCAN, 'delete r9', VALID],
  ['a key appeared in an empty range', '', SCAN, 'put r1 x', PHANTOM_READ_CONFLICT],
  ['a key appeared after the last row looked at', ROWS, 'range r s 2, put o 1', 'put r4 x', PHANTOM_READ_CONFLICT],
  ['a key appeared after the last batch', BATCHES, 'range r s 2, put o 1', 'put r0149x x', VALID],
  ['a key appeared in the first batch', BATCHES, 'range r s 2, put o 1', 'put r0099x x', PHANTOM_READ_CONFLICT],
  ['nothing happened in a long range', LONG, SCAN, 'put s x', VALID],
  ['a key appeared in a long range', LONG, SCAN, 'put r0059x x', PHANTOM_READ_CONFLICT],
  ['a key early in a long range was written', LONG, SCAN, 'put r0003 3', PHANTOM_READ_CONFLICT],
  ['a key vanished from a long range', LONG, SCAN, 'delete r0059', PHANTOM_READ_CONFLICT],
];

/** Reads and ranges are judged against what committed before: Fabric's MVCC and phantom checks. */
export function describeConflicts(ledger: () => LedgerUnderTest): void {
  describe('a transaction whose reads or ranges changed before it committed', () => {
    const client = useMember(ledger, HOSPITAL_A);

    it.each([...READS, ...RANGES].map((one, index) => [...one, `conflict-${index}-`] as const))(
      '%s',
      async (_name, before, late, between, code, prefix) => {
        if (before !== '') await expectValid(client(), under(prefix, before));
        const endorsed = await client().endorse(under(prefix, late));
        await expectValid(client(), under(prefix, between));
        expect((await committed(client(), endorsed)).code).toBe(code);
        const writes = code === VALID && late.includes('put o');
        expect(await client().evaluate([['get', `${prefix}o`]])).toEqual([writes ? '1' : '']);
      },
    );
  });

  describe('transactions that are endorsed at the same time', () => {
    const client = useMember(ledger, HOSPITAL_A);

    it('only the first of those that read the same version is valid', async () => {
      await expectValid(client(), calls('put together 0'));
      const increments = ['1', '2', '3', '4'].map((value) => calls(`get together, put together ${value}`));
      const endorsed = await Promise.all(increments.map((increment) => client().endorse(increment)));
      const codes = (await Promise.all(endorsed.map((transaction) => committed(client(), transaction)))).map(
        ({ code }) => code,
      );
      expect(codes.filter((code) => code === VALID)).toHaveLength(1);
      expect(codes.filter((code) => code === MVCC_READ_CONFLICT)).toHaveLength(3);
    });

    it('those that write the same key blindly are all valid', async () => {
      const endorsed = await Promise.all(['1', '2', '3'].map((value) => client().endorse(calls(`put blind ${value}`))));
      const codes = (await Promise.all(endorsed.map((transaction) => committed(client(), transaction)))).map(
        ({ code }) => code,
      );
      expect(codes).toEqual([VALID, VALID, VALID]);
    });

    it('do not see their own writes before they are committed', async () => {
      await expectValid(client(), calls('put own before'));
      const transaction = await client().endorse(calls('put own after, get own, range own own~'));
      expect(parseResults(transaction.getResult())).toEqual([null, 'before', [['own', 'before']]]);
      await committed(client(), transaction);
      expect(await client().evaluate(calls('get own'))).toEqual(['after']);
    });
  });
}

async function expectValid(client: MemberClient, write: readonly StubCall[]): Promise<void> {
  expect((await client.submit(write)).code).toBe(VALID);
}

/** The calls of a line with every key, and both ends of every range, under a prefix. */
function under(prefix: string, line: string): StubCall[] {
  return calls(line).map(([name, ...args]) => {
    const keys = name === 'range' ? 2 : 1;
    return [name, ...args.map((argument, index) => (index < keys ? `${prefix}${String(argument)}` : argument))];
  });
}
