import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  formatLaneEntry,
  type HistoryAnswer,
  type LaneEntry,
  type LanesAnswer,
  limits,
  parseLaneEntry,
  sealEntry,
  type VerifyLaneAnswer,
} from '@medledger/chaincode/domain';
import type { ChainActor } from '../support/chain-actor.js';
import { openingOf, TestConsortium } from './test-consortium.js';

let consortium: TestConsortium;
let auditor: ChainActor;
let doctor: ChainActor;
let patient: ChainActor;
let setId: string;
beforeAll(async () => {
  consortium = await TestConsortium.create();
  auditor = consortium.actor('auditor');
  doctor = consortium.actor('doctor-a');
});

/** A patient with an own lane of three entries and a refused opening of a doctor. */
async function freshPatient(): Promise<void> {
  patient = await consortium.patient();
  setId = await consortium.addSet(patient);
  await consortium.addSet(patient);
  await consortium.submit(doctor, 'access:open', openingOf(patient, [`${setId}00`]));
}

const readLog = (actor = auditor) => consortium.submit(actor, 'audit:readLog', { patientId: patient.memberId });
const history = (actor: ChainActor, input: object = {}) =>
  consortium.query<HistoryAnswer>(actor, 'audit:history', { patientId: patient.memberId, limit: 200, ...input });
const verify = (memberId: string, input: object = {}, actor = patient) =>
  consortium.query<VerifyLaneAnswer>(actor, 'audit:verifyLane', { patientId: patient.memberId, memberId, ...input });
const entryKeyOf = (memberId: string, sequence: number) =>
  `entry~${patient.memberId}~${memberId}~${String(sequence).padStart(10, '0')}`;

describe('audit:history', () => {
  beforeAll(freshPatient);

  it('shows the patient every entry of every lane, page by page', async () => {
    const first = await history(patient, { limit: 3 });
    const second = await history(patient, { limit: 3, cursor: first.next });
    const actions = [...first.items, ...second.items].map((entry) => JSON.parse(entry.outcome).action);
    expect(actions.sort()).toEqual(['add', 'add', 'open', 'register']);
    expect(second.next).toBeUndefined();
  });

  it('is closed to staff and to an auditor who has not announced the reading', async () => {
    await expect(history(doctor)).rejects.toThrow('ROLE_NOT_ALLOWED: ');
    await expect(history(auditor)).rejects.toThrow('LOG_READING_NOT_LOGGED: ');
  });

  it('is open to an auditor after the announcement, which the patient sees, for ten minutes', async () => {
    const { outcome, entry } = await readLog();
    expect(outcome).toEqual({ action: 'read-log', outcome: 'permit' });
    const { items } = await history(auditor);
    expect(items.map(({ memberId }) => memberId)).toContain('auditor');
    consortium.timeMs = entry.timeMs + limits.LOG_READING_MAX_MS - 10_000;
    await expect(history(auditor)).resolves.toBeDefined();
    await expect(history(auditor)).rejects.toThrow('LOG_READING_NOT_LOGGED: ');
  });

  it.each(['doctor-a', 'admin-a'])('is not announced by %s', async (memberId) => {
    await expect(readLog(consortium.actor(memberId))).rejects.toThrow('ROLE_NOT_ALLOWED: ');
  });
});

describe('audit:entry', () => {
  beforeAll(freshPatient);
  const entry = (actor: ChainActor, memberId: string, sequence = 0, patientId: string = patient.memberId) =>
    consortium.query<LaneEntry>(actor, 'audit:entry', { patientId, memberId, sequence });

  it('is shown to the patient and to an auditor who announced it', async () => {
    expect((await entry(patient, 'doctor-a')).transaction).toBe('access:open');
    await expect(entry(auditor, 'doctor-a')).rejects.toThrow('LOG_READING_NOT_LOGGED: ');
    await readLog();
    expect((await entry(auditor, 'doctor-a')).memberId).toBe('doctor-a');
    await expect(entry(doctor, 'doctor-a')).rejects.toThrow('ROLE_NOT_ALLOWED: ');
  });

  it('beyond the end: INPUT_INVALID', async () => {
    await expect(entry(patient, 'doctor-a', 1)).rejects.toThrow('INPUT_INVALID: ');
  });
});

describe('audit:lanes', () => {
  beforeAll(freshPatient);

  it('names every actor, for the patient and for any auditor', async () => {
    const lanes = (actor: ChainActor) =>
      consortium.query<LanesAnswer>(actor, 'audit:lanes', { patientId: patient.memberId });
    const found = (await lanes(patient)).map(({ memberId, head }) => [memberId, head.sequence]);
    expect(found).toEqual([
      ['doctor-a', 1],
      [patient.memberId, 3],
    ]);
    await expect(lanes(auditor)).resolves.toHaveLength(2);
    await expect(lanes(doctor)).rejects.toThrow('ROLE_NOT_ALLOWED: ');
  });
});

describe('audit:verifyLane', () => {
  beforeAll(freshPatient);

  it('walks own and foreign lanes from their beginning to the head', async () => {
    expect(await verify(patient.memberId)).toEqual({ status: 'ok', entries: 3 });
    expect(await verify('doctor-a', {}, auditor)).toEqual({ status: 'ok', entries: 1 });
    expect(await verify('doctor-b')).toEqual({ status: 'ok', entries: 0 });
    await expect(verify('doctor-a', {}, doctor)).rejects.toThrow('ROLE_NOT_ALLOWED: ');
  });

  it('goes on from a head that an earlier call gave', async () => {
    const lanes = await consortium.query<LanesAnswer>(patient, 'audit:lanes', { patientId: patient.memberId });
    const from = lanes.find(({ memberId }) => memberId === patient.memberId)?.head;
    await consortium.addSet(patient);
    expect(await verify(patient.memberId, { from })).toEqual({ status: 'ok', entries: 1 });
  });
});

describe('audit:verifyLane of a changed lane', () => {
  beforeEach(freshPatient);
  const own = () => patient.memberId;
  const bad = (sequence: number, reason: string, entries = sequence) => ({
    status: 'bad',
    fault: { sequence, reason },
    entries,
  });

  it('one changed byte in the oldest entry', async () => {
    consortium.peer.tamper(entryKeyOf(own(), 0), (text) => text.replace('permit', 'permis'));
    expect(await verify(own())).toEqual(bad(0, 'changed'));
  });

  it('an entry that cannot be parsed, one that cannot be read, one that is gone', async () => {
    consortium.peer.tamper(entryKeyOf(own(), 2), () => undefined);
    expect(await verify(own())).toEqual(bad(2, 'missing'));
    consortium.peer.spoil(entryKeyOf(own(), 1));
    expect(await verify(own())).toEqual(bad(1, 'unreadable'));
    consortium.peer.tamper(entryKeyOf(own(), 0), () => '{');
    expect(await verify(own())).toEqual(bad(0, 'unreadable'));
  });

  it('an entry sealed anew with another outcome: the next one does not link to it', async () => {
    consortium.peer.tamper(entryKeyOf(own(), 1), (text) => {
      const { nonce, txId, timeMs, ...header } = parseLaneEntry(text);
      return formatLaneEntry(sealEntry({ header, nonce, outcome: '{"action":"open"}', txId, timeMs }));
    });
    expect(await verify(own())).toEqual(bad(2, 'unlinked'));
  });

  it('a head that was set back, taken away or cannot be read', async () => {
    const headKey = `lane~${own()}~${own()}`;
    const earlier = consortium.peer.text(headKey) ?? '';
    await consortium.addSet(patient);
    consortium.peer.tamper(headKey, () => earlier);
    expect(await verify(own())).toEqual(bad(3, 'head'));
    consortium.peer.tamper(headKey, () => '{}');
    expect(await verify(own())).toEqual(bad(0, 'unreadable'));
    consortium.peer.tamper(headKey, () => undefined);
    expect(await verify(own())).toEqual(bad(0, 'head'));
  });

  it('a pinned key that was exchanged: the lane does not begin there', async () => {
    const { signingKey } = await consortium.patient();
    consortium.peer.tamper(`member~${own()}`, (text) => text.replace(patient.signingKey, signingKey));
    expect(await verify(own(), {}, auditor)).toEqual(bad(0, 'unlinked'));
  });
});
