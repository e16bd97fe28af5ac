/** A grant that a patient of the demonstration gives. */
export interface DemoGrant {
  readonly name: string;
  readonly granteeId: string;
  readonly classes?: readonly string[];
  readonly purpose: string;
}

const YEAR_MS = 365 * 24 * 3600 * 1000;
const FAMILY_DOCTOR: DemoGrant = { name: 'family-doctor', granteeId: 'doctor-a', purpose: 'TREAT' };
const INSURANCE: DemoGrant = {
  name: 'insurance',
  granteeId: 'insurer-1',
  classes: ['Claim', 'ExplanationOfBenefit'],
  purpose: 'HPAYMT',
};

const GRANTS: ReadonlyMap<string, readonly DemoGrant[]> = new Map([
  ['alyson', [FAMILY_DOCTOR, INSURANCE]],
  ['celia', [FAMILY_DOCTOR]],
  ['doloris', [FAMILY_DOCTOR]],
]);

export function demoGrants(bundle: string): readonly DemoGrant[] {
  return GRANTS.get(bundle) ?? [];
}

/** The body of `POST /v1/patients/{id}/grants`, for one year. */
export function grantBodyOf({ granteeId, classes, purpose }: DemoGrant, nowMs: number): object {
  return {
    grantee: { kind: 'person', id: granteeId },
    actions: ['read'],
    scope: classes === undefined ? {} : { classes },
    purpose,
    until: new Date(nowMs + YEAR_MS).toISOString(),
  };
}
