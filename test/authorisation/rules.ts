/**
 * Who asks. By the certificate: staff of each role, somebody whom no register names, a client without attributes.
 * At a gateway: somebody who has not signed in.
 */
export const ASKERS = [
  'patient',
  'doctor',
  'nurse',
  'insurer',
  'government',
  'auditor',
  'admin',
  'unregistered',
  'no-attributes',
  'nobody',
] as const;
export type Asker = (typeof ASKERS)[number];

/** What the asker is to the patient whom the call is about. */
export const RELATIONS = ['own', 'other', 'granted', 'delegated', 'represented', 'expired', 'revoked'] as const;
export type Relation = (typeof RELATIONS)[number];

export type Case = `${Asker}/${Relation}`;

/** `permit`; `nothing`: answered, and empty; or the code of the refusal. */
export type Verdict = string;

/** One asker, one relation, or `*` for all of either. */
export type CasePattern = `${Asker | '*'}/${Relation | '*'}`;
export type Rule = readonly [who: CasePattern, verdict: Verdict];

/** By target (a chaincode function, a route): the first rule that fits a case says what must happen. */
export type Matrix<Target extends string> = Readonly<Record<Target, readonly Rule[]>>;

/** Patients can be in every relation; who takes no grants, and who is unknown, in none. */
export const CASES: readonly Case[] = [
  ...RELATIONS.map((relation): Case => `patient/${relation}`),
  ...(['doctor', 'nurse', 'insurer', 'government'] as const).flatMap((asker) =>
    RELATIONS.filter((relation) => relation !== 'own').map((relation): Case => `${asker}/${relation}`),
  ),
  ...(['auditor', 'admin', 'unregistered', 'no-attributes'] as const).map((asker): Case => `${asker}/other`),
];

/** At a gateway nobody signs in whom the register does not name. */
export const ROUTE_CASES: readonly Case[] = [
  ...CASES.filter((asked) => !asked.startsWith('unregistered/') && !asked.startsWith('no-attributes/')),
  'nobody/other',
];

/** The patient, and who represents it. */
export const BY_THE_PATIENT: readonly Rule[] = [
  ['*/own', 'permit'],
  ['*/represented', 'permit'],
  ['*/*', 'NOT_THE_PATIENT'],
];

/** Those whom the patient lets act. */
export const HOLDING: readonly Rule[] = [
  ['*/own', 'permit'],
  ['*/represented', 'permit'],
  ['*/granted', 'permit'],
  ['*/delegated', 'permit'],
];

/** What all others are told where it matters whether they were let. */
export const ENDED: readonly Rule[] = [
  ['*/expired', 'GRANT_ENDED'],
  ['*/revoked', 'GRANT_ENDED'],
  ['*/*', 'NO_GRANT'],
];

export const NEITHER_AUDITORS_NOR_ADMINS: readonly Rule[] = [
  ['auditor/*', 'ROLE_NOT_ALLOWED'],
  ['admin/*', 'ROLE_NOT_ALLOWED'],
];

/** @throws Error where no rule fits: a matrix says something of every case */
export function verdictFor(rules: readonly Rule[], asked: Case): Verdict {
  return ruleFor(rules, asked)[1];
}

/** The first one that fits. @throws Error where none does */
export function ruleFor(rules: readonly Rule[], asked: Case): Rule {
  const rule = rules.find(([pattern]) => fits(pattern, asked));
  if (rule === undefined) throw new Error(`no rule fits ${asked}`);
  return rule;
}

function fits(pattern: CasePattern, asked: Case): boolean {
  const [asker, relation] = pattern.split('/');
  const [givenAsker, givenRelation] = asked.split('/');
  return (asker === '*' || asker === givenAsker) && (relation === '*' || relation === givenRelation);
}
