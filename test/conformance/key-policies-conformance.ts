import { describe, expect, it } from '@jest/globals';
import { peer } from '@hyperledger/fabric-protos';
import { GOVERNMENT, HOSPITAL_A, HOSPITAL_B, type LedgerUnderTest } from './ledger-under-test.js';
import { calls, committed, type MemberClient, type StubCall, useMember } from './member-client.js';
import { endorsersOf, partsOfPrepared } from './transaction-parts.js';

const { VALID, ENDORSEMENT_POLICY_FAILURE, MVCC_READ_CONFLICT } = peer.TxValidationCode;

/** Keys that ask for endorsers of their own. */
export function describeKeyPolicies(ledger: () => LedgerUnderTest): void {
  describePolicyValues(ledger);
  describePolicyChecks(ledger);
}

function describePolicyValues(ledger: () => LedgerUnderTest): void {
  describe('a key with an endorsement policy of its own', () => {
    const client = useMember(ledger, HOSPITAL_A);

    it('tells it, and has none before or after it was deleted', async () => {
      await client().submit(calls('put told x'));
      expect(await client().evaluate(calls('policy told'))).toEqual([[]]);
      await client().submit([['setPolicy', 'told', [HOSPITAL_B, GOVERNMENT]]]);
      expect(await client().evaluate(calls('policy told'))).toEqual([[GOVERNMENT, HOSPITAL_B]]);
      await submitAs(client(), calls('delete told'), [HOSPITAL_B, GOVERNMENT]);
      await client().submit(calls('put told again'));
      expect(await client().evaluate(calls('policy told, get told'))).toEqual([[], 'again']);
    });

    it('keeps it when its value changes, and its value when it changes', async () => {
      await client().submit([
        ['put', 'kept', 'one'],
        ['setPolicy', 'kept', [HOSPITAL_A]],
      ]);
      await submitAs(client(), calls('put kept two'), [HOSPITAL_A]);
      expect(await client().evaluate(calls('policy kept, get kept'))).toEqual([[HOSPITAL_A], 'two']);
      await submitAs(client(), [['setPolicy', 'kept', [HOSPITAL_B]]], [HOSPITAL_A]);
      expect(await client().evaluate(calls('policy kept, get kept'))).toEqual([[HOSPITAL_B], 'two']);
      const [changes] = await client().evaluate(calls('history kept'));
      expect(changes).toMatchObject([{ value: 'two' }, { value: 'one' }]);
    });

    it('takes none when there is no such key', async () => {
      expect(await client().submit([['setPolicy', 'nowhere', [HOSPITAL_B]]])).toMatchObject({ code: VALID });
      expect(await client().evaluate(calls('policy nowhere, get nowhere'))).toEqual([[], '']);
    });
  });
}

function describePolicyChecks(ledger: () => LedgerUnderTest): void {
  describe('a key whose policy names an organisation', () => {
    const client = useMember(ledger, HOSPITAL_A);

    it.each([
      { named: [HOSPITAL_B], line: 'put guarded y', code: VALID },
      { named: [HOSPITAL_A, GOVERNMENT], line: 'put guarded z', code: ENDORSEMENT_POLICY_FAILURE },
      { named: [HOSPITAL_A, GOVERNMENT], line: 'delete guarded', code: ENDORSEMENT_POLICY_FAILURE },
      { named: [HOSPITAL_B], line: 'put guarded y, put unguarded y', code: ENDORSEMENT_POLICY_FAILURE },
      { named: [HOSPITAL_A, HOSPITAL_B], line: 'put guarded y, put unguarded y', code: VALID },
      { named: [HOSPITAL_A, GOVERNMENT], line: 'get guarded, put unguarded y', code: VALID },
    ])('is written by $named with "$line": $code', async ({ named, line, code }) => {
      const key = `guarded-${named.length}-${line.length}`;
      await client().submit([
        ['put', key, 'x'],
        ['setPolicy', key, [HOSPITAL_B]],
      ]);
      const run = calls(line).map(
        ([name, ...args]): StubCall => [name, ...args.map((argument) => (argument === 'guarded' ? key : argument))],
      );
      expect(await submitAs(client(), run, named)).toBe(code);
    });

    it('is written only by those who may when its policy changes', async () => {
      await client().submit([
        ['put', 'handed', 'x'],
        ['setPolicy', 'handed', [HOSPITAL_B]],
      ]);
      const change: StubCall[] = [['setPolicy', 'handed', [HOSPITAL_A]]];
      expect(await submitAs(client(), change, [HOSPITAL_A, GOVERNMENT])).toBe(ENDORSEMENT_POLICY_FAILURE);
      expect(await submitAs(client(), change, [HOSPITAL_B])).toBe(VALID);
      expect(await submitAs(client(), calls('put handed y'), [HOSPITAL_A])).toBe(VALID);
    });

    it('gives its key a new version when it changes', async () => {
      await client().submit(calls('put versioned x'));
      const late = await client().endorse(calls('get versioned, put versioned-copy x'));
      await client().submit([['setPolicy', 'versioned', [HOSPITAL_A]]]);
      expect((await committed(client(), late)).code).toBe(MVCC_READ_CONFLICT);
    });

    it('is endorsed by those it names, without being told', async () => {
      await client().submit([
        ['put', 'planned', 'x'],
        ['setPolicy', 'planned', [HOSPITAL_B, GOVERNMENT]],
      ]);
      const both = await client().endorse(calls('put planned y'));
      expect(endorsersOf(partsOfPrepared(both.getBytes())).sort()).toEqual([GOVERNMENT, HOSPITAL_B]);
      expect((await committed(client(), both)).code).toBe(VALID);
      const withAnother = await client().endorse(calls('put planned z, put unplanned z'));
      expect(endorsersOf(partsOfPrepared(withAnother.getBytes())).sort()).toEqual([GOVERNMENT, HOSPITAL_B]);
      expect((await committed(client(), withAnother)).code).toBe(VALID);
    });
  });
}

async function submitAs(client: MemberClient, run: readonly StubCall[], named: readonly string[]): Promise<number> {
  return (await client.submit(run, { endorsingOrganizations: [...named] })).code;
}
