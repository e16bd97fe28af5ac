import { describe, expect, it } from '@jest/globals';
import {
  type AccessRequest,
  type Consents,
  decideOpenings,
  type Grant,
  type RecordFacts,
} from '@medledger/chaincode/domain';
import fc from 'fast-check';
import {
  gid,
  rid,
  SAMPLE_RECORD,
  sampleConsents,
  sampleDelegation,
  sampleGrant,
  sampleParent,
  sampleRequest,
  UNTIL_MS,
} from './grant-samples.js';
import { wordOf } from './model/decision-word.js';
import { modelDecision } from './model/model-decision.js';
import { consentsOfAnyPatient, recordFacts, requests } from './random-consents.js';

const common = sampleRequest();
const records = [1, 2, 3].map((seed) => ({ ...SAMPLE_RECORD, recordId: rid(seed) }));
const open = (grants: readonly Grant[], used = {}) => decideOpenings(common, records, sampleConsents({ grants, used }));
const words = ({ decisions }: ReturnType<typeof open>) => decisions.map(wordOf);

describe('decideOpenings', () => {
  it('spends uses in the order of the records, and says what it spent', () => {
    const opened = open([sampleGrant({ uses: 2 })]);
    expect(words(opened)).toEqual([`permit grant ${gid(1)}`, `permit grant ${gid(1)}`, 'deny USES_SPENT']);
    expect(opened.spent).toEqual({ [gid(1)]: 2 });
  });

  it.each([
    { before: 1, permitted: 1 },
    { before: 2, permitted: 0 },
    { before: 3, permitted: 0 },
  ])('after $before of 2 uses it permits $permitted', ({ before, permitted }) => {
    const opened = open([sampleGrant({ uses: 2 })], { [gid(1)]: before });
    expect(words(opened).filter((word) => word.startsWith('permit'))).toHaveLength(permitted);
    expect(opened.spent).toEqual(permitted === 0 ? {} : { [gid(1)]: permitted });
  });

  it('spends nothing where a grant that counts nothing permits, however short', () => {
    const opened = open([sampleGrant({ uses: 2 }), sampleGrant({ grantId: gid(2), untilMs: UNTIL_MS - 1 })]);
    expect(words(opened)).toEqual(records.map(() => `permit grant ${gid(2)}`));
    expect(opened.spent).toEqual({});
  });

  it('goes on with the next grant when one is spent', () => {
    const opened = open([sampleGrant({ uses: 1 }), sampleGrant({ grantId: gid(2), uses: 1 })]);
    expect(words(opened)).toEqual([`permit grant ${gid(1)}`, `permit grant ${gid(2)}`, 'deny USES_SPENT']);
  });

  it('spends the parent of what was passed on', () => {
    const consents = sampleConsents({ grants: [sampleParent({ uses: 2 })], delegations: [sampleDelegation()] });
    const { spent, decisions } = decideOpenings(common, records, consents);
    expect(decisions.map(({ outcome }) => outcome)).toEqual(['permit', 'permit', 'deny']);
    expect(spent).toEqual({ [gid(1)]: 2 });
  });

  it('does not count what is added', () => {
    const consents = sampleConsents({ grants: [sampleGrant({ uses: 1, actions: ['add', 'read'] })] });
    const { spent, decisions } = decideOpenings({ ...common, action: 'add' }, records, consents);
    expect(decisions.every(({ outcome }) => outcome === 'permit')).toBe(true);
    expect(spent).toEqual({});
  });

  it('answers a record that is not there with RECORD_UNKNOWN, and spends nothing on it', () => {
    const consents = sampleConsents({ grants: [sampleGrant({ uses: 1 })] });
    const { decisions, spent } = decideOpenings(common, [undefined, SAMPLE_RECORD], consents);
    expect(decisions.map(wordOf)).toEqual(['deny RECORD_UNKNOWN', `permit grant ${gid(1)}`]);
    expect(spent).toEqual({ [gid(1)]: 1 });
  });

  it('never lets a grant be used more often than it says', () => {
    const facts = fc.array(recordFacts, { maxLength: 6 });
    fc.assert(
      fc.property(requests, facts, consentsOfAnyPatient, (asked, opened, consents) => {
        const { spent } = decideOpenings(asked, opened, consents);
        const total = ({ grantId }: Grant) => (consents.used[grantId] ?? 0) + (spent[grantId] ?? 0);
        const overspent = consents.grants.filter(
          (grant) => spent[grant.grantId] !== undefined && total(grant) > (grant.uses ?? 0),
        );
        expect(overspent).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  it('decides each record as the model does that counts as it goes', () => {
    const facts = fc.array(recordFacts, { maxLength: 6 });
    fc.assert(
      fc.property(requests, facts, consentsOfAnyPatient, (asked, opened, consents) => {
        const reading = { ...asked, action: 'read' as const };
        expect(decideOpenings(reading, opened, consents).decisions.map(wordOf)).toEqual(
          modelOpenings(reading, opened, consents),
        );
      }),
      { numRuns: 1000 },
    );
  });
});

function modelOpenings(asked: AccessRequest, opened: readonly RecordFacts[], consents: Consents): readonly string[] {
  const used = new Map(Object.entries(consents.used));
  return opened.map((record) => {
    const word = modelDecision({ ...asked, record }, { ...consents, used: Object.fromEntries(used) });
    const [, kind, id] = word.split(' ');
    const child = consents.delegations.find(({ delegationId }) => delegationId === id);
    const spent = kind === 'grant' ? id : child?.parentId;
    if (spent !== undefined) used.set(spent, (used.get(spent) ?? 0) + 1);
    return word;
  });
}
