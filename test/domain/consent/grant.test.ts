import { describe, expect, it } from '@jest/globals';
import {
  type AccessRequest,
  formatStatement,
  type GrantBody,
  grantBody,
  grantOf,
  isOpen,
  type MemberId,
  parseGrantStatement,
  parseRevocationStatement,
  type RequestId,
  type Statement,
  type StoredAccessRequest,
} from '@medledger/chaincode/domain';
import { gid, rid } from './grant-samples.js';

const body: GrantBody = {
  grantee: { kind: 'person', id: 'dr-a' as MemberId },
  actions: ['read', 'add'],
  scope: { classes: ['Observation'], labels: ['N', 'R'] },
  purpose: 'TREAT',
  fromMs: 1000,
  untilMs: 2000,
  requestId: `q${'00'.repeat(16)}` as RequestId,
};
const statement: Statement<object> = {
  channel: 'medledger',
  patientId: 'p-1' as MemberId,
  kind: 'grant',
  id: gid(1),
  version: 1,
  keyEpoch: 0,
  body,
};
const unsigned = (changes: Partial<Statement<object>>) => ({
  text: formatStatement({ ...statement, ...changes }),
  signature: '',
});
const revocation = unsigned({ kind: 'revocation', version: 2, body: {} });

describe('grantBody', () => {
  it('gives back every field', () => {
    expect(grantBody(body, '')).toEqual(body);
    expect(grantBody({ ...body, grantee: { kind: 'agency', id: 'clinic' } }, '').grantee.kind).toBe('agency');
  });

  it.each([
    { change: { uses: 0 }, message: 'INPUT_INVALID: /body/uses ' },
    { change: { grantee: { kind: 'role', id: 'admin' } }, message: 'INPUT_INVALID: /body/grantee/id ' },
    { change: { grantee: { kind: 'group', id: 'dr-a' } }, message: 'INPUT_INVALID: /body/grantee/id ' },
    {
      change: { grantee: { kind: 'person', id: 'dr-a', agencyId: 'x' } },
      message: 'INPUT_INVALID: /body/grantee/agencyId ',
    },
    { change: { registerVersion: 0 }, message: 'INPUT_INVALID: /body/registerVersion ' },
    { change: { scope: { labels: ['V'] } }, message: 'NOT_SUPPORTED: /body/scope/labels/0 ' },
    { change: { actions: [] }, message: 'INPUT_INVALID: /body/actions ' },
    { change: { actions: ['read', 'read'] }, message: 'INPUT_INVALID: /body/actions names an item twice' },
    { change: { actions: ['write'] }, message: 'INPUT_INVALID: /body/actions/0 ' },
    { change: { grantee: { kind: 'person', id: 'Dr A' } }, message: 'INPUT_INVALID: /body/grantee/id ' },
    { change: { grantee: { kind: 'agency', id: 'a~b' } }, message: 'INPUT_INVALID: /body/grantee/id ' },
    { change: { purpose: 'FUN' }, message: 'INPUT_INVALID: /body/purpose ' },
    { change: { untilMs: undefined }, message: 'INPUT_INVALID: /body/untilMs ' },
    { change: { untilMs: 1000 }, message: 'INPUT_INVALID: /body/untilMs must be after fromMs' },
    { change: { requestId: gid(1) }, message: 'INPUT_INVALID: /body/requestId ' },
    { change: { note: 'x' }, message: 'INPUT_INVALID: /body/note is not a known member' },
  ])('refuses $change', ({ change, message }) => {
    expect(() => grantBody({ ...body, ...change }, '/body')).toThrow(message);
  });

  it('may last one millisecond', () => {
    expect(grantBody({ ...body, untilMs: 1001 }, '').untilMs).toBe(1001);
  });
});

describe('grant and revocation statements', () => {
  it('are read for what they are', () => {
    expect(parseGrantStatement(unsigned({}).text)).toEqual(statement);
    expect(parseRevocationStatement(revocation.text)).toMatchObject({
      id: gid(1),
      kind: 'revocation',
      takes: 'grant',
      version: 2,
    });
  });

  it.each([
    { name: 'a revocation as a grant', parse: () => parseGrantStatement(revocation.text) },
    { name: 'a grant as a revocation', parse: () => parseRevocationStatement(unsigned({}).text) },
    {
      name: 'kind revocation over a grant body',
      parse: () => parseGrantStatement(unsigned({ kind: 'revocation' }).text),
    },
    { name: 'kind grant over an empty body', parse: () => parseRevocationStatement(unsigned({ body: {} }).text) },
    { name: 'the id of a request', parse: () => parseGrantStatement(unsigned({ id: `q${'00'.repeat(16)}` }).text) },
  ])('refuse $name', ({ parse }) => {
    expect(parse).toThrow(/^STATEMENT_INVALID: /);
  });

  it('say NOT_SUPPORTED of a field without a rule', () => {
    const text = unsigned({ body: { ...body, scope: { labels: ['V'] } } }).text;
    expect(() => parseGrantStatement(text)).toThrow('NOT_SUPPORTED: /statement/body/scope/labels/0');
  });
});

describe('grantOf', () => {
  it('is what was signed', () => {
    expect(grantOf({ grant: unsigned({}) })).toEqual({
      ...body,
      grantId: gid(1),
      patientId: 'p-1',
      version: 1,
      revoked: false,
    });
  });

  it('is revoked, at the version of the revocation, once there is one', () => {
    expect(grantOf({ grant: unsigned({}), revocation })).toMatchObject({ ...body, version: 2, revoked: true });
  });

  it('is nothing with the revocation of another grant', () => {
    const other = unsigned({ kind: 'revocation', id: gid(2), version: 2, body: {} });
    expect(() => grantOf({ grant: unsigned({}), revocation: other })).toThrow('STATEMENT_INVALID: ');
  });
});

describe('isOpen', () => {
  const asked: StoredAccessRequest = {
    requestId: `q${'00'.repeat(16)}` as RequestId,
    patientId: 'p-1' as AccessRequest['patientId'],
    requesterId: 'dr-a' as MemberId,
    actions: ['read'],
    scope: { records: [rid(1)] },
    purpose: 'TREAT',
    untilMs: 2000,
    reasonSha256: '00'.repeat(32),
    reasonCid: 'bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi',
    requestedAtMs: 1000,
    status: 'pending',
  };

  it.each([
    { status: 'pending', atMs: 1999, open: true },
    { status: 'pending', atMs: 2000, open: false },
    { status: 'approved', atMs: 1999, open: false },
    { status: 'refused', atMs: 1999, open: false },
  ] as const)('a $status request at $atMs: $open', ({ status, atMs, open }) => {
    expect(isOpen({ ...asked, status }, atMs)).toBe(open);
  });
});
