import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { POLICY_ID, type Purpose } from '@medledger/chaincode/domain';
import { checkEvidence, type EvidenceFound } from '../../../gateway/custody/evidence-check.js';
import { CHANNEL, randomId, signFor, signStatement } from '../../support/chain-actor.js';
import {
  BASIS_CASES,
  signGroup,
  signPolicy,
  withCount,
  withDelegation,
  withEmergency,
  withRepresentation,
} from './basis-cases.js';
import { type Circle, HOUR_MS, makeCircle, NOW_MS, OpeningCase } from './opening-case.js';

let circle: Circle;
let opening: OpeningCase;
beforeAll(async () => {
  circle = await makeCircle();
});
beforeEach(() => {
  opening = new OpeningCase(circle);
});

function check(): EvidenceFound {
  const { basis, patientId, record, nowMs } = opening;
  return checkEvidence({
    basis,
    patientId,
    record,
    purpose: opening.purpose as Purpose,
    creatorKeyHash: opening.creator.keyHash,
    nowMs,
    channel: CHANNEL,
    evidence: opening.evidence(),
    pinned: circle.organisations.map(({ entry }) => entry),
  });
}

function verdict(): string {
  try {
    check();
    return 'believed';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

const DEFAULT = { kind: 'permit', roles: ['doctor'], purposes: ['TREAT'], scope: {}, registerVersion: 1 } as const;
const excluding = (who: object) => ({ exclusions: [{ who: who as never, scope: {} }] });
const atNow = { untilMs: NOW_MS };

describe('a permit that signatures bear out', () => {
  it.each(BASIS_CASES)('on $name is believed', ({ prepare }) => {
    prepare(opening);
    expect(verdict()).toBe('believed');
  });

  it.each(BASIS_CASES)('on $name is not believed of somebody else', ({ prepare }) => {
    prepare(opening);
    opening.creator = circle.otherDoctor;
    expect(verdict()).toBe('EVIDENCE_INVALID');
  });
});

describe('what the patient excludes', () => {
  it.each(BASIS_CASES.filter(({ name }) => !name.includes('representation')))('outweighs $name', ({ prepare }) => {
    prepare(opening);
    opening.further = {
      ...opening.further,
      policy: signPolicy(circle.patient, excluding({ kind: 'person', id: circle.doctor.memberId })),
    };
    expect(verdict()).toBe('EXCLUDED');
  });

  it('outweighs a representation', () => {
    withRepresentation(opening);
    const policy = signPolicy(circle.patient, excluding({ kind: 'person', id: circle.otherPatient.memberId }));
    opening.further = { ...opening.further, policy };
    expect(verdict()).toBe('EXCLUDED');
  });

  it('by agency, by role and by group', () => {
    const id = randomId<string>('c');
    const groups = [signGroup(circle.patient, id, [circle.doctor.memberId])];
    for (const who of [
      { kind: 'agency', id: 'practice-a' },
      { kind: 'role', id: 'doctor', agencyId: 'practice-a' },
      { kind: 'group', id },
    ]) {
      opening.further = { policy: signPolicy(circle.patient, excluding(who)), groups };
      expect(verdict()).toBe('EXCLUDED');
    }
  });

  it('by a group that the peer keeps back: nobody can tell whom', () => {
    const who = { kind: 'group', id: randomId<string>('c') };
    opening.further = { policy: signPolicy(circle.patient, excluding(who)) };
    expect(verdict()).toBe('EVIDENCE_INVALID');
  });

  it('a policy that the patient did not sign is not believed, and neither is the permit', () => {
    opening.further = { policy: signStatement(circle.otherPatient, forged()) };
    expect(verdict()).toBe('EVIDENCE_INVALID');
  });

  const forged = () => {
    const body = JSON.parse(signPolicy(circle.patient).text).body as object;
    return { kind: 'policy', id: POLICY_ID, body, patientId: circle.patient.memberId } as const;
  };
});

describe('a basis that no longer carries', () => {
  it.each<{ name: string; prepare: () => void; code: string }>([
    {
      name: 'an agency grant without the notice',
      prepare: () => {
        BASIS_CASES[1]?.prepare(opening);
        opening.further = {};
      },
      code: 'NOTICE_MISSING',
    },
    {
      name: 'an emergency that is over',
      prepare: () => withEmergency(opening, { body: atNow }),
      code: 'EMERGENCY_ENDED',
    },
    {
      name: 'an emergency for five hours',
      prepare: () => withEmergency(opening, { body: { untilMs: NOW_MS + 5 * HOUR_MS } }),
      code: 'EMERGENCY_NOT_ALLOWED',
    },
    {
      name: 'an emergency of a patient who opted out',
      prepare: () =>
        withEmergency(opening, { policy: { emergency: { allowed: false, labels: ['N'], excludedClasses: [] } } }),
      code: 'EMERGENCY_NOT_ALLOWED',
    },
    {
      name: 'an emergency beyond the ceiling',
      prepare: () =>
        withEmergency(opening, { policy: { emergency: { allowed: true, labels: ['R'], excludedClasses: [] } } }),
      code: 'EMERGENCY_NOT_ALLOWED',
    },
    {
      name: 'a representation that has ended',
      prepare: () => void withRepresentation(opening, atNow),
      code: 'NO_GRANT',
    },
    {
      name: 'a delegation whose parent has ended',
      prepare: () => void withDelegation(opening, { parent: { untilMs: NOW_MS } }),
      code: 'GRANT_ENDED',
    },
    {
      name: 'a delegation of another purpose than its parent',
      prepare: () => void withDelegation(opening, { parent: { purpose: 'HRESCH' } }),
      code: 'NO_GRANT',
    },
    {
      name: 'a delegation of a grant that is no delegate’s',
      prepare: () => void withDelegation(opening, { parent: { grantee: { kind: 'person', id: 'doctor-b' as never } } }),
      code: 'NO_GRANT',
    },
    { name: 'a grant used too often', prepare: () => withCount(opening, 3), code: 'USES_SPENT' },
    {
      name: 'a grant whose use was not counted',
      prepare: () => withCount(opening, undefined),
      code: 'EVIDENCE_INVALID',
    },
  ])('$name: $code', ({ prepare, code }) => {
    prepare();
    expect(verdict()).toBe(code);
  });
});

describe('a basis that was taken back or is not in evidence', () => {
  it('an emergency without a policy in evidence: not believed', () => {
    withEmergency(opening);
    const { policy: _policy, ...rest } = opening.further;
    opening.further = rest;
    expect(verdict()).toBe('EMERGENCY_NOT_ALLOWED');
  });

  it('a delegation that the delegate took back', () => {
    const id = withDelegation(opening);
    const revocation = signFor(circle.otherDoctor, circle.patient, { kind: 'revocation', id, version: 2, body: {} });
    const [given] = opening.further.delegations ?? [];
    if (given === undefined) throw new Error('no delegation');
    opening.further = { ...opening.further, delegations: [{ ...given, revocation }] };
    expect(verdict()).toBe('GRANT_ENDED');
  });

  it('a representation that the representative laid down', () => {
    const id = withRepresentation(opening);
    const { otherPatient, patient } = circle;
    const revocation = signFor(otherPatient, patient, { kind: 'revocation', id, version: 2, body: {} });
    const [given] = opening.further.representations ?? [];
    if (given === undefined) throw new Error('no representation');
    const signers = [{ member: opening.actor as never }];
    opening.further = { representations: [{ ...given, revocation }], signers };
    expect(verdict()).toBe('NO_GRANT');
  });
});

describe('who may say it', () => {
  it('a grant by somebody whom the patient never appointed is not believed', () => {
    const byRepresentative = BASIS_CASES.find(({ name }) => name.includes('by a representative'));
    byRepresentative?.prepare(opening);
    opening.further = { ...opening.further, representations: [] };
    expect(verdict()).toBe('EVIDENCE_INVALID');
  });

  it('a representation that the representative signed is not believed', () => {
    const id = withRepresentation(opening);
    const { otherPatient, patient } = circle;
    const body = { representative: otherPatient.memberId, fromMs: NOW_MS - HOUR_MS, untilMs: NOW_MS + HOUR_MS };
    const statement = signStatement(otherPatient, {
      kind: 'representation',
      id,
      body,
      patientId: patient.memberId,
    });
    opening.further = { representations: [{ statement }] };
    expect(verdict()).toBe('EVIDENCE_INVALID');
  });

  it('the default of the policy carries no permit that names a grant', () => {
    opening.further = { policy: signPolicy(circle.patient, { defaultRule: DEFAULT }) };
    opening.stored = { grant: signStatement(circle.patient, ended()) };
    expect(verdict()).toBe('GRANT_ENDED');
  });

  const ended = () => {
    const { text } = opening.stored?.grant ?? { text: '{}' };
    const { body } = JSON.parse(text) as { body: object };
    return { kind: 'grant', id: opening.grantId, body: { ...body, untilMs: NOW_MS } } as const;
  };

  it('a permit by a later version than the peer holds is not believed', () => {
    opening.basis = { kind: 'grant', grantId: opening.grantId as never, version: 2 };
    expect(verdict()).toBe('EVIDENCE_INVALID');
  });

  it('every statement that was relied upon is noted with its version', () => {
    withDelegation(opening);
    const ids = check().statements.map(({ id, version }) => `${id.split('~')[1]?.[0]}${version}`);
    expect(ids.sort()).toEqual(['d1', 'g1', 'y0']);
  });
});
