import { describe, expect, it } from '@jest/globals';
import {
  type ConsentsAnswer,
  consentsOf,
  formatStatement,
  NO_CONSENTS,
  parseDelegationStatement,
  parseEmergencyStatement,
  parseGroupStatement,
  parsePolicyStatement,
  parseRepresentationStatement,
  parseRevocationStatement,
  POLICY_ID,
  type SignedStatement,
  type Statement,
} from '@medledger/chaincode/domain';
import {
  cidOf,
  did,
  eid,
  gid,
  mid,
  repId,
  sampleConsents,
  sampleDelegation,
  sampleEmergency,
  sampleGrant,
  sampleGroup,
  samplePolicy,
  sampleRepresentation,
} from './grant-samples.js';

const say = (said: Partial<Statement<object>>): SignedStatement => {
  const common = {
    channel: 'medledger',
    patientId: mid('p-1'),
    kind: 'grant',
    id: gid(1),
    version: 1,
    keyEpoch: 0,
  } as const;
  return { text: formatStatement({ ...common, body: {}, ...said }), signature: '' };
};
const { grantId: _g, patientId: _p, version: _v, revoked: _r, ...grantBody } = sampleGrant();
const { version: _pv, ...policyBody } = samplePolicy();
const { delegationId: _d, delegateId: _dd, version: _dv, revoked: _dr, ...delegationBody } = sampleDelegation();
const { representationId: _i, version: _rv, revoked: _rr, ...representationBody } = sampleRepresentation();
const { emergencyId: _e, patientId: _ep, actorId: _a, ...emergencyBody } = sampleEmergency();

const policy = say({ kind: 'policy', id: POLICY_ID, body: policyBody });
const group = say({ kind: 'group', id: cidOf(1), body: { members: ['dr-a'] } });
const representation = say({ kind: 'representation', id: repId(1), body: representationBody });
const delegation = say({ kind: 'delegation', id: did(1), by: mid('dr-b'), body: delegationBody });
const declaration = say({ kind: 'emergency', id: eid(1), by: mid('dr-a'), body: emergencyBody });
const revocationOf = (id: string) => say({ kind: 'revocation', id, version: 2 });

const parsers: readonly { kind: string; parse: (text: string) => Statement<unknown>; signed: SignedStatement }[] = [
  { kind: 'policy', parse: parsePolicyStatement, signed: policy },
  { kind: 'group', parse: parseGroupStatement, signed: group },
  { kind: 'representation', parse: parseRepresentationStatement, signed: representation },
  { kind: 'delegation', parse: parseDelegationStatement, signed: delegation },
  { kind: 'emergency', parse: parseEmergencyStatement, signed: declaration },
  { kind: 'revocation', parse: parseRevocationStatement, signed: revocationOf(gid(1)) },
];

describe('statements', () => {
  it.each(parsers)('of kind $kind are read as what they are, and by no other reader', ({ kind, parse, signed }) => {
    expect(parse(signed.text).kind).toBe(kind);
    for (const other of parsers.filter((candidate) => candidate.kind !== kind))
      expect(() => parse(other.signed.text)).toThrow(/^STATEMENT_INVALID: /);
  });

  it.each(parsers)('of kind $kind with the id of another kind are refused', ({ parse, signed }) => {
    const text = signed.text.replace(/"id":"[a-z][0-9a-f]{32}"/, `"id":"q${'0'.repeat(32)}"`);
    expect(() => parse(text)).toThrow(/^STATEMENT_INVALID: /);
  });

  it('of a delegate or in an emergency name who signed', () => {
    const unsigned = { kind: 'delegation', id: did(1), body: delegationBody } as const;
    expect(() => parseDelegationStatement(say(unsigned).text)).toThrow('STATEMENT_INVALID: /statement/by');
    expect(() => parseDelegationStatement(say({ ...unsigned, by: mid('p-1') }).text)).toThrow('STATEMENT_INVALID: ');
    const declared = say({ kind: 'emergency', id: eid(1), body: emergencyBody });
    expect(() => parseEmergencyStatement(declared.text)).toThrow('STATEMENT_INVALID: /statement/by');
  });

  it('that appoint are signed by the patient alone', () => {
    const appointed = say({ kind: 'representation', id: repId(1), by: mid('dr-a'), body: representationBody });
    expect(() => parseRepresentationStatement(appointed.text)).toThrow('STATEMENT_INVALID: ');
  });

  it.each([
    { id: gid(1), takes: 'grant' },
    { id: did(1), takes: 'delegation' },
    { id: repId(1), takes: 'representation' },
  ])('of revocation take back a $takes by its id', ({ id, takes }) => {
    expect(parseRevocationStatement(revocationOf(id).text)).toMatchObject({ id, takes });
  });

  it('of a default give only what is labelled N', () => {
    const rule = {
      kind: 'permit',
      roles: ['doctor'],
      purposes: ['TREAT'],
      scope: { labels: ['R'] },
      registerVersion: 1,
    };
    const text = say({ kind: 'policy', id: POLICY_ID, body: { ...policyBody, defaultRule: rule } }).text;
    expect(() => parsePolicyStatement(text)).toThrow('/statement/body/defaultRule/scope/labels');
  });
});

describe('consentsOf', () => {
  const answer: ConsentsAnswer = {
    policy,
    grants: [{ grant: say({ body: grantBody }) }],
    delegations: [{ statement: delegation, revocation: revocationOf(did(1)) }],
    groups: [group],
    representations: [{ statement: representation }],
    emergencies: [{ declaration, declaredAtMs: 0, reviewDueMs: 0, txId: '' }],
    used: { [gid(1)]: 2 },
    noticed: { 'dr-a': 3 },
  };

  it('reads every statement, and what was taken back', () => {
    expect(consentsOf(answer)).toEqual(
      sampleConsents({
        policy: samplePolicy(),
        grants: [sampleGrant()],
        delegations: [sampleDelegation({ version: 2, revoked: true })],
        groups: [sampleGroup(['dr-a'])],
        representations: [sampleRepresentation()],
        emergencies: [sampleEmergency()],
        used: { [gid(1)]: 2 },
        noticed: { 'dr-a': 3 },
      }),
    );
  });

  it('is nothing of nothing', () => {
    const { policy: _policy, ...empty } = NO_CONSENTS;
    expect(
      consentsOf({ ...empty, grants: [], delegations: [], groups: [], representations: [], emergencies: [] }),
    ).toEqual(NO_CONSENTS);
  });
});
