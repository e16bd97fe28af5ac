import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Outcome } from '@medledger/chaincode/domain';
import { type ChainActor, signRevocation } from '../support/chain-actor.js';
import { DAY_MS, openingOf, recordOf, TestConsortium, type SaidGrant } from './test-consortium.js';

let consortium: TestConsortium;
let doctor: ChainActor;
let patient: ChainActor;
let setId: string;
beforeAll(async () => {
  consortium = await TestConsortium.create();
  doctor = consortium.actor('doctor-a');
});

/** A patient with an observation, a restricted observation and a condition. */
async function patientWithRecords(): Promise<void> {
  patient = await consortium.patient();
  setId = await consortium.addSet(patient, [recordOf(), recordOf({ label: 'R' }), recordOf({ class: 'Condition' })]);
}

const open = (actor: ChainActor, indexes = ['00'], purpose = 'TREAT') => {
  const recordIds = indexes.map((index) => `${setId}${index}`);
  return consortium.submit(actor, 'access:open', openingOf(patient, recordIds, purpose));
};
const revoke = (grantId: string, version = 2) =>
  consortium.submit(patient, 'consents:revoke', {
    patientId: patient.memberId,
    revocation: signRevocation(patient, { grantId, version }),
  });
const decisionsOf = ({ items = [] }: Outcome) =>
  items.map((item) => (item.outcome === 'permit' ? item.basis.kind : item.code));

describe('access:open', () => {
  beforeAll(patientWithRecords);

  it('of the own records: permitted, with their metadata', async () => {
    const { outcome, records } = await open(patient, ['00', '01', '02'], 'PATRQT');
    expect(outcome).toMatchObject({ action: 'open', outcome: 'permit', purpose: 'PATRQT' });
    expect(decisionsOf(outcome)).toEqual(['own', 'own', 'own']);
    expect(records?.map((record) => record.label)).toEqual(['N', 'R', 'N']);
  });

  it('without a grant: the refusal is written with each record, and nothing is answered', async () => {
    const { outcome, records, entry } = await open(doctor, ['00', '02']);
    expect(outcome).toMatchObject({ outcome: 'deny', code: 'NO_GRANT' });
    expect(outcome.items?.map((item) => item.class)).toEqual(['Observation', 'Condition']);
    expect(records).toEqual([]);
    const key = `entry~${patient.memberId}~doctor-a~${String(entry.sequence).padStart(10, '0')}`;
    expect(JSON.parse(consortium.peer.text(key) ?? '').outcome).toContain('NO_GRANT');
  });

  it.each(['admin-a', 'auditor'])('by %s: the attempt is written as a refusal', async (memberId) => {
    const { outcome, records } = await open(consortium.actor(memberId));
    expect(outcome).toMatchObject({ outcome: 'deny', code: 'NO_GRANT' });
    expect(records).toEqual([]);
  });

  it('of a record that is not there, or lies beyond its set: RECORD_UNKNOWN is written', async () => {
    const recordIds = [`${'0'.repeat(32)}00`, `${setId}03`];
    const { outcome } = await consortium.submit(patient, 'access:open', openingOf(patient, recordIds, 'PATRQT'));
    expect(outcome).toMatchObject({ outcome: 'deny', code: 'RECORD_UNKNOWN' });
    expect(outcome.items).toEqual(recordIds.map((recordId) => ({ recordId, outcome: 'deny', code: 'RECORD_UNKNOWN' })));
  });

  it("of another patient's record under one's own id: RECORD_UNKNOWN", async () => {
    const other = await consortium.patient();
    const { outcome } = await consortium.submit(other, 'access:open', openingOf(other, [`${setId}00`], 'PATRQT'));
    expect(decisionsOf(outcome)).toEqual(['RECORD_UNKNOWN']);
  });

  it("of another patient's record: NO_GRANT is written, so that its patient sees it", async () => {
    const { outcome, entry } = await open(await consortium.patient());
    expect(outcome.code).toBe('NO_GRANT');
    expect(entry.patientId).toBe(patient.memberId);
  });

  it('of no record, of 101, or of one twice: INPUT_INVALID', async () => {
    const many = Array.from({ length: 101 }, (_, index) => index.toString(16).padStart(2, '0'));
    await expect(open(patient, [])).rejects.toThrow('INPUT_INVALID: ');
    await expect(open(patient, many)).rejects.toThrow('INPUT_INVALID: ');
    await expect(open(patient, ['00', '00'])).rejects.toThrow('INPUT_INVALID: ');
  });
});

describe('access:open under a grant', () => {
  beforeAll(patientWithRecords);

  it.each<{ name: string; body: SaidGrant; decisions: readonly string[] }>([
    {
      name: 'to another one',
      body: { grantee: { kind: 'person', id: 'doctor-b' } },
      decisions: ['NO_GRANT', 'NO_GRANT', 'NO_GRANT'],
    },
    { name: 'of normal records', body: {}, decisions: ['grant', 'NO_GRANT', 'grant'] },
    { name: 'of a class', body: { scope: { classes: ['Condition'] } }, decisions: ['NO_GRANT', 'NO_GRANT', 'grant'] },
    { name: 'of labels', body: { scope: { labels: ['R'] } }, decisions: ['NO_GRANT', 'grant', 'NO_GRANT'] },
    { name: 'for adding', body: { actions: ['add'] }, decisions: ['NO_GRANT', 'NO_GRANT', 'NO_GRANT'] },
    {
      name: 'for research',
      body: { purpose: 'HRESCH' },
      decisions: ['PURPOSE_NOT_GRANTED', 'NO_GRANT', 'PURPOSE_NOT_GRANTED'],
    },
    {
      name: 'to the agency',
      body: { grantee: { kind: 'agency', id: 'practice-a' }, registerVersion: 1 },
      decisions: ['grant', 'NO_GRANT', 'grant'],
    },
  ])('$name: $decisions', async ({ body, decisions }) => {
    const grantId = await consortium.grant(patient, body);
    const { outcome, records } = await open(doctor, ['00', '01', '02']);
    expect(decisionsOf(outcome)).toEqual(decisions);
    expect(outcome.outcome).toBe(decisions.includes('grant') ? 'permit' : 'deny');
    expect(records).toHaveLength(decisions.filter((decision) => decision === 'grant').length);
    await revoke(grantId);
  });
});

describe('access:open over time', () => {
  beforeAll(patientWithRecords);

  it('before the grant begins, within it, and after its end', async () => {
    const fromMs = consortium.timeMs + DAY_MS;
    await consortium.grant(patient, { fromMs, untilMs: fromMs + DAY_MS });
    expect((await open(doctor)).outcome.code).toBe('GRANT_NOT_STARTED');
    consortium.timeMs = fromMs;
    expect((await open(doctor)).outcome.outcome).toBe('permit');
    consortium.timeMs = fromMs + DAY_MS;
    expect((await open(doctor)).outcome.code).toBe('GRANT_ENDED');
  });

  it('a back-dated call does not revive an ended grant', async () => {
    consortium.timeMs -= DAY_MS / 2;
    expect((await open(doctor)).outcome.code).toBe('GRANT_ENDED');
    consortium.timeMs += DAY_MS / 2;
  });

  it('after revocation: GRANT_ENDED', async () => {
    const grantId = await consortium.grant(patient);
    expect((await open(doctor)).outcome.outcome).toBe('permit');
    await revoke(grantId);
    expect((await open(doctor)).outcome.code).toBe('GRANT_ENDED');
  });

  it('endorsed before a revocation and ordered after it: a conflict', async () => {
    const grantId = await consortium.grant(patient);
    const opening = await consortium.endorse(doctor, 'access:open', openingOf(patient, [`${setId}00`]));
    await revoke(grantId);
    expect(consortium.peer.commit(opening)).toBe('MVCC_READ_CONFLICT');
  });

  it('reads keys of this patient and this grantee only, and no range', async () => {
    await consortium.grant(patient, { grantee: { kind: 'person', id: 'doctor-b' } });
    const { reads } = await consortium.endorse(doctor, 'access:open', openingOf(patient, [`${setId}00`]));
    const kinds = [...reads.keys()].map((key) => key.split('~')[0]);
    expect(new Set(kinds)).toEqual(new Set(['lane', 'member', 'entry', 'policy', 'grantee', 'grant', 'recordset']));
    expect([...reads.keys()].filter((key) => key.includes('doctor-b'))).toEqual([]);
  });
});
