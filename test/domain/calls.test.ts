import { describe, expect, it } from '@jest/globals';
import {
  canonicalJson,
  limits,
  parseQueryInput,
  parseTransactionInput,
  QUERIES,
  type QueryName,
  toBase64url,
  TRANSACTIONS,
  type TransactionName,
} from '@medledger/chaincode/domain';
import { did, eid, gid, repId, rid } from './consent/grant-samples.js';
import { sampleRecord } from './record/sample-record.js';

const key32 = toBase64url(new Uint8Array(32));
const key91 = toBase64url(new Uint8Array(91));
const signed = { text: '{}', signature: toBase64url(new Uint8Array(64)) };
const authorSignature = signed.signature;
const register = { text: '{}', signatures: [{ mspId: 'AMSP', signature: signed.signature }] };
const setId = '0a'.repeat(16);
const requestId = `q${'00'.repeat(16)}`;
const patientId = 'p-1';
const cid = sampleRecord().cid;

const transactions: Record<TransactionName, object> = {
  'members:bootstrap': { register },
  'members:register': { register },
  'members:registerPatient': {
    patientId,
    salt: toBase64url(new Uint8Array(16)),
    signingKey: key91,
    encryptionKey: key32,
    keyCustody: 'own',
    policy: signed,
  },
  'records:add': { patientId, purpose: 'TREAT', setId, record: sampleRecord(), authorSignature },
  'records:addBatch': { patientId, purpose: 'TREAT', sets: [{ setId, records: [sampleRecord()], authorSignature }] },
  'access:open': { patientId, recordIds: [rid(1), rid(2)], purpose: 'TREAT', oneTimeKey: key32 },
  'access:emergency': { patientId, declaration: signed, recordIds: [], oneTimeKey: key32 },
  'access:review': {
    patientId,
    emergencyId: eid(1),
    finding: 'justified',
    commentSha256: '00'.repeat(32),
    commentCid: cid,
  },
  'consents:request': {
    patientId,
    requestId,
    grantee: { kind: 'agency', id: 'clinic' },
    actions: ['read'],
    scope: {},
    purpose: 'TREAT',
    untilMs: 1,
    reasonSha256: '00'.repeat(32),
    reasonCid: cid,
  },
  'consents:approve': { patientId, requestId, grant: signed },
  'consents:refuse': { patientId, requestId },
  'consents:grant': { patientId, grant: signed },
  'consents:alter': { patientId, grant: signed },
  'consents:revoke': { patientId, revocation: signed },
  'consents:setPolicy': { patientId, policy: signed },
  'consents:setGroup': { patientId, group: signed },
  'consents:appoint': { patientId, representation: signed },
  'consents:delegate': { patientId, delegation: signed },
  'consents:announce': { patientId },
  'audit:readLog': { patientId },
};
const head = { sequence: 0, previous: '00'.repeat(32), peaks: [], difficulty: 4096, timeMs: 0, windowStartMs: 0 };
const queries: Record<QueryName, object> = {
  'members:member': { memberId: 'dr-a' },
  'members:consortium': {},
  'members:staff': { agencyId: 'clinic', limit: 1 },
  'records:list': { patientId, class: 'Claim', fromMs: -1, toMs: 1, limit: 50, cursor: 'a~b-1' },
  'records:metadata': { recordIds: [rid(1)] },
  'records:versions': { recordId: rid(1) },
  'records:origin': { recordId: rid(1) },
  'records:locate': { recordIds: [rid(1)] },
  'consents:grants': { patientId, limit: 1 },
  'consents:requests': { limit: 200 },
  'consents:accessRequest': { requestId },
  'consents:all': { patientId },
  'consents:mine': { patientId },
  'consents:notices': { patientId, limit: 1 },
  'consents:locateGrant': { grantId: gid(1) },
  'consents:evidence': {
    patientId,
    memberId: 'dr-a',
    grantIds: [gid(1)],
    delegationIds: [did(1)],
    representationIds: [repId(1)],
    emergencyIds: [eid(1)],
  },
  'access:emergencies': { patientId, limit: 1 },
  'access:unreviewed': { agencyId: 'clinic' },
  'audit:head': { patientId: '-' },
  'audit:entry': { patientId, memberId: 'dr-a', sequence: 0 },
  'audit:lanes': { patientId },
  'audit:history': { patientId, limit: 1 },
  'audit:verifyLane': { patientId, memberId: 'dr-a', from: head },
};
const all = [
  ...Object.entries(transactions).map(([name, input]) => ({
    name,
    input,
    parse: (json: string) => parseTransactionInput(name as TransactionName, json) as unknown,
  })),
  ...Object.entries(queries).map(([name, input]) => ({
    name,
    input,
    parse: (json: string) => parseQueryInput(name as QueryName, json) as unknown,
  })),
];

describe('arguments', () => {
  it('are all sampled here', () => {
    expect(all.map(({ name }) => name)).toEqual([...Object.keys(TRANSACTIONS), ...Object.keys(QUERIES)]);
  });

  it.each(all)('of $name are read as they were written', ({ input, parse }) => {
    expect(parse(canonicalJson(input))).toEqual(input);
  });

  it.each(all)('of $name are refused with an unknown member, by its pointer', ({ input, parse }) => {
    expect(() => parse(canonicalJson({ ...input, zzz: 1 }))).toThrow('INPUT_INVALID: /zzz is not a known member');
    expect(() => parse(canonicalJson({ ...input, actorId: 'x' }))).toThrow('INPUT_INVALID: /actorId is not');
  });

  it.each(all)('of $name are refused in any but the canonical spelling', ({ input, parse }) => {
    const text = canonicalJson(input);
    for (const bad of [`${text} `, `${text}{}`, text.slice(0, -1), '', 'null', '[]', '"x"'])
      expect(() => parse(bad)).toThrow(/^(JSON_INVALID|INPUT_INVALID): /);
  });

  it.each(all.flatMap((call) => Object.keys(call.input).map((member) => ({ ...call, member }))))(
    'of $name are refused with a wrong $member, by its pointer',
    ({ input, parse, member }) => {
      expect(() => parse(canonicalJson({ ...input, [member]: { wrong: [1] } }))).toThrow(
        new RegExp(`^INPUT_INVALID: /${member}[ /]`),
      );
    },
  );
});

describe('records:addBatch', () => {
  const batch = (...counts: number[]) =>
    canonicalJson({
      patientId,
      purpose: 'TREAT',
      sets: counts.map((count, at) => ({
        setId: at.toString(16).padStart(32, '0'),
        records: Array.from({ length: count }, () => sampleRecord()),
        authorSignature,
      })),
    });

  it('takes 200 records in sets of 25, and refuses one more', () => {
    const full = Array<number>(limits.RECORDS_PER_BATCH_MAX / limits.RECORDS_PER_SET_MAX).fill(
      limits.RECORDS_PER_SET_MAX,
    );
    expect(parseTransactionInput('records:addBatch', batch(...full)).sets).toHaveLength(full.length);
    expect(() => parseTransactionInput('records:addBatch', batch(...full, 1))).toThrow(
      'INPUT_INVALID: /sets must have',
    );
    expect(() => parseTransactionInput('records:addBatch', batch(26))).toThrow('INPUT_INVALID: /sets/0/records');
  });

  it('refuses one set id twice, because the second put would replace the first', () => {
    const twice = canonicalJson({
      patientId,
      purpose: 'TREAT',
      sets: [
        { setId, records: [sampleRecord()], authorSignature },
        { setId, records: [sampleRecord({ class: 'Claim' })], authorSignature },
      ],
    });
    expect(() => parseTransactionInput('records:addBatch', twice)).toThrow('INPUT_INVALID: /sets names an item twice');
  });
});

describe('access:open', () => {
  it('refuses a record twice, none, and one more than its bound', () => {
    const open = (recordIds: string[]) =>
      parseTransactionInput('access:open', canonicalJson({ ...transactions['access:open'], recordIds }));
    const many = Array.from({ length: limits.OPENINGS_PER_CALL_MAX + 1 }, (_, at) => rid(at));
    expect(open(many.slice(1)).recordIds).toHaveLength(limits.OPENINGS_PER_CALL_MAX);
    for (const bad of [[rid(1), rid(1)], [], many]) expect(() => open(bad)).toThrow('INPUT_INVALID: /recordIds');
  });
});

describe('consents:request', () => {
  it.each([{ change: { scope: { labels: ['V'] } }, message: 'NOT_SUPPORTED: /scope/labels/0' }])(
    'refuses what has no rule yet: $change',
    ({ change, message }) => {
      const json = canonicalJson({ ...transactions['consents:request'], ...change });
      expect(() => parseTransactionInput('consents:request', json)).toThrow(message);
    },
  );
});
