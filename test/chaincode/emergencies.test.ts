import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type EmergencyBody,
  type EmergencyId,
  limits,
  type Notice,
  type Page,
  type PolicyBody,
  type RecordMetadata,
  type StoredEmergency,
  type TransactionAnswer,
  type UnreviewedAnswer,
} from '@medledger/chaincode/domain';
import { type ChainActor, randomId, signFor } from '../support/chain-actor.js';
import { decisionsOf, declaration, emergencyOf, setPolicy } from './statements.js';
import { openingOf, recordOf, TestConsortium } from './test-consortium.js';

const HOUR_MS = 3_600_000;
let consortium: TestConsortium;
let doctor: ChainActor;
let patient: ChainActor;
let setId: string;

/** A patient who stated a policy; records: N, R, N of an excluded class. */
async function patientWithPolicy(emergency: Partial<PolicyBody['emergency']> = {}): Promise<void> {
  patient = await consortium.patient();
  setId = await consortium.addSet(patient, [recordOf(), recordOf({ label: 'R' }), recordOf({ class: 'Condition' })]);
  const ceiling = { allowed: true, labels: ['N'], excludedClasses: ['Condition'], ...emergency } as const;
  await setPolicy(consortium, patient, { body: { emergency: ceiling } });
}

beforeAll(async () => {
  consortium = await TestConsortium.create();
  doctor = consortium.actor('doctor-a');
});

/** Opens the three records, or the named ones, in an emergency that is declared with the call. */
const declare = (
  said: { actor?: ChainActor; id?: EmergencyId; body?: Partial<EmergencyBody>; indexes?: readonly string[] } = {},
): Promise<TransactionAnswer> => {
  const { actor = doctor, indexes = ['00', '01', '02'], id, body } = said;
  const recordIds = indexes.map((index) => `${setId}${index}`);
  const declared = { patient, recordIds, ...(id === undefined ? {} : { id }), ...(body === undefined ? {} : { body }) };
  return consortium.submit(actor, 'access:emergency', emergencyOf(consortium, actor, declared));
};
const review = (emergencyId: string, actor = consortium.actor('nurse-a'), finding = 'justified') =>
  consortium.submit(actor, 'access:review', { patientId: patient.memberId, emergencyId, finding });
const notices = async () =>
  (
    await consortium.query<Page<Notice>>(patient, 'consents:notices', { patientId: patient.memberId, limit: 50 })
  ).items.map(({ kind, memberId }) => `${kind} ${memberId}`);

describe('access:emergency', () => {
  beforeEach(() => patientWithPolicy());

  it('opens what the ceiling allows, tells the patient, and leaves it to be reviewed, in one transaction', async () => {
    const { outcome, records, entry } = await declare();
    expect(decisionsOf({ outcome } as TransactionAnswer)).toEqual([
      'emergency',
      'EMERGENCY_NOT_ALLOWED',
      'EMERGENCY_NOT_ALLOWED',
    ]);
    expect(outcome).toMatchObject({ action: 'emergency', outcome: 'permit', purpose: 'ETREAT', reason: 'unconscious' });
    expect(records).toHaveLength(1);
    expect(await notices()).toEqual(['emergency doctor-a']);
    const stored = consortium.peer.text(`emergency~${patient.memberId}~${outcome.emergencyId}`) ?? '';
    const { reviewDueMs } = JSON.parse(stored) as StoredEmergency;
    expect(reviewDueMs).toBe(entry.timeMs + limits.REVIEW_DUE_MS);
    expect(consortium.peer.text(`unreviewed~practice-a~${outcome.emergencyId}`)).toBeDefined();
    await review(outcome.emergencyId ?? '');
  });

  it('is solved at the floor, whatever the lane asks for; the lane goes on by its own rule', async () => {
    const { entry, tip, outcome } = await declare();
    const key = `entry~${patient.memberId}~doctor-a~${String(entry.sequence).padStart(10, '0')}`;
    const { difficulty } = JSON.parse(consortium.peer.text(key) ?? '') as { difficulty: number };
    expect(difficulty).toBe(limits.DIFFICULTY_MIN);
    expect(tip.difficulty).toBe(limits.DIFFICULTY_INITIAL);
    const input = { patientId: patient.memberId, memberId: 'doctor-a' };
    const walk = await consortium.query(consortium.actor('auditor'), 'audit:verifyLane', input);
    expect(walk).toMatchObject({ status: 'ok' });
    await review(outcome.emergencyId ?? '');
  });

  it('goes on under the same declaration, with its own entry and no second notice', async () => {
    const business = emergencyOf(consortium, doctor, { patient, recordIds: [`${setId}00`] });
    const { outcome } = await consortium.submit(doctor, 'access:emergency', business);
    const again = await consortium.submit(doctor, 'access:emergency', business);
    expect(decisionsOf(again)).toEqual(['emergency']);
    expect(again.outcome.emergencyId).toBe(outcome.emergencyId);
    expect(await notices()).toEqual(['emergency doctor-a']);
    consortium.timeMs += HOUR_MS;
    const late = await consortium.submit(doctor, 'access:emergency', business);
    expect(late.outcome).toMatchObject({ outcome: 'deny', code: 'EMERGENCY_ENDED' });
    await review(outcome.emergencyId ?? '');
  });

  it('without record ids opens the card that the policy names', async () => {
    await patientWithPolicy();
    const card = `${setId}00` as never;
    const emergency = { allowed: true, labels: ['N'], excludedClasses: [], card } as const;
    await setPolicy(consortium, patient, { version: 2, body: { emergency } });
    const { outcome, records } = await declare({ indexes: [] });
    expect(records?.map(({ recordId }) => recordId)).toEqual([card]);
    await review(outcome.emergencyId ?? '');
  });

  it('lists while it lasts what it opens', async () => {
    const list = async () =>
      (
        await consortium.query<Page<RecordMetadata>>(doctor, 'records:list', { patientId: patient.memberId, limit: 9 })
      ).items.map(({ recordId }) => recordId);
    expect(await list()).toEqual([]);
    const { outcome } = await declare();
    expect(await list()).toEqual([`${setId}00`]);
    await review(outcome.emergencyId ?? '');
  });
});

describe('a refused emergency is written and leaves nothing to review', () => {
  const refused = async (code: string, actor = doctor) => {
    const { outcome } = await declare({ actor });
    expect(outcome).toMatchObject({ action: 'emergency', outcome: 'deny', code });
    expect(consortium.peer.text(`emergency~${patient.memberId}~${outcome.emergencyId}`)).toBeUndefined();
    expect(await notices()).toEqual([]);
  };

  it('without a policy', async () => {
    patient = await consortium.patient();
    setId = await consortium.addSet(patient);
    await refused('EMERGENCY_NOT_ALLOWED');
  });

  it('of a patient who opted out', async () => {
    await patientWithPolicy({ allowed: false });
    await refused('EMERGENCY_NOT_ALLOWED');
  });

  it('of an excluded actor', async () => {
    await patientWithPolicy();
    const exclusions = [{ who: { kind: 'agency', id: 'practice-a' as never }, scope: {} }] as const;
    await setPolicy(consortium, patient, { version: 2, body: { exclusions } });
    await refused('EXCLUDED');
  });

  it.each(['insurer', 'officer'])('by %s', async (memberId) => {
    await patientWithPolicy();
    await refused('EMERGENCY_NOT_ALLOWED', consortium.actor(memberId));
  });
});

describe('a declaration', () => {
  beforeAll(() => patientWithPolicy());

  it.each<{ name: string; body: () => Partial<EmergencyBody>; code: string }>([
    { name: 'that began earlier', body: () => ({ fromMs: consortium.timeMs - 150_000 }), code: 'INPUT_INVALID' },
    { name: 'that begins later', body: () => ({ fromMs: consortium.timeMs + 150_000 }), code: 'INPUT_INVALID' },
    {
      name: 'for more than four hours',
      body: () => ({ untilMs: consortium.timeMs + 4 * HOUR_MS + 1 }),
      code: 'INPUT_INVALID',
    },
  ])('$name: $code', async ({ body, code }) => {
    await expect(declare({ body: body() })).rejects.toThrow(`${code}: `);
  });

  it('by another one, of another patient, or with another key: refused', async () => {
    const other = await consortium.patient();
    const nurse = consortium.actor('nurse-a');
    const business = emergencyOf(consortium, doctor, { patient });
    const send = (signed: object, actor = doctor) =>
      consortium.submit(actor, 'access:emergency', { ...business, declaration: signed });
    await expect(send(declaration(consortium, nurse, { patient }))).rejects.toThrow('STATEMENT_INVALID: ');
    await expect(send(declaration(consortium, doctor, { patient: other }))).rejects.toThrow('STATEMENT_INVALID: ');
    const forger = { ...doctor, privateKey: nurse.privateKey };
    await expect(send(declaration(consortium, forger, { patient }))).rejects.toThrow('SIGNATURE_INVALID: ');
    const second = declaration(consortium, doctor, { patient, version: 2 });
    await expect(send(second)).rejects.toThrow('VERSION_CONFLICT: ');
    await expect(send(business.declaration, consortium.actor('admin-a'))).rejects.toThrow('ROLE_NOT_ALLOWED: ');
  });

  it('with an id that stands for another one: VERSION_CONFLICT', async () => {
    const id = randomId<EmergencyId>('e');
    await declare({ id });
    await expect(declare({ id, body: { reason: 'incapacitated' } })).rejects.toThrow('VERSION_CONFLICT: ');
    await review(id);
  });

  it('does not open anything by access:open', async () => {
    const { outcome } = await declare({ indexes: ['00'] });
    const opened = await consortium.submit(doctor, 'access:open', openingOf(patient, [`${setId}00`], 'ETREAT'));
    expect(decisionsOf(opened)).toEqual(['NO_GRANT']);
    await review(outcome.emergencyId ?? '');
  });
});

describe('access:review', () => {
  let emergencyId: string;
  beforeEach(async () => {
    await patientWithPolicy();
    emergencyId = (await declare({ indexes: ['00'] })).outcome.emergencyId ?? '';
  });

  it.each(['nurse-a', 'admin-a', 'officer', 'auditor'])('by %s: once; the patient is told', async (memberId) => {
    const { outcome } = await review(emergencyId, consortium.actor(memberId));
    expect(outcome).toMatchObject({ action: 'review', outcome: 'permit', emergencyId, finding: 'justified' });
    expect(await notices()).toEqual(['emergency doctor-a', `review ${memberId}`]);
    expect(consortium.peer.text(`unreviewed~practice-a~${emergencyId}`)).toBeUndefined();
    expect(consortium.peer.text('emergencies~doctor-a')).toBe('{"open":[]}');
    await expect(review(emergencyId)).rejects.toThrow('REQUEST_CLOSED: ');
  });

  it.each(['doctor-a', 'doctor-b', 'insurer', 'admin-b'])('by %s: ROLE_NOT_ALLOWED', async (memberId) => {
    await expect(review(emergencyId, consortium.actor(memberId))).rejects.toThrow('ROLE_NOT_ALLOWED: ');
    await review(emergencyId);
  });

  it('of one that is not there: EMERGENCY_UNKNOWN', async () => {
    await expect(review(randomId('e'))).rejects.toThrow('EMERGENCY_UNKNOWN: ');
    await review(emergencyId);
  });

  it('that finds none ends it', async () => {
    const business = emergencyOf(consortium, doctor, { patient, recordIds: [`${setId}00`] });
    const { outcome } = await consortium.submit(doctor, 'access:emergency', business);
    await review(outcome.emergencyId ?? '', undefined, 'unjustified');
    const again = await consortium.submit(doctor, 'access:emergency', business);
    expect(again.outcome).toMatchObject({ outcome: 'deny', code: 'EMERGENCY_ENDED' });
    await review(emergencyId);
  });
});

describe('an emergency that nobody has reviewed', () => {
  let emergencyId: string;
  beforeEach(async () => {
    await patientWithPolicy();
    emergencyId = (await declare({ indexes: ['00'] })).outcome.emergencyId ?? '';
  });

  it('overdue: no new emergency of that actor, also of another patient; others see how many', async () => {
    const first = emergencyId;
    const { patientId } = { patientId: patient.memberId };
    consortium.timeMs += limits.REVIEW_DUE_MS;
    const counts = async (actor: string) =>
      consortium.query<UnreviewedAnswer>(consortium.actor(actor), 'access:unreviewed', {});
    expect((await counts('insurer')).counts).toEqual([{ agencyId: 'practice-a', unreviewed: 1, overdue: 1 }]);
    expect((await counts('insurer')).emergencies).toEqual([]);
    expect((await counts('doctor-a')).emergencies).toEqual([]);
    expect((await counts('nurse-a')).emergencies).toHaveLength(1);
    expect((await counts('admin-a')).emergencies).toHaveLength(1);
    expect((await counts('admin-b')).emergencies).toEqual([]);
    await patientWithPolicy();
    expect((await declare()).outcome).toMatchObject({ outcome: 'deny', code: 'REVIEW_OVERDUE' });
    const late = { patientId, emergencyId: first, finding: 'justified' };
    await consortium.submit(consortium.actor('nurse-a'), 'access:review', late);
    const { outcome } = await declare();
    expect(outcome.outcome).toBe('permit');
    await review(outcome.emergencyId ?? '');
  });

  it('is seen by the patient, who declared it and who may review it, not by others', async () => {
    const seenBy = async (actor: ChainActor) =>
      (
        await consortium.query<Page<StoredEmergency>>(actor, 'access:emergencies', {
          patientId: patient.memberId,
          limit: 9,
        })
      ).items.length;
    const all = [patient, doctor, ...['nurse-a', 'admin-a', 'officer'].map((id) => consortium.actor(id))];
    expect(await Promise.all(all.map(seenBy))).toEqual([1, 1, 1, 1, 1]);
    expect(await Promise.all(['doctor-b', 'admin-b', 'insurer'].map((id) => seenBy(consortium.actor(id))))).toEqual([
      0, 0, 0,
    ]);
    await review(emergencyId);
  });

  it('declared by somebody else than who signs it for: refused', async () => {
    const body = { reason: 'unconscious', fromMs: consortium.timeMs, untilMs: consortium.timeMs + HOUR_MS };
    const signed = signFor(doctor, { memberId: 'p-other' }, { kind: 'emergency', id: randomId('e'), body });
    const business = { ...emergencyOf(consortium, doctor, { patient }), declaration: signed };
    await expect(consortium.submit(doctor, 'access:emergency', business)).rejects.toThrow('STATEMENT_INVALID: ');
    await review(emergencyId);
  });
});
