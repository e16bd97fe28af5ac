import { describe, expect, it } from '@jest/globals';
import {
  type AccessDecision,
  type AccessRequest,
  type DenyCode,
  decideAccess,
  decideListing,
  type Grant,
  isLive,
  type MemberId,
} from '@medledger/chaincode/domain';
import fc from 'fast-check';
import { FROM_MS, gid, grants, requests, rid, sampleGrant, sampleRequest, UNTIL_MS } from './grant-samples.js';

const grantLists = fc.uniqueArray(grants, { maxLength: 6, selector: (grant) => grant.grantId });

/** The rule again, in the words of design §6, one condition at a time and without a shared line. */
function isUseful(grant: Grant, request: AccessRequest): { about: boolean; forPurpose: boolean; live: boolean } {
  const { record, actor } = request;
  const conditions = [
    grant.patientId === request.patientId,
    (grant.grantee.kind === 'person' && grant.grantee.id === actor.memberId) ||
      (grant.grantee.kind === 'agency' && actor.agencyId !== undefined && grant.grantee.id === actor.agencyId),
    grant.actions.some((action) => action === request.action),
    !grant.scope.classes || grant.scope.classes.indexOf(record.class) >= 0,
    !grant.scope.records || ('recordId' in record && grant.scope.records.indexOf(record.recordId) >= 0),
    grant.scope.labels ? grant.scope.labels.indexOf(record.label) >= 0 : record.label === 'N',
  ];
  const live = grant.revoked === false && request.atMs >= grant.fromMs && request.atMs < grant.untilMs;
  return { about: !conditions.includes(false), forPurpose: grant.purpose === request.purpose, live };
}

function oracle(request: AccessRequest, given: readonly Grant[]): AccessDecision {
  if (request.actor.memberId === request.patientId) return { outcome: 'permit', basis: { kind: 'own' } };
  const judged = given.map((grant) => ({ grant, ...isUseful(grant, request) })).filter(({ about }) => about);
  const fitting = judged.filter(({ forPurpose }) => forPurpose);
  const live = fitting.filter((judgement) => judgement.live).map(({ grant }) => grant);
  const longest = Math.max(...live.map((grant) => grant.untilMs));
  const [best] = live.filter(({ untilMs }) => untilMs === longest).sort((a, b) => a.grantId.localeCompare(b.grantId));
  if (best) return { outcome: 'permit', basis: { kind: 'grant', grantId: best.grantId, version: best.version } };
  return {
    outcome: 'deny',
    code: missOf(judged, fitting, request.atMs),
  };
}

type Judged = { grant: Grant; live: boolean };

function missOf(about: readonly Judged[], fitting: readonly Judged[], atMs: number): DenyCode {
  if (about.length === 0) return 'NO_GRANT';
  if (fitting.length === 0) return about.some(({ live }) => live) ? 'PURPOSE_NOT_GRANTED' : 'GRANT_ENDED';
  const later = fitting.some(({ grant }) => grant.revoked === false && atMs < grant.fromMs);
  return later ? 'GRANT_NOT_STARTED' : 'GRANT_ENDED';
}

describe('decideAccess', () => {
  it('decides as the written rule does, for every request and any grants', () => {
    fc.assert(
      fc.property(requests, grantLists, (request, given) => {
        expect(decideAccess(request, given)).toEqual(oracle(request, given));
      }),
      { numRuns: 5000 },
    );
  });

  it.each([
    { name: 'one millisecond before the beginning', atMs: FROM_MS - 1, expected: 'GRANT_NOT_STARTED' },
    { name: 'at the beginning', atMs: FROM_MS, expected: 'permit' },
    { name: 'one millisecond before the end', atMs: UNTIL_MS - 1, expected: 'permit' },
    { name: 'at the end', atMs: UNTIL_MS, expected: 'GRANT_ENDED' },
  ])('$name: $expected', ({ atMs, expected }) => {
    const decision = decideAccess(sampleRequest({ atMs }), [sampleGrant()]);
    expect(decision.outcome === 'permit' ? 'permit' : decision.code).toBe(expected);
  });

  it.each<{ name: string; grant: Partial<Grant>; request: Partial<AccessRequest>; code: string }>([
    { name: 'no grant at all', grant: { patientId: 'p-2' as MemberId }, request: {}, code: 'NO_GRANT' },
    {
      name: 'a grant to somebody else',
      grant: { grantee: { kind: 'person', id: 'dr-b' } },
      request: {},
      code: 'NO_GRANT',
    },
    {
      name: 'an agency of that name',
      grant: { grantee: { kind: 'agency', id: 'dr-a' } },
      request: {},
      code: 'NO_GRANT',
    },
    { name: 'a grant to add', grant: { actions: ['add'] }, request: {}, code: 'NO_GRANT' },
    { name: 'a grant for other classes', grant: { scope: { classes: ['Claim'] } }, request: {}, code: 'NO_GRANT' },
    { name: 'another purpose', grant: {}, request: { purpose: 'HPAYMT' }, code: 'PURPOSE_NOT_GRANTED' },
    {
      name: 'a revoked grant for another purpose',
      grant: { revoked: true },
      request: { purpose: 'HPAYMT' },
      code: 'GRANT_ENDED',
    },
    { name: 'a revoked grant', grant: { revoked: true }, request: {}, code: 'GRANT_ENDED' },
    { name: 'a revoked grant that has not begun', grant: { revoked: true }, request: { atMs: 0 }, code: 'GRANT_ENDED' },
  ])('refuses with $name: $code', ({ grant, request, code }) => {
    expect(decideAccess(sampleRequest(request), [sampleGrant(grant)])).toEqual({ outcome: 'deny', code });
  });

  it('lets the patient do anything with own records, without a grant', () => {
    const own = sampleRequest({ actor: { memberId: 'p-1' as MemberId } });
    expect(decideAccess(own, [])).toEqual({ outcome: 'permit', basis: { kind: 'own' } });
  });

  it('names the version that was signed last', () => {
    expect(decideAccess(sampleRequest(), [sampleGrant({ version: 3 })])).toMatchObject({ basis: { version: 3 } });
  });

  it('rests on the grant that lasts longest, and of equals on the lowest id', () => {
    const given = [
      sampleGrant({ grantId: gid(3), untilMs: UNTIL_MS }),
      sampleGrant({ grantId: gid(2), untilMs: UNTIL_MS }),
      sampleGrant({ grantId: gid(1), untilMs: UNTIL_MS - 1 }),
    ];
    expect(decideAccess(sampleRequest(), given)).toMatchObject({ basis: { grantId: gid(2) } });
  });
});

describe('decideAccess, whatever is given', () => {
  it('is not changed by a grant that is about something else', () => {
    fc.assert(
      fc.property(requests, grantLists, grants, (request, given, other) => {
        fc.pre(!isUseful(other, request).about);
        expect(decideAccess(request, [...given, other])).toEqual(decideAccess(request, given));
      }),
    );
  });

  it('is not changed by the order of grants', () => {
    fc.assert(
      fc.property(requests, grantLists, (request, given) => {
        expect(decideAccess(request, [...given].reverse())).toEqual(decideAccess(request, given));
      }),
    );
  });

  it('never permits by a revoked or ended grant', () => {
    fc.assert(
      fc.property(requests, grantLists, (request, given) => {
        const dead = given.map((grant) => (grant.untilMs <= request.atMs ? grant : { ...grant, revoked: true }));
        const decision = decideAccess(request, dead);
        expect(decision.outcome === 'permit' && decision.basis.kind === 'grant').toBe(false);
      }),
    );
  });

  it('permits no more after a revocation than before it', () => {
    fc.assert(
      fc.property(requests, grantLists, fc.nat(), (request, given, at) => {
        const after = given.map((grant, index) => (index === at % given.length ? { ...grant, revoked: true } : grant));
        if (decideAccess(request, given).outcome === 'deny') expect(decideAccess(request, after).outcome).toBe('deny');
      }),
    );
  });
});

describe('decideListing', () => {
  it('lets see what some live grant lets read, for whatever purpose', () => {
    fc.assert(
      fc.property(requests, grantLists, (request, given) => {
        const readable = (['TREAT', 'HPAYMT'] as const).some(
          (purpose) => decideAccess({ ...request, action: 'read', purpose }, given).outcome === 'permit',
        );
        expect(decideListing(request, given)).toBe(readable);
      }),
      { numRuns: 1000 },
    );
  });

  it('shows nothing to whom nothing is given, and everything to the patient', () => {
    expect(decideListing(sampleRequest(), [])).toBe(false);
    expect(decideListing(sampleRequest({ actor: { memberId: 'p-1' as MemberId } }), [])).toBe(true);
    expect(decideListing(sampleRequest(), [sampleGrant({ actions: ['add'] })])).toBe(false);
    expect(decideListing(sampleRequest(), [sampleGrant({ scope: { records: [rid(2)] } })])).toBe(false);
  });
});

describe('isLive', () => {
  it('is false of a grant that ends when it begins', () => {
    expect(isLive(sampleGrant({ fromMs: 5, untilMs: 5 }), 5)).toBe(false);
  });
});
