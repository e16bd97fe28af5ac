import { beforeAll, describe, expect, it } from '@jest/globals';
import type { HistoryAnswer, Notice, Page, RepresentationId } from '@medledger/chaincode/domain';
import { type ChainActor, randomId, signFor } from '../support/chain-actor.js';
import { appoint, decisionsOf, revokeBy, setGroup, setPolicy } from './statements.js';
import { DAY_MS, openingOf, recordOf, TestConsortium } from './test-consortium.js';

let consortium: TestConsortium;
let patient: ChainActor;
let parent: ChainActor;
let setId: string;
let representationId: RepresentationId;
beforeAll(async () => {
  consortium = await TestConsortium.create();
});

async function represented(): Promise<void> {
  patient = await consortium.patient();
  parent = await consortium.patient();
  setId = await consortium.addSet(patient, [recordOf(), recordOf({ label: 'R' })]);
  representationId = await appoint(consortium, patient, { representative: parent.memberId });
}
const about = () => ({ patientId: patient.memberId });
const open = (actor = parent) =>
  consortium.submit(actor, 'access:open', openingOf(patient, [`${setId}00`, `${setId}01`], 'PATRQT'));
const grantBy = (signer: ChainActor, id = randomId<string>('g')) => {
  const grant = signFor(signer, patient, { kind: 'grant', id, body: consortium.grantBody() });
  return consortium.submit(signer, 'consents:grant', { ...about(), grant });
};

describe('a representative', () => {
  beforeAll(represented);

  it('opens as the patient, in an entry that names both', async () => {
    const answer = await open();
    expect(decisionsOf(answer)).toEqual(['representation', 'representation']);
    expect(answer.outcome).toMatchObject({ outcome: 'permit', representationId });
    expect(answer.entry).toMatchObject({ patientId: patient.memberId, memberId: parent.memberId });
  });

  it('gives, alters and takes back with the own key', async () => {
    const id = randomId<string>('g');
    const { outcome } = await grantBy(parent, id);
    expect(outcome).toMatchObject({ action: 'grant', representationId, grantId: id });
    const body = consortium.grantBody({ purpose: 'HRESCH' });
    const grant = signFor(parent, patient, { kind: 'grant', id, version: 2, body });
    const altered = await consortium.submit(parent, 'consents:alter', { ...about(), grant });
    expect(altered.outcome).toMatchObject({ action: 'alter', purpose: 'HRESCH', representationId });
    expect((await revokeBy(consortium, parent, { patient, id, version: 3 })).outcome).toMatchObject({ grantId: id });
  });

  it('states policy and groups, adds records, reads the log and the notices', async () => {
    expect((await setPolicy(consortium, patient, { signer: parent })).outcome).toMatchObject({ representationId });
    await setGroup(consortium, patient, { members: ['doctor-a'], signer: parent });
    const record = { patientId: patient.memberId, purpose: 'PATRQT', setId: randomId(), record: recordOf() };
    const added = await consortium.submit(parent, 'records:add', record);
    expect(added.outcome).toMatchObject({ outcome: 'permit', basis: { kind: 'representation' }, representationId });
    const page = { ...about(), limit: 50 };
    const { items } = await consortium.query<HistoryAnswer>(parent, 'audit:history', page);
    expect(items.some(({ memberId }) => memberId === parent.memberId)).toBe(true);
    expect((await consortium.query<Page<Notice>>(parent, 'consents:notices', page)).items).toEqual([]);
  });

  it("signs in nobody else's name: not without saying who, not as the patient", async () => {
    const id = randomId<string>('g');
    const body = consortium.grantBody();
    const asPatient = { ...signFor(parent, patient, { kind: 'grant', id, body }) };
    const text = asPatient.text.replace(`"by":"${parent.memberId}",`, '');
    const attempt = consortium.submit(parent, 'consents:grant', { ...about(), grant: { ...asPatient, text } });
    await expect(attempt).rejects.toThrow('STATEMENT_INVALID: ');
  });

  it('appoints nobody and ends no other representation', async () => {
    const other = await consortium.patient();
    const otherId = await appoint(consortium, patient, { representative: other.memberId });
    const body = { representative: other.memberId, fromMs: consortium.timeMs, untilMs: consortium.timeMs + DAY_MS };
    const stating = { kind: 'representation', id: randomId('r'), body } as const;
    const representation = signFor(parent, patient, stating);
    const appointing = consortium.submit(parent, 'consents:appoint', { ...about(), representation });
    await expect(appointing).rejects.toThrow('NOT_THE_PATIENT: ');
    await expect(revokeBy(consortium, parent, { patient, id: otherId })).rejects.toThrow('NOT_THE_PATIENT: ');
  });
});

describe('the end of a representation', () => {
  beforeAll(represented);

  it('by who lays it down: final', async () => {
    const { outcome } = await revokeBy(consortium, parent, { patient, id: representationId });
    expect(outcome).toMatchObject({ action: 'revoke', representationId });
    expect(decisionsOf(await open())).toEqual(['NO_GRANT', 'NO_GRANT']);
    await expect(grantBy(parent)).rejects.toThrow('NOT_THE_PATIENT: ');
    await expect(revokeBy(consortium, patient, { patient, id: representationId })).rejects.toThrow('GRANT_REVOKED: ');
  });

  it('by the patient, also between endorsement and order', async () => {
    await represented();
    const recordIds = [`${setId}00`];
    const opening = await consortium.endorse(parent, 'access:open', openingOf(patient, recordIds, 'PATRQT'));
    await revokeBy(consortium, patient, { patient, id: representationId });
    expect(consortium.peer.commit(opening)).toBe('MVCC_READ_CONFLICT');
  });

  it('by time: half-open', async () => {
    await represented();
    const untilMs = consortium.timeMs + DAY_MS;
    await appoint(consortium, patient, { representative: parent.memberId, untilMs });
    // Finding the head and submitting take ten seconds each.
    consortium.timeMs = untilMs - 20_001;
    expect(decisionsOf(await open())).toEqual(['representation', 'representation']);
    consortium.timeMs = untilMs - 20_000;
    expect(decisionsOf(await open())).toEqual(['NO_GRANT', 'NO_GRANT']);
  });

  it.each(['nobody', 'admin-a', 'auditor'])('%s cannot be appointed: MEMBER_UNKNOWN', async (representative) => {
    const appointing = appoint(consortium, patient, { representative: representative as never });
    await expect(appointing).rejects.toThrow('MEMBER_UNKNOWN: ');
  });

  it('the patient cannot appoint itself, nor by a stored id: refused', async () => {
    const { memberId } = patient;
    await expect(appoint(consortium, patient, { representative: memberId })).rejects.toThrow('INPUT_INVALID: ');
    const again = appoint(consortium, patient, { representative: parent.memberId }, representationId);
    await expect(again).rejects.toThrow('VERSION_CONFLICT: ');
  });
});
