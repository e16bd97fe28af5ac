import { describe, expect, it } from '@jest/globals';
import {
  type Delegation,
  type Grant,
  type GrantBody,
  requireAlteration,
  requireGrantBody,
  requireOwnExclusionsKept,
  requireOwnMembershipKept,
  requirePassedOn,
  requireRepresentation,
} from '@medledger/chaincode/domain';
import {
  agency,
  cidOf,
  DOCTOR,
  excluding,
  FROM_MS,
  mid,
  sampleDelegation,
  sampleGrant,
  sampleGroup,
  sampleParent,
  samplePolicy,
  sampleRepresentation,
  UNTIL_MS,
} from './grant-samples.js';

const bodyOf = ({
  grantId: _id,
  patientId: _patient,
  version: _version,
  revoked: _revoked,
  ...body
}: Grant): GrantBody => body;
const body = (changes: Partial<GrantBody> = {}) => bodyOf(sampleGrant(changes));

describe('requireGrantBody', () => {
  const delegate = { kind: 'delegate', id: mid('dr-b') } as const;
  const doctors = { kind: 'role', id: 'doctor' } as const;

  it.each<{ name: string; given: Partial<GrantBody> }>([
    { name: 'a person', given: {} },
    { name: 'a person, so many times', given: { uses: 3 } },
    { name: 'a delegate', given: { grantee: delegate, actions: ['read', 'share'] } },
    { name: 'a role as the patient saw it', given: { grantee: doctors, registerVersion: 1 } },
    { name: 'a group of the patient', given: { grantee: { kind: 'group', id: cidOf(1) } } },
  ])('takes a grant to $name', ({ given }) => {
    expect(() => requireGrantBody(body(given))).not.toThrow();
  });

  it.each<{ name: string; given: Partial<GrantBody>; place: string }>([
    { name: 'sharing by a person', given: { actions: ['read', 'share'] }, place: 'actions' },
    { name: 'a delegate who may not share', given: { grantee: delegate }, place: 'actions' },
    { name: 'a delegate with nothing to share', given: { grantee: delegate, actions: ['share'] }, place: 'actions' },
    { name: 'a role that nobody looked at', given: { grantee: doctors }, place: 'registerVersion' },
    {
      name: 'an agency that nobody looked at',
      given: { grantee: { kind: 'agency', id: agency('clinic') } },
      place: 'registerVersion',
    },
    { name: 'a register for a person', given: { registerVersion: 1 }, place: 'registerVersion' },
    { name: 'a count of what is only added', given: { actions: ['add'], uses: 1 }, place: 'uses' },
  ])('refuses $name', ({ given, place }) => {
    expect(() => requireGrantBody(body(given))).toThrow(`INPUT_INVALID: /grant/${place} `);
  });
});

describe('requireAlteration', () => {
  const next = (changes: Partial<GrantBody> = {}, version = 2) => ({ version, body: body(changes) });

  it('takes the next version, narrower or wider, to the same grantee', () => {
    expect(() =>
      requireAlteration(sampleGrant(), next({ scope: { labels: ['N', 'R'] }, untilMs: UNTIL_MS + 1 }), FROM_MS),
    ).not.toThrow();
  });

  it.each<{ name: string; stored?: Partial<Grant>; given: ReturnType<typeof next>; atMs?: number; message: string }>([
    { name: 'of a revoked grant', stored: { revoked: true }, given: next(), message: 'GRANT_REVOKED: ' },
    { name: 'of an ended grant', given: next(), atMs: UNTIL_MS, message: 'GRANT_ENDED: ' },
    { name: 'at the same version', given: next({}, 1), message: 'VERSION_CONFLICT: ' },
    { name: 'two versions on', given: next({}, 3), message: 'VERSION_CONFLICT: ' },
    {
      name: 'to somebody else',
      given: next({ grantee: { kind: 'person', id: mid('dr-b') } }),
      message: 'INPUT_INVALID: /grant/grantee ',
    },
    {
      name: 'to the same person as delegate',
      given: next({ grantee: { kind: 'delegate', id: mid('dr-a') }, actions: ['read', 'share'] }),
      message: 'INPUT_INVALID: /grant/grantee ',
    },
    {
      name: 'to what no grant may say',
      given: next({ actions: ['share'] }),
      message: 'INPUT_INVALID: /grant/actions ',
    },
  ])('refuses one $name', ({ stored, given, atMs = FROM_MS, message }) => {
    expect(() => requireAlteration(sampleGrant(stored), given, atMs)).toThrow(message);
  });
});

describe('requirePassedOn', () => {
  const clinic = { kind: 'agency', id: agency('clinic') } as const;

  it('takes what lies within the parent', () => {
    expect(() => requirePassedOn(sampleDelegation(), sampleParent(), FROM_MS)).not.toThrow();
    const toAgency = sampleDelegation({ grantee: clinic, registerVersion: 1, scope: { classes: ['Claim'] } });
    expect(() => requirePassedOn(toAgency, sampleParent(), FROM_MS)).not.toThrow();
  });

  it('takes it before the parent begins', () => {
    expect(() => requirePassedOn(sampleDelegation(), sampleParent(), FROM_MS - 1)).not.toThrow();
  });

  it.each<{ name: string; child?: Partial<Delegation>; parent?: Partial<Grant>; atMs?: number; message: string }>([
    { name: 'what somebody else holds', child: { delegateId: mid('dr-c') }, message: 'NO_GRANT: ' },
    { name: 'what a person holds', parent: { grantee: { kind: 'person', id: mid('dr-b') } }, message: 'NO_GRANT: ' },
    { name: 'what was revoked', parent: { revoked: true }, message: 'GRANT_ENDED: ' },
    { name: 'what has ended', atMs: UNTIL_MS, message: 'GRANT_ENDED: ' },
    { name: 'more actions', child: { actions: ['read', 'add'] }, message: 'INPUT_INVALID: /delegation/actions ' },
    { name: 'a wider scope', child: { scope: { labels: ['N', 'R'] } }, message: 'INPUT_INVALID: /delegation/scope ' },
    { name: 'another purpose', child: { purpose: 'HPAYMT' }, message: 'INPUT_INVALID: /delegation/purpose ' },
    { name: 'an earlier beginning', child: { fromMs: FROM_MS - 1 }, message: 'INPUT_INVALID: /delegation/fromMs ' },
    { name: 'a later end', child: { untilMs: UNTIL_MS + 1 }, message: 'INPUT_INVALID: /delegation/untilMs ' },
    {
      name: 'to itself',
      child: { grantee: { kind: 'person', id: mid('dr-b') } },
      message: 'INPUT_INVALID: /delegation/grantee ',
    },
    {
      name: 'to the patient',
      child: { grantee: { kind: 'person', id: mid('p-1') } },
      message: 'INPUT_INVALID: /delegation/grantee ',
    },
    {
      name: 'to another delegate',
      child: { grantee: { kind: 'delegate', id: mid('dr-a') } },
      message: 'INPUT_INVALID: /delegation/grantee ',
    },
    {
      name: 'to an agency that nobody looked at',
      child: { grantee: clinic },
      message: 'INPUT_INVALID: /delegation/registerVersion ',
    },
  ])('refuses $name', ({ child, parent, atMs = FROM_MS, message }) => {
    expect(() => requirePassedOn(sampleDelegation(child), sampleParent(parent), atMs)).toThrow(message);
  });

  it('refuses what the patient never gave', () => {
    expect(() => requirePassedOn(sampleDelegation(), undefined, FROM_MS)).toThrow('NO_GRANT: ');
  });
});

describe('a representative', () => {
  it('is somebody else than the patient', () => {
    expect(() => requireRepresentation(sampleRepresentation(), mid('p-1'))).not.toThrow();
    expect(() => requireRepresentation(sampleRepresentation({ representative: mid('p-1') }), mid('p-1'))).toThrow(
      'INPUT_INVALID: ',
    );
  });

  it('keeps what excludes it, and may change what excludes others', () => {
    const stored = { policy: samplePolicy({ exclusions: [...excluding('dr-a'), ...excluding('dr-b')] }), groups: [] };
    expect(() =>
      requireOwnExclusionsKept(DOCTOR, samplePolicy({ exclusions: excluding('dr-a') }), stored),
    ).not.toThrow();
    for (const exclusions of [excluding('dr-b'), excluding('dr-a', { classes: ['Claim'] })])
      expect(() => requireOwnExclusionsKept(DOCTOR, samplePolicy({ exclusions }), stored)).toThrow('NOT_THE_PATIENT: ');
  });

  it('sets the first policy', () => {
    expect(() => requireOwnExclusionsKept(DOCTOR, samplePolicy(), { groups: [] })).not.toThrow();
  });

  it('stays in a group that it was put into', () => {
    const stored = sampleGroup(['dr-a', 'dr-b']);
    expect(() => requireOwnMembershipKept(DOCTOR, sampleGroup(['dr-a']), stored)).not.toThrow();
    expect(() => requireOwnMembershipKept(DOCTOR, sampleGroup([]), undefined)).not.toThrow();
    expect(() => requireOwnMembershipKept(DOCTOR, sampleGroup(['dr-b']), stored)).toThrow('NOT_THE_PATIENT: ');
  });
});
