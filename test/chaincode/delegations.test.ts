import { beforeAll, describe, expect, it } from '@jest/globals';
import type { DelegationBody, GrantId } from '@medledger/chaincode/domain';
import { type ChainActor, randomId, signGrant } from '../support/chain-actor.js';
import { decisionsOf, delegate, delegationBody, revokeBy } from './statements.js';
import { DAY_MS, openingOf, recordOf, TestConsortium, type SaidGrant } from './test-consortium.js';

let consortium: TestConsortium;
let patient: ChainActor;
let doctorA: ChainActor;
let doctorB: ChainActor;
let setId: string;
let parentId: GrantId;
beforeAll(async () => {
  consortium = await TestConsortium.create();
  doctorA = consortium.actor('doctor-a');
  doctorB = consortium.actor('doctor-b');
});

const TO_DELEGATE: SaidGrant = {
  grantee: { kind: 'delegate', id: 'doctor-a' as never },
  actions: ['read', 'share'],
  scope: { classes: ['Observation'] },
};
async function patientWithDelegate(change: SaidGrant = {}): Promise<void> {
  patient = await consortium.patient();
  setId = await consortium.addSet(patient, [recordOf(), recordOf({ class: 'Condition' })]);
  parentId = await consortium.grant(patient, { ...TO_DELEGATE, ...change });
}
const passOn = (change: Partial<DelegationBody> = {}) => {
  const body = delegationBody(consortium, { parentId, scope: { classes: ['Observation'] }, ...change });
  return delegate(consortium, doctorA, { patient, body });
};
const open = async (actor = doctorB) =>
  decisionsOf(await consortium.submit(actor, 'access:open', openingOf(patient, [`${setId}00`, `${setId}01`])));

describe('consents:delegate', () => {
  beforeAll(() => patientWithDelegate());

  it('passes on what the delegate holds; the permit names child and parent', async () => {
    expect(await open()).toEqual(['NO_GRANT', 'NO_GRANT']);
    const delegationId = await passOn();
    const { outcome } = await consortium.submit(doctorB, 'access:open', openingOf(patient, [`${setId}00`]));
    const basis = { kind: 'delegation', delegationId, version: 1, grantId: parentId, grantVersion: 1 };
    expect(outcome.items?.[0]).toMatchObject({ outcome: 'permit', basis });
  });

  it.each<{ name: string; change: Partial<DelegationBody>; code: string }>([
    { name: 'a wider scope', change: { scope: {} }, code: 'INPUT_INVALID' },
    { name: 'another action', change: { actions: ['add'] }, code: 'INPUT_INVALID' },
    { name: 'another purpose', change: { purpose: 'HRESCH' }, code: 'INPUT_INVALID' },
    { name: 'a later end', change: { untilMs: Date.UTC(2026, 11, 31) }, code: 'INPUT_INVALID' },
    { name: 'nobody', change: { grantee: { kind: 'person', id: 'nobody' as never } }, code: 'MEMBER_UNKNOWN' },
    { name: 'itself', change: { grantee: { kind: 'person', id: 'doctor-a' as never } }, code: 'INPUT_INVALID' },
    { name: 'an unknown grant', change: { parentId: `g${'0'.repeat(32)}` as GrantId }, code: 'NO_GRANT' },
  ])('of or to $name: $code', async ({ change, code }) => {
    await expect(passOn(change)).rejects.toThrow(`${code}: `);
  });

  it('by somebody who holds no such grant, or may not share it: NO_GRANT', async () => {
    const body = delegationBody(consortium, { parentId, grantee: { kind: 'person', id: 'nurse-a' as never } });
    await expect(delegate(consortium, doctorB, { patient, body })).rejects.toThrow('NO_GRANT: ');
    const plainId = await consortium.grant(patient);
    await expect(passOn({ parentId: plainId })).rejects.toThrow('NO_GRANT: ');
  });

  it('is not passed on again: depth is one', async () => {
    const delegationId = await passOn();
    const deeper = { parentId: delegationId.replace('d', 'g') as GrantId, grantee: { kind: 'person' } };
    const body = delegationBody(consortium, { ...deeper, grantee: { kind: 'person', id: 'nurse-a' as never } });
    await expect(delegate(consortium, doctorB, { patient, body })).rejects.toThrow('NO_GRANT: ');
  });
});

describe('a child', () => {
  it('ends with its parent, which nothing rewrites', async () => {
    await patientWithDelegate();
    const delegationId = await passOn();
    expect(await open()).toEqual(['delegation', 'NO_GRANT']);
    const before = consortium.peer.text(`delegation~${patient.memberId}~${delegationId}`);
    await revokeBy(consortium, patient, { patient, id: parentId });
    expect(await open()).toEqual(['GRANT_ENDED', 'NO_GRANT']);
    expect(consortium.peer.text(`delegation~${patient.memberId}~${delegationId}`)).toBe(before);
  });

  it('is narrowed with its parent', async () => {
    await patientWithDelegate();
    await passOn();
    const body = consortium.grantBody({ ...TO_DELEGATE, scope: { classes: ['Condition'] } });
    const grant = signGrant(patient, { grantId: parentId, version: 2, body });
    await consortium.submit(patient, 'consents:alter', { patientId: patient.memberId, grant });
    expect(await open()).toEqual(['NO_GRANT', 'NO_GRANT']);
  });

  it('endorsed before its parent was revoked and ordered after: a conflict', async () => {
    await patientWithDelegate();
    await passOn();
    const opening = await consortium.endorse(doctorB, 'access:open', openingOf(patient, [`${setId}00`]));
    await revokeBy(consortium, patient, { patient, id: parentId });
    expect(consortium.peer.commit(opening)).toBe('MVCC_READ_CONFLICT');
  });

  it('is taken back by the delegate or the patient, not by others, and once', async () => {
    await patientWithDelegate();
    const first = await passOn();
    const second = await passOn();
    await expect(revokeBy(consortium, doctorB, { patient, id: first })).rejects.toThrow('NOT_THE_PATIENT: ');
    expect((await revokeBy(consortium, doctorA, { patient, id: first })).outcome).toMatchObject({
      delegationId: first,
    });
    await revokeBy(consortium, patient, { patient, id: second });
    expect(await open()).toEqual(['GRANT_ENDED', 'NO_GRANT']);
    await expect(revokeBy(consortium, doctorA, { patient, id: first, version: 2 })).rejects.toThrow('GRANT_REVOKED: ');
    const unknown = revokeBy(consortium, patient, { patient, id: randomId('d') });
    await expect(unknown).rejects.toThrow('DELEGATION_UNKNOWN: ');
  });

  it('spends the uses of its parent', async () => {
    await patientWithDelegate({ uses: 2 });
    await passOn();
    expect(await open()).toEqual(['delegation', 'NO_GRANT']);
    expect(await open(doctorA)).toEqual(['grant', 'NO_GRANT']);
    expect(await open()).toEqual(['USES_SPENT', 'NO_GRANT']);
    expect(consortium.peer.text(`uses~${patient.memberId}~${parentId}`)).toBe('{"used":2}');
  });

  it('to an agency reaches its members, once the patient was told of who came later', async () => {
    await patientWithDelegate({ untilMs: consortium.timeMs + DAY_MS });
    await passOn({ grantee: { kind: 'agency', id: 'practice-b' as never }, registerVersion: 1 });
    expect(await open()).toEqual(['delegation', 'NO_GRANT']);
    const late = await consortium.join({ memberId: 'doctor-late', role: 'doctor', agencyId: 'practice-b' });
    expect(await open(late)).toEqual(['NOTICE_MISSING', 'NO_GRANT']);
    await consortium.submit(late, 'consents:announce', { patientId: patient.memberId });
    expect(await open(late)).toEqual(['delegation', 'NO_GRANT']);
  });
});
