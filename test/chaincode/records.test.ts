import { beforeAll, describe, expect, it } from '@jest/globals';
import type {
  LocateAnswer,
  MetadataAnswer,
  Page,
  RecordMetadata,
  RecordSet,
  StoredRecord,
} from '@medledger/chaincode/domain';
import { type ChainActor, makeActor, randomId } from '../support/chain-actor.js';
import { DAY_MS, recordOf, START_MS, TestConsortium } from './test-consortium.js';

let consortium: TestConsortium;
let doctor: ChainActor;
let patient: ChainActor;
beforeAll(async () => {
  consortium = await TestConsortium.create();
  doctor = consortium.actor('doctor-a');
});

const addition = (record: StoredRecord = recordOf(), setId: string = randomId()) => ({
  patientId: patient.memberId,
  purpose: 'TREAT',
  setId,
  record,
});
const batchOf = (sizes: readonly number[]) => ({
  patientId: patient.memberId,
  purpose: 'TREAT',
  sets: sizes.map((size) => ({ setId: randomId(), records: Array.from({ length: size }, () => recordOf()) })),
});
const list = (actor: ChainActor, filter: object = {}) =>
  consortium.query<Page<RecordMetadata>>(actor, 'records:list', { patientId: patient.memberId, limit: 200, ...filter });
const placesOf = ({ items }: Page<RecordMetadata>) => items.map(({ recordId }) => recordId);

describe('records:add', () => {
  beforeAll(async () => {
    patient = await consortium.patient();
  });

  it('of the patient: stored with author, time, transaction and key epoch', async () => {
    const business = addition();
    const { outcome, entry } = await consortium.submit(patient, 'records:add', business);
    const sets = [{ setId: business.setId, classes: ['Observation'] }];
    expect(outcome).toEqual({ action: 'add', outcome: 'permit', basis: { kind: 'own' }, purpose: 'TREAT', sets });
    const stored = JSON.parse(consortium.peer.text(`recordset~${business.setId}`) ?? '') as RecordSet;
    const expected = { patientId: patient.memberId, authorId: patient.memberId, addedAtMs: entry.timeMs, keyEpoch: 0 };
    const { mspId: authorOrganisation } = patient;
    expect(stored).toMatchObject({ ...expected, authorOrganisation, records: [business.record] });
  });

  it('of a doctor without a grant: the refusal is written, the record is not', async () => {
    const business = addition();
    const { outcome, entry } = await consortium.submit(doctor, 'records:add', business);
    expect(outcome).toEqual({ action: 'add', outcome: 'deny', code: 'NO_GRANT', purpose: 'TREAT' });
    expect(entry).toMatchObject({ memberId: 'doctor-a', sequence: 0 });
    expect(consortium.peer.text(`recordset~${business.setId}`)).toBeUndefined();
  });

  it('of a doctor who may only read: refused', async () => {
    await consortium.grant(patient, { actions: ['read'] });
    const { outcome } = await consortium.submit(doctor, 'records:add', addition());
    expect(outcome.outcome).toBe('deny');
  });

  it('of a doctor whose agency may add: permitted on that basis', async () => {
    const grantee = { kind: 'agency', id: 'practice-a' } as const;
    const grantId = await consortium.grant(patient, { actions: ['add'], grantee, registerVersion: 1 });
    const { outcome } = await consortium.submit(doctor, 'records:add', addition());
    expect(outcome).toMatchObject({ outcome: 'permit', basis: { kind: 'grant', grantId, version: 1 } });
  });

  it('of an id that is stored: RECORD_EXISTS', async () => {
    const setId = await consortium.addSet(patient);
    await expect(consortium.submit(patient, 'records:add', addition(recordOf(), setId))).rejects.toThrow(
      'RECORD_EXISTS: ',
    );
  });

  it.each(['admin-a', 'auditor'])('of %s: ROLE_NOT_ALLOWED', async (memberId) => {
    const attempt = consortium.submit(consortium.actor(memberId), 'records:add', addition());
    await expect(attempt).rejects.toThrow('ROLE_NOT_ALLOWED: ');
  });

  it('of a secret record: NOT_SUPPORTED', async () => {
    const attempt = consortium.submit(patient, 'records:add', addition(recordOf({ label: 'V' })));
    await expect(attempt).rejects.toThrow('NOT_SUPPORTED: ');
  });
});

describe('records:addBatch', () => {
  beforeAll(async () => {
    patient = await consortium.patient();
    await consortium.grant(patient, { actions: ['add'], scope: { classes: ['Observation'] } });
  });

  it('of 200 records: one entry', async () => {
    const { outcome, tip } = await consortium.submit(patient, 'records:addBatch', batchOf(Array(8).fill(25)));
    expect(outcome.sets?.flatMap(({ classes }) => classes)).toHaveLength(200);
    expect(tip.sequence).toBe(3);
  });

  it.each([
    { name: '201 records', sizes: [...Array(8).fill(25), 1] },
    { name: 'a set of 26', sizes: [26] },
    { name: 'an empty set', sizes: [0] },
  ])('of $name: INPUT_INVALID', async ({ sizes }) => {
    await expect(consortium.submit(patient, 'records:addBatch', batchOf(sizes))).rejects.toThrow('INPUT_INVALID: ');
  });

  it('that names one set twice: INPUT_INVALID', async () => {
    const { sets, ...rest } = batchOf([1]);
    const attempt = consortium.submit(patient, 'records:addBatch', { ...rest, sets: [...sets, ...sets] });
    await expect(attempt).rejects.toThrow('INPUT_INVALID: ');
  });

  it('with one record outside the grant: nothing is stored', async () => {
    const setId = randomId();
    const records = [recordOf(), recordOf({ class: 'Condition' })];
    const business = { patientId: patient.memberId, purpose: 'TREAT', sets: [{ setId, records }] };
    const { outcome } = await consortium.submit(doctor, 'records:addBatch', business);
    expect(outcome).toEqual({ action: 'add', outcome: 'deny', code: 'NO_GRANT', purpose: 'TREAT' });
    expect(consortium.peer.text(`recordset~${setId}`)).toBeUndefined();
  });
});

describe('records:list', () => {
  let setId: string;
  beforeAll(async () => {
    patient = await consortium.patient();
    const dates = [0, 1, 2].map((days) => recordOf({ dateMs: START_MS + days * DAY_MS }));
    setId = await consortium.addSet(patient, [...dates, recordOf({ class: 'Condition', label: 'R', dateMs: -1 })]);
    await consortium.addSet(patient);
  });

  it('shows the patient everything, oldest first', async () => {
    const page = await list(patient);
    expect(placesOf(page).slice(0, 4)).toEqual(['00', '01', '02', '03'].map((index) => `${setId}${index}`));
    expect(page.items).toHaveLength(5);
    expect(page.next).toBeUndefined();
  });

  it('tells somebody without a grant nothing, not even that there is a next page', async () => {
    const { memberId: patientId } = await consortium.patient();
    const other = await consortium.patient();
    const sets = () => Array.from({ length: 200 }, () => ({ setId: randomId(), records: [recordOf()] }));
    for (const batch of [sets(), sets()])
      await consortium.submit(other, 'records:addBatch', {
        patientId: other.memberId,
        purpose: 'PATRQT',
        sets: batch,
      });
    const ask = (of: string) => consortium.query(doctor, 'records:list', { patientId: of, limit: 200 });
    expect(await ask(other.memberId)).toEqual(await ask(patientId));
  });

  it('goes on in the middle of a set', async () => {
    const first = await list(patient, { limit: 3 });
    const second = await list(patient, { limit: 3, cursor: first.next });
    expect([...placesOf(first), ...placesOf(second)]).toEqual(placesOf(await list(patient)));
    expect(second.next).toBeUndefined();
  });

  it('filters by class and by half-open dates', async () => {
    expect(placesOf(await list(patient, { class: 'Condition' }))).toEqual([`${setId}03`]);
    const filter = { fromMs: START_MS + DAY_MS, toMs: START_MS + 2 * DAY_MS };
    expect(placesOf(await list(patient, filter))).toEqual([`${setId}01`]);
  });

  it('shows a doctor what a live grant covers, whatever its purpose, and others nothing', async () => {
    await consortium.grant(patient, { purpose: 'HRESCH', scope: { classes: ['Observation'] } });
    expect((await list(doctor)).items).toHaveLength(4);
    expect((await list(consortium.actor('doctor-b'))).items).toEqual([]);
    expect((await list(consortium.actor('auditor'))).items).toEqual([]);
  });

  it.each(['x', '~', 'recordset~', `0000000000000~${'0'.repeat(32)}`])(
    'refuses the made-up cursor %s',
    async (cursor) => {
      await expect(list(patient, { cursor })).rejects.toThrow('INPUT_INVALID: /cursor');
    },
  );

  it('of a patient who is not there: PATIENT_UNKNOWN', async () => {
    await expect(list(doctor, { patientId: 'doctor-b' })).rejects.toThrow('PATIENT_UNKNOWN: ');
  });
});

describe('named records', () => {
  beforeAll(async () => {
    patient = await consortium.patient();
  });

  it('are located for any member of a known organisation; unknown ones are left out', async () => {
    const setId = await consortium.addSet(patient);
    const custodian = await makeActor(consortium.hospitalB, { memberId: 'custodian-hospital-b', role: 'admin' });
    const recordIds = [`${setId}00`, `${setId}01`, `${'0'.repeat(32)}00`];
    const located = await consortium.query<LocateAnswer>(custodian, 'records:locate', { recordIds });
    expect(located).toEqual([{ recordId: `${setId}00`, patientId: patient.memberId }]);
  });

  it('are described to the patient, to their author and to whom they are granted', async () => {
    await consortium.grant(patient, { actions: ['add'], grantee: { kind: 'person', id: 'doctor-b' } });
    const author = consortium.actor('doctor-b');
    const { setId } = addition();
    await consortium.submit(author, 'records:add', addition(recordOf(), setId));
    const describedTo = async (actor: ChainActor) =>
      (await consortium.query<MetadataAnswer>(actor, 'records:metadata', { recordIds: [`${setId}00`] })).length;
    expect([await describedTo(patient), await describedTo(author), await describedTo(doctor)]).toEqual([1, 1, 0]);
    await consortium.grant(patient);
    expect(await describedTo(doctor)).toBe(1);
  });
});
