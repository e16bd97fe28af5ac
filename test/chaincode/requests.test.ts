import { beforeAll, describe, expect, it } from '@jest/globals';
import type { AccessRequestAnswer, Page, RequestId } from '@medledger/chaincode/domain';
import { type ChainActor, randomId, signGrant } from '../support/chain-actor.js';
import { DAY_MS, openingOf, TestConsortium, type SaidGrant } from './test-consortium.js';

let consortium: TestConsortium;
let doctor: ChainActor;
let patient: ChainActor;
beforeAll(async () => {
  consortium = await TestConsortium.create();
  doctor = consortium.actor('doctor-a');
  patient = await consortium.patient();
});

const requestOf = (change: object = {}) => ({
  patientId: patient.memberId,
  requestId: randomId<RequestId>('q'),
  actions: ['read'],
  scope: { classes: ['Observation', 'Condition'] },
  purpose: 'TREAT',
  untilMs: consortium.timeMs + DAY_MS,
  reasonSha256: 'ab'.repeat(32),
  reasonCid: `b${'a'.repeat(58)}`,
  ...change,
});
const ask = async (change: object = {}, actor = doctor) => {
  const request = requestOf(change);
  await consortium.submit(actor, 'consents:request', request);
  return request;
};
const approve = (request: ReturnType<typeof requestOf>, change: SaidGrant = {}, actor = patient) => {
  const { requestId, scope, untilMs, patientId } = request;
  const body = consortium.grantBody({ scope, untilMs, requestId, ...change });
  const grant = signGrant(patient, { grantId: randomId('g'), body });
  return consortium.submit(actor, 'consents:approve', { patientId, requestId, grant });
};
const stored = (requestId: string) =>
  consortium.query<AccessRequestAnswer>(patient, 'consents:accessRequest', { requestId });

describe('consents:request', () => {
  it('of staff: stored as pending', async () => {
    const { requestId } = await ask();
    expect(await stored(requestId)).toMatchObject({ requesterId: 'doctor-a', status: 'pending' });
  });

  it.each(['auditor', 'admin-a'])('of %s: ROLE_NOT_ALLOWED', async (memberId) => {
    await expect(ask({}, consortium.actor(memberId))).rejects.toThrow('ROLE_NOT_ALLOWED: ');
  });

  it('of a patient: ROLE_NOT_ALLOWED', async () => {
    await expect(ask({}, patient)).rejects.toThrow('ROLE_NOT_ALLOWED: ');
  });

  it.each([
    { name: 'for a patient who is not there', change: { patientId: 'p-nobody' }, code: 'PATIENT_UNKNOWN' },
    { name: 'until the past', change: { untilMs: 1 }, code: 'INPUT_INVALID' },
    { name: 'for the next century', change: { untilMs: Date.UTC(2100, 0) }, code: 'INPUT_INVALID' },
    { name: 'to share', change: { actions: ['share'] }, code: 'INPUT_INVALID' },
  ])('$name: $code', async ({ change, code }) => {
    await expect(ask(change)).rejects.toThrow(`${code}: `);
  });

  it('with an id that is stored: REQUEST_EXISTS', async () => {
    const { requestId } = await ask();
    await expect(ask({ requestId }, consortium.actor('doctor-b'))).rejects.toThrow('REQUEST_EXISTS: ');
  });
});

describe('consents:approve', () => {
  it('as asked: a grant that opens, and the request is approved', async () => {
    const request = await ask();
    const setId = await consortium.addSet(patient);
    const { outcome } = await approve(request);
    expect(outcome).toMatchObject({ action: 'approve', requestId: request.requestId, outcome: 'permit' });
    expect(await stored(request.requestId)).toMatchObject({ status: 'approved', grantId: outcome.grantId });
    const opened = await consortium.submit(doctor, 'access:open', openingOf(patient, [`${setId}00`]));
    expect(opened.outcome.outcome).toBe('permit');
  });

  it('narrowed: permitted', async () => {
    const request = await ask();
    const narrowed = { scope: { classes: ['Condition'] }, untilMs: request.untilMs - 1 };
    expect((await approve(request, narrowed)).outcome.outcome).toBe('permit');
  });

  it.each<{ name: string; change: SaidGrant }>([
    { name: 'scope', change: { scope: {} } },
    { name: 'labels', change: { scope: { classes: ['Condition'], labels: ['N', 'R'] } } },
    { name: 'actions', change: { actions: ['read', 'add'] } },
    { name: 'purpose', change: { purpose: 'HRESCH' } },
    { name: 'grantee', change: { grantee: { kind: 'person', id: 'doctor-b' } } },
    { name: 'kind of grantee', change: { grantee: { kind: 'agency', id: 'practice-a' }, registerVersion: 1 } },
    { name: 'request', change: { requestId: randomId('q') } },
  ])('with another or wider $name: STATEMENT_INVALID', async ({ change }) => {
    const request = await ask();
    await expect(approve(request, change)).rejects.toThrow('STATEMENT_INVALID: ');
    expect((await stored(request.requestId)).status).toBe('pending');
  });

  it('until later than asked: STATEMENT_INVALID', async () => {
    const request = await ask();
    await expect(approve(request, { untilMs: request.untilMs + 1 })).rejects.toThrow('STATEMENT_INVALID: ');
  });

  it('by somebody else: NOT_THE_PATIENT', async () => {
    await expect(approve(await ask(), {}, doctor)).rejects.toThrow('NOT_THE_PATIENT: ');
  });

  it('twice, after a refusal, or after it has lapsed: REQUEST_CLOSED', async () => {
    const approved = await ask();
    await approve(approved);
    await expect(approve(approved)).rejects.toThrow('REQUEST_CLOSED: ');
    const refused = await ask();
    const { patientId, requestId } = refused;
    const { outcome } = await consortium.submit(patient, 'consents:refuse', { patientId, requestId });
    expect(outcome).toMatchObject({ action: 'refuse', requestId });
    await expect(approve(refused)).rejects.toThrow('REQUEST_CLOSED: ');
    const lapsed = await ask();
    consortium.timeMs = lapsed.untilMs;
    await expect(approve(lapsed, { untilMs: lapsed.untilMs + DAY_MS })).rejects.toThrow('REQUEST_CLOSED: ');
  });

  it('of a request to another patient: REQUEST_UNKNOWN', async () => {
    const other = await consortium.patient();
    const { requestId } = await ask({ patientId: other.memberId });
    const request = requestOf({ requestId });
    await expect(approve(request)).rejects.toThrow('REQUEST_UNKNOWN: ');
  });
});

describe('consents:requests', () => {
  const page = (actor: ChainActor, input: object = {}) =>
    consortium.query<Page<AccessRequestAnswer>>(actor, 'consents:requests', { limit: 200, ...input });

  it('shows the patient what it was asked, and staff what it asked', async () => {
    patient = await consortium.patient();
    const first = await ask();
    const second = await ask({}, consortium.actor('doctor-b'));
    const idsOf = ({ items }: Page<AccessRequestAnswer>) => items.map((item) => item.requestId);
    expect(idsOf(await page(patient)).sort()).toEqual([first.requestId, second.requestId].sort());
    expect(idsOf(await page(patient, { patientId: patient.memberId }))).toHaveLength(2);
    expect(idsOf(await page(consortium.actor('doctor-b')))).toContain(second.requestId);
    expect(idsOf(await page(consortium.actor('doctor-b')))).not.toContain(first.requestId);
  });

  it('refuses others', async () => {
    await expect(page(doctor, { patientId: patient.memberId })).rejects.toThrow('NOT_THE_PATIENT: ');
    await expect(page(consortium.actor('auditor'))).rejects.toThrow('ROLE_NOT_ALLOWED: ');
    const { requestId } = await ask();
    const asked = { requestId };
    expect(await consortium.query(doctor, 'consents:accessRequest', asked)).toMatchObject(asked);
    const foreign = consortium.query(consortium.actor('doctor-b'), 'consents:accessRequest', asked);
    await expect(foreign).rejects.toThrow('NOT_THE_PATIENT: ');
  });
});
