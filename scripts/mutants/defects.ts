/** A mistake that somebody could make, as one or more exact changes of the source, and the tests that must see it. */
export interface Defect {
  readonly name: string;
  readonly changes: readonly { readonly file: string; readonly from: string; readonly to: string }[];
  /** Test files, of which at least one test must fail. */
  readonly tests: readonly string[];
}

const DOMAIN = 'chaincode/domain/consent';
const RULES = 'test/domain/consent/access-policy.test.ts';

/** The seven of the consent model. A `from` that is not in its file stops the run: defects move with the code. */
export const DEFECTS: readonly Defect[] = [
  {
    name: 'skip the revocation check',
    changes: [
      {
        file: `${DOMAIN}/grant.ts`,
        from: 'return !given.revoked && given.fromMs <= atMs',
        to: 'return given.fromMs <= atMs',
      },
    ],
    tests: [RULES, 'test/chaincode/access.test.ts'],
  },
  {
    name: 'ignore an exclusion',
    changes: [{ file: `${DOMAIN}/access-policy.ts`, from: 'coversExcluded(scope, record)))', to: 'false))' }],
    tests: [RULES, 'test/chaincode/policy.test.ts'],
  },
  {
    name: 'let a child outlive its parent',
    changes: [
      {
        file: `${DOMAIN}/candidate.ts`,
        from: 'untilMs: Math.min(child.untilMs, parent.untilMs)',
        to: 'untilMs: child.untilMs',
      },
      {
        file: `${DOMAIN}/candidate.ts`,
        from: 'revoked: child.revoked || parent.revoked',
        to: 'revoked: child.revoked',
      },
    ],
    tests: [RULES, 'test/chaincode/delegations.test.ts'],
  },
  {
    name: 'count a use after the answer',
    changes: [
      { file: 'chaincode/contracts/access/open-records.ts', from: 'writes: () => spending', to: 'writes: () => []' },
    ],
    tests: ['test/chaincode/uses.test.ts'],
  },
  {
    name: 'fail open without a policy',
    changes: [
      {
        file: `${DOMAIN}/emergency-rule.ts`,
        from: 'if (policy?.emergency.allowed !== true ||',
        to: 'if (policy?.emergency.allowed === false ||',
      },
      {
        file: `${DOMAIN}/emergency-rule.ts`,
        from: '  const { policy } = consents;\n',
        to: "  const { policy = { version: 0, emergency: { allowed: true, labels: ['N'], excludedClasses: [] } } } = consents;\n",
      },
    ],
    tests: ['test/domain/consent/emergency.test.ts', 'test/chaincode/emergencies.test.ts'],
  },
  {
    name: 'trust the role argument',
    changes: [
      {
        file: 'chaincode/state/register-store.ts',
        from: "    member.role === caller.role ? '' : 'role',\n",
        to: '',
      },
      {
        file: 'chaincode/state/register-store.ts',
        from: 'differs from the register`);\n  return member;\n}',
        to: 'differs from the register`);\n  return { ...member, role: caller.role };\n}',
      },
    ],
    tests: ['test/chaincode/lane.test.ts'],
  },
  {
    name: 'skip the statement',
    changes: [
      {
        file: 'chaincode/contracts/signed-statement.ts',
        from: '  requireSignature(signed, signer.signingKey, verifySignature);\n',
        to: '',
      },
    ],
    tests: ['test/chaincode/grants.test.ts'],
  },
];
