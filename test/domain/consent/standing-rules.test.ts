import { describe, expect, it } from '@jest/globals';
import {
  type AccessRequest,
  type Consents,
  decideAccess,
  decideListing,
  type Grant,
  isLive,
  mayActFor,
  PURPOSES,
} from '@medledger/chaincode/domain';
import fc from 'fast-check';
import {
  DOCTOR,
  FROM_MS,
  mid,
  repId,
  SAMPLE_RECORD,
  sampleConsents,
  sampleGrant,
  samplePolicy,
  sampleRepresentation,
  sampleRequest,
  UNTIL_MS,
} from './grant-samples.js';
import { consentsOfAnyPatient, requests } from './random-consents.js';

const codeOf = (request: Partial<AccessRequest>, consents: Partial<Consents>): string => {
  const decision = decideAccess(sampleRequest(request), sampleConsents(consents));
  return decision.outcome === 'permit' ? decision.basis.kind : decision.code;
};
const granted = (changes: Partial<Grant> = {}) => ({ grants: [sampleGrant(changes)] });

describe('the default of the policy', () => {
  const rule = { kind: 'permit', roles: ['doctor'], purposes: ['TREAT'], scope: {}, registerVersion: 1 } as const;
  const policy = samplePolicy({ defaultRule: rule });

  it.each<{ name: string; request?: Partial<AccessRequest>; said?: Partial<Consents>; code: string }>([
    { name: 'a doctor, for treatment', code: 'policy' },
    { name: 'a doctor to whom a grant speaks', said: granted(), code: 'grant' },
    { name: 'a nurse', request: { actor: { ...DOCTOR, role: 'nurse' } }, code: 'NO_GRANT' },
    { name: 'another purpose', request: { purpose: 'HPAYMT' }, code: 'PURPOSE_NOT_GRANTED' },
    { name: 'adding', request: { action: 'add' }, code: 'NO_GRANT' },
    { name: 'a restricted record', request: { record: { ...SAMPLE_RECORD, label: 'R' } }, code: 'NO_GRANT' },
    {
      name: 'a restricted record, whatever the rule says of labels',
      request: { record: { ...SAMPLE_RECORD, label: 'R' } },
      said: { policy: samplePolicy({ defaultRule: { ...rule, scope: { labels: ['N', 'R'] } } }) },
      code: 'NO_GRANT',
    },
    { name: 'a doctor named later', request: { actor: { ...DOCTOR, registerVersion: 2 } }, code: 'NOTICE_MISSING' },
  ])('$name: $code', ({ request = {}, said = {}, code }) => {
    expect(codeOf(request, { policy, ...said })).toBe(code);
  });
});

describe('who acts for the patient', () => {
  it.each([
    { name: 'before it begins', atMs: FROM_MS - 1, kind: undefined },
    { name: 'from its beginning', atMs: FROM_MS, kind: 'representation' },
    { name: 'until its end', atMs: UNTIL_MS, kind: undefined },
  ])('$name: $kind', ({ atMs, kind }) => {
    expect(
      mayActFor(DOCTOR, mid('p-1'), sampleConsents({ representations: [sampleRepresentation()] }), atMs)?.kind,
    ).toBe(kind);
  });

  it('nobody by a representation that was taken back', () => {
    const representations = [sampleRepresentation({ revoked: true })];
    expect(mayActFor(DOCTOR, mid('p-1'), { representations }, FROM_MS)).toBeUndefined();
  });

  it('by the representation that lasts longest, and of equals by the lowest id', () => {
    const representations = [2, 1].map((seed) => sampleRepresentation({ representationId: repId(seed) }));
    expect(mayActFor(DOCTOR, mid('p-1'), { representations }, FROM_MS)).toMatchObject({ representationId: repId(1) });
  });
});

describe('decideListing', () => {
  it('lets see what some live rule lets open, for whatever purpose', () => {
    fc.assert(
      fc.property(requests, consentsOfAnyPatient, ({ actor, patientId, record, atMs }, consents) => {
        const asked = { actor, patientId, record, atMs };
        const emergencies = consents.emergencies.map(({ emergencyId }) => ({ emergencyId }));
        const canOpen = PURPOSES.some((purpose) =>
          [{}, ...emergencies].some(
            (emergency) =>
              decideAccess({ ...asked, ...emergency, action: 'read', purpose }, consents).outcome === 'permit',
          ),
        );
        expect(decideListing(asked, consents)).toBe(canOpen);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('isLive', () => {
  it('is false of a grant that ends when it begins', () => {
    expect(isLive(sampleGrant({ fromMs: 5, untilMs: 5 }), 5)).toBe(false);
  });
});
