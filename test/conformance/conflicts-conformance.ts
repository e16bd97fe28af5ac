import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { peer } from '@hyperledger/fabric-protos';
import { HOSPITAL_A, type LedgerUnderTest } from './ledger-under-test.js';
import { committed, connectMember, type MemberClient, type StubCall } from './member-client.js';

const { VALID, MVCC_READ_CONFLICT, PHANTOM_READ_CONFLICT } = peer.TxValidationCode;

/** More rows than Fabric records one by one. */
const MANY = 60;

interface Case {
  readonly name: string;
  /** Written before. */
  readonly before?: readonly StubCall[];
  /** Endorsed first, committed last. */
  readonly late: readonly StubCall[];
  /** Committed between the two. */
  readonly between: readonly StubCall[];
  readonly code: number;
}

/** Keys are put under a prefix of the case, so that no case sees another's. */
const READS: readonly Case[] = [
  {
    name: 'a key read was written',
    before: [['put', 'k', '0']],
    late: [
      ['get', 'k'],
      ['put', 'o', '1'],
    ],
    between: [['put', 'k', '0']],
    code: MVCC_READ_CONFLICT,
  },
  {
    name: 'a key read was deleted',
    before: [['put', 'k', '0']],
    late: [
      ['get', 'k'],
      ['put', 'o', '1'],
    ],
    between: [['delete', 'k']],
    code: MVCC_READ_CONFLICT,
  },
  {
    name: 'a key found absent was written',
    late: [
      ['get', 'k'],
      ['put', 'o', '1'],
    ],
    between: [['put', 'k', '0']],
    code: MVCC_READ_CONFLICT,
  },
  {
    name: 'a key found absent was written and deleted',
    late: [
      ['get', 'k'],
      ['put', 'o', '1'],
    ],
    between: [
      ['put', 'k', '0'],
      ['delete', 'k'],
    ],
    code: MVCC_READ_CONFLICT,
  },
  {
    name: 'another key was written',
    before: [['put', 'k', '0']],
    late: [
      ['get', 'k'],
      ['put', 'o', '1'],
    ],
    between: [['put', 'k2', '0']],
    code: VALID,
  },
  {
    name: 'a key written blindly was written',
    before: [['put', 'k', '0']],
    late: [['put', 'k', '1']],
    between: [['put', 'k', '2']],
    code: VALID,
  },
  {
    name: 'a key whose history was read was written',
    before: [['put', 'k', '0']],
    late: [
      ['history', 'k'],
      ['put', 'o', '1'],
    ],
    between: [['put', 'k', '2']],
    code: VALID,
  },
  {
    name: 'only a read, of a key that was written',
    before: [['put', 'k', '0']],
    late: [['get', 'k']],
    between: [['put', 'k', '2']],
    code: MVCC_READ_CONFLICT,
  },
];

const ROWS: readonly StubCall[] = [
  ['put', 'r1', 'a'],
  ['put', 'r2', 'b'],
  ['put', 'r3', 'c'],
];
const RANGES: readonly Case[] = [
  {
    name: 'a key appeared in the range',
    before: ROWS,
    late: [
      ['range', 'r', 's'],
      ['put', 'o', '1'],
    ],
    between: [['put', 'r15', 'x']],
    code: PHANTOM_READ_CONFLICT,
  },
  {
    name: 'a key appeared at the end of the range',
    before: ROWS,
    late: [
      ['range', 'r', 's'],
      ['put', 'o', '1'],
    ],
    between: [['put', 'r9', 'x']],
    code: PHANTOM_READ_CONFLICT,
  },
  {
    name: 'a key vanished from the range',
    before: ROWS,
    late: [
      ['range', 'r', 's'],
      ['put', 'o', '1'],
    ],
    between: [['delete', 'r3']],
    code: PHANTOM_READ_CONFLICT,
  },
  {
    name: 'a key in the range was written',
    before: ROWS,
    late: [
      ['range', 'r', 's'],
      ['put', 'o', '1'],
    ],
    between: [['put', 'r2', 'b']],
    code: PHANTOM_READ_CONFLICT,
  },
  {
    name: 'the end key itself appeared',
    before: ROWS,
    late: [
      ['range', 'r', 's'],
      ['put', 'o', '1'],
    ],
    between: [['put', 's', 'x']],
    code: VALID,
  },
  {
    name: 'a key beyond the last row looked at appeared',
    before: ROWS,
    late: [
      ['range', 'r', 's', 2],
      ['put', 'o', '1'],
    ],
    between: [['put', 'r4', 'x']],
    code: VALID,
  },
  {
    name: 'the last row looked at was written',
    before: ROWS,
    late: [
      ['range', 'r', 's', 3],
      ['put', 'o', '1'],
    ],
    between: [['put', 'r3', 'x']],
    code: PHANTOM_READ_CONFLICT,
  },
  {
    name: 'a key that was never there was deleted',
    before: ROWS,
    late: [
      ['range', 'r', 's'],
      ['put', 'o', '1'],
    ],
    between: [['delete', 'r9']],
    code: VALID,
  },
  {
    name: 'a key appeared in an empty range',
    late: [
      ['range', 'r', 's'],
      ['put', 'o', '1'],
    ],
    between: [['put', 'r1', 'x']],
    code: PHANTOM_READ_CONFLICT,
  },
  {
    name: 'nothing happened in a long range',
    before: [['putMany', 'r', MANY]],
    late: [
      ['range', 'r', 's'],
      ['put', 'o', '1'],
    ],
    between: [['put', 's', 'x']],
    code: VALID,
  },
  {
    name: 'a key appeared in a long range',
    before: [['putMany', 'r', MANY]],
    late: [
      ['range', 'r', 's'],
      ['put', 'o', '1'],
    ],
    between: [['put', 'r0059x', 'x']],
    code: PHANTOM_READ_CONFLICT,
  },
  {
    name: 'a key early in a long range was written',
    before: [['putMany', 'r', MANY]],
    late: [
      ['range', 'r', 's'],
      ['put', 'o', '1'],
    ],
    between: [['put', 'r0003', '3']],
    code: PHANTOM_READ_CONFLICT,
  },
  {
    name: 'a key vanished from a long range',
    before: [['putMany', 'r', MANY]],
    late: [
      ['range', 'r', 's'],
      ['put', 'o', '1'],
    ],
    between: [['delete', 'r0059']],
    code: PHANTOM_READ_CONFLICT,
  },
];

/** Reads and ranges are judged against what committed before: Fabric's MVCC and phantom checks. */
export function describeConflicts(ledger: () => LedgerUnderTest): void {
  let client: MemberClient;

  beforeAll(async () => {
    client = await connectMember(ledger(), HOSPITAL_A);
  });

  afterAll(() => client.close());

  describe('a transaction whose reads or ranges changed before it committed', () => {
    it.each([...READS, ...RANGES].map((one, index) => ({ ...one, prefix: `conflict-${index}-` })))(
      '$name: $code',
      async ({ prefix, before, late, between, code }) => {
        if (before !== undefined) expect((await client.submit(under(prefix, before))).code).toBe(VALID);
        const endorsed = await client.endorse(under(prefix, late));
        expect((await client.submit(under(prefix, between))).code).toBe(VALID);
        expect((await committed(endorsed)).code).toBe(code);
        const written = late.some(([name]) => name === 'put')
          ? await client.evaluate(under(prefix, [['get', 'o']]))
          : [''];
        expect(written).toEqual([code === VALID && late.some(([, key]) => key === 'o') ? '1' : '']);
      },
    );

    it('of several in one block that read the same version only the first is valid', async () => {
      await client.submit([['put', 'together', '0']]);
      const endorsed = await Promise.all(
        Array.from({ length: 4 }, (_, index) =>
          client.endorse([
            ['get', 'together'],
            ['put', 'together', String(index)],
          ]),
        ),
      );
      const outcomes = await Promise.all(endorsed.map(committed));
      expect(outcomes.map(({ code }) => code).sort((left, right) => left - right)).toEqual([
        VALID,
        ...Array.from({ length: 3 }, () => MVCC_READ_CONFLICT),
      ]);
    });

    it('does not see its own writes before they are committed', async () => {
      await client.submit([['put', 'own', 'before']]);
      const transaction = await client.endorse([
        ['put', 'own', 'after'],
        ['get', 'own'],
        ['range', 'own', 'own~'],
      ]);
      const [, value, rows] = JSON.parse(Buffer.from(transaction.getResult()).toString('utf8'));
      expect(value).toBe('before');
      expect(rows).toEqual([['own', 'before']]);
      await committed(transaction);
      expect(await client.evaluate([['get', 'own']])).toEqual(['after']);
    });
  });
}

/** The same calls with every key, and both ends of every range, under a prefix. */
function under(prefix: string, calls: readonly StubCall[]): StubCall[] {
  return calls.map(([name, ...args]) => {
    const keys = name === 'range' ? 2 : 1;
    return [name, ...args.map((argument, index) => (index < keys ? `${prefix}${String(argument)}` : argument))];
  });
}
