import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { ConsentsAnswer, Notice, Page, StaffMember } from '@medledger/chaincode/domain';
import { type ChainActor, randomId, signFor, signGrant } from '../support/chain-actor.js';
import { decisionsOf, setGroup } from './statements.js';
import { requestOf } from '../authorisation/chaincode-world.js';
import { openingOf, recordOf, type SaidGrant, TestConsortium } from './test-consortium.js';

let consortium: TestConsortium;
let patient: ChainActor;
let setId: string;
beforeAll(async () => {
  consortium = await TestConsortium.create();
});
beforeEach(async () => {
  patient = await consortium.patient();
  setId = await consortium.addSet(patient);
});

const open = async (actor: ChainActor) =>
  decisionsOf(await consortium.submit(actor, 'access:open', openingOf(patient, [`${setId}00`])));
const announce = (actor: ChainActor) => consortium.submit(actor, 'consents:announce', { patientId: patient.memberId });
const about = () => ({ patientId: patient.memberId, limit: 50 });
const lateDoctor = () =>
  consortium.join({ memberId: `late-${setId.slice(0, 8)}`, role: 'doctor', agencyId: 'practice-a' });

describe('a trusted group', () => {
  it.each<{ name: string; grant: SaidGrant }>([
    { name: 'an agency', grant: { grantee: { kind: 'agency', id: 'practice-a' } } },
    { name: 'a role', grant: { grantee: { kind: 'role', id: 'doctor' } } },
    { name: 'a role in an agency', grant: { grantee: { kind: 'role', id: 'doctor', agencyId: 'practice-a' } } },
  ])('$name reaches whom the patient knew of, and later ones once it was told', async ({ grant }) => {
    await consortium.grant(patient, { ...grant, registerVersion: 1 });
    expect(await open(consortium.actor('doctor-a'))).toEqual(['grant']);
    expect(await open(consortium.actor('insurer'))).toEqual(['NO_GRANT']);
    const late = await lateDoctor();
    expect(await open(late)).toEqual(['NOTICE_MISSING']);
    expect((await announce(late)).outcome).toEqual({ action: 'announce', outcome: 'permit' });
    expect(await open(late)).toEqual(['grant']);
    const { items } = await consortium.query<Page<Notice>>(patient, 'consents:notices', about());
    expect(items).toMatchObject([{ kind: 'joined', memberId: late.memberId, agencyId: 'practice-a' }]);
  });

  it('an announcement that is not committed yet does not help', async () => {
    await consortium.grant(patient, { grantee: { kind: 'agency', id: 'practice-a' }, registerVersion: 1 });
    const late = await lateDoctor();
    await consortium.endorse(late, 'consents:announce', { patientId: patient.memberId });
    expect(await open(late)).toEqual(['NOTICE_MISSING']);
  });

  it('announced twice tells the patient once; where nothing is trusted, not at all', async () => {
    const late = await lateDoctor();
    expect((await announce(late)).outcome).toEqual({ action: 'announce', outcome: 'deny', code: 'NO_GRANT' });
    await consortium.grant(patient, { grantee: { kind: 'agency', id: 'practice-a' }, registerVersion: 1 });
    await announce(late);
    await announce(late);
    const { items } = await consortium.query<Page<Notice>>(patient, 'consents:notices', about());
    expect(items).toHaveLength(1);
  });

  it('is shown with the register version of each member', async () => {
    const late = await lateDoctor();
    const input = { agencyId: 'practice-a', limit: 200 };
    const { items } = await consortium.query<Page<StaffMember>>(patient, 'members:staff', input);
    const versionOf = (memberId: string) => items.find((member) => member.memberId === memberId)?.registerVersion;
    expect(versionOf('doctor-a')).toBe(1);
    expect(versionOf(late.memberId)).toBeGreaterThan(1);
    expect(items.every(({ agencyId }) => agencyId === 'practice-a')).toBe(true);
  });
});

describe('a care group', () => {
  it('reaches whom the patient names, as it names them now, without a notice', async () => {
    const late = await lateDoctor();
    const groupId = await setGroup(consortium, patient, { members: ['doctor-a', late.memberId] });
    await consortium.grant(patient, { grantee: { kind: 'group', id: groupId } });
    expect([await open(consortium.actor('doctor-a')), await open(late)]).toEqual([['grant'], ['grant']]);
    await setGroup(consortium, patient, { groupId, version: 2, members: [late.memberId] });
    expect([await open(consortium.actor('doctor-a')), await open(late)]).toEqual([['NO_GRANT'], ['grant']]);
  });

  it('changed between endorsement and order: a conflict', async () => {
    const groupId = await setGroup(consortium, patient, { members: ['doctor-a'] });
    await consortium.grant(patient, { grantee: { kind: 'group', id: groupId } });
    const doctor = consortium.actor('doctor-a');
    const opening = await consortium.endorse(doctor, 'access:open', openingOf(patient, [`${setId}00`]));
    await setGroup(consortium, patient, { groupId, version: 2, members: [] });
    expect(consortium.peer.commit(opening)).toBe('MVCC_READ_CONFLICT');
  });

  it('that is not there, is somebody else’s, or names nobody known: refused', async () => {
    const foreign = await setGroup(consortium, await consortium.patient(), { members: ['doctor-a'] });
    const grant = consortium.grant(patient, { grantee: { kind: 'group', id: foreign } });
    await expect(grant).rejects.toThrow('GROUP_UNKNOWN: ');
    await expect(setGroup(consortium, patient, { members: ['nobody'] })).rejects.toThrow('MEMBER_UNKNOWN: ');
    const signer = consortium.actor('doctor-a');
    await expect(setGroup(consortium, patient, { members: ['doctor-b'], signer })).rejects.toThrow('NOT_THE_PATIENT: ');
  });
});

describe('a request for somebody else', () => {
  it('is approved once for the whole agency that is to receive it', async () => {
    const requestId = randomId<never>('q');
    const grantee = { kind: 'agency', id: 'practice-b' };
    const request = { ...requestOf(consortium, patient, requestId), grantee };
    await consortium.submit(consortium.actor('doctor-a'), 'consents:request', request);
    const { untilMs } = request;
    const approve = (to: object) => {
      const body = { ...consortium.grantBody({ untilMs, requestId, registerVersion: 1 }), ...to } as never;
      const grant = signGrant(patient, { grantId: randomId('g'), body });
      return consortium.submit(patient, 'consents:approve', { patientId: patient.memberId, requestId, grant });
    };
    await expect(approve({ grantee: { kind: 'agency', id: 'practice-a' } })).rejects.toThrow('STATEMENT_INVALID: ');
    await approve({ grantee, uses: 2 });
    expect(await open(consortium.actor('doctor-b'))).toEqual(['grant']);
    expect(await open(consortium.actor('doctor-a'))).toEqual(['NO_GRANT']);
  });
});

describe('what was said of a patient', () => {
  it('the patient reads all of it that holds, others what concerns them', async () => {
    await consortium.grant(patient);
    await consortium.grant(patient, { grantee: { kind: 'person', id: 'doctor-b' } });
    await setGroup(consortium, patient, { members: ['doctor-b'] });
    const { memberId: patientId } = patient;
    const all = await consortium.query<ConsentsAnswer>(patient, 'consents:all', { patientId });
    expect([all.grants.length, all.groups.length]).toEqual([2, 1]);
    const doctor = consortium.actor('doctor-a');
    const mine = await consortium.query<ConsentsAnswer>(doctor, 'consents:mine', { patientId });
    expect([mine.grants.length, mine.groups.length]).toEqual([1, 0]);
    const denied = consortium.query(doctor, 'consents:all', { patientId });
    await expect(denied).rejects.toThrow('NOT_THE_PATIENT: ');
  });

  it('a grant by somebody who does not represent the patient: NOT_THE_PATIENT', async () => {
    const doctor = consortium.actor('doctor-a');
    const grant = signFor(doctor, patient, { kind: 'grant', id: randomId('g'), body: consortium.grantBody() });
    const giving = consortium.submit(doctor, 'consents:grant', { patientId: patient.memberId, grant });
    await expect(giving).rejects.toThrow('NOT_THE_PATIENT: ');
  });
});

describe('records that stand to each other', () => {
  const add = (actor: ChainActor, record: object) => {
    const business = { patientId: patient.memberId, purpose: 'TREAT', setId: randomId(), record: recordOf(record) };
    return consortium.submit(actor, 'records:add', business);
  };
  const relating = (kind: string, recordId: string) => ({ relatesTo: { kind, recordId } });
  const first = () => `${setId}00`;

  it('the next version replaces the newest, of one class, by the same house', async () => {
    const { outcome } = await add(patient, relating('replaces', first()));
    const second = `${outcome.sets?.[0]?.setId}00`;
    await expect(add(patient, relating('replaces', first()))).rejects.toThrow('VERSION_CONFLICT: ');
    const otherClass = { class: 'Condition', ...relating('replaces', second) };
    await expect(add(patient, otherClass)).rejects.toThrow('INPUT_INVALID: ');
    await consortium.grant(patient, { actions: ['add', 'read'] });
    const doctor = consortium.actor('doctor-a');
    await expect(add(doctor, relating('replaces', second))).rejects.toThrow('ROLE_NOT_ALLOWED: ');
    const unknown = relating('replaces', `${'0'.repeat(32)}00`);
    await expect(add(patient, unknown)).rejects.toThrow('RECORD_UNKNOWN: ');
    const versions = await consortium.query<{ version: number; recordId: string }[]>(doctor, 'records:versions', {
      recordId: second,
    });
    expect(versions.map(({ recordId, version }) => [recordId, version])).toEqual([
      [first(), 1],
      [second, 2],
    ]);
    const opened = await consortium.submit(doctor, 'access:open', openingOf(patient, [second]));
    expect(opened.outcome.items?.[0]).toMatchObject({ outcome: 'permit', version: 2 });
  });

  it('the key of the replaced record is read and written: of two replacements on one state one is invalid', async () => {
    const business = () => ({
      patientId: patient.memberId,
      purpose: 'TREAT',
      setId: randomId(),
      record: recordOf(relating('replaces', first()) as never),
    });
    // The lane of one actor conflicts by itself; two of one house have the replaced record's key in common.
    const { reads, writes } = await consortium.endorse(patient, 'records:add', business());
    const key = `replacement~${first()}`;
    expect([reads.has(key), writes.has(key)]).toEqual([true, true]);
  });

  it('only the patient, or who represents it, disputes; it stands beside what it is about', async () => {
    await consortium.grant(patient, { actions: ['add', 'read'] });
    const doctor = consortium.actor('doctor-a');
    await expect(add(doctor, relating('disputes', first()))).rejects.toThrow('NOT_THE_PATIENT: ');
    const { outcome } = await add(patient, relating('disputes', first()));
    const versions = await consortium.query<{ recordId: string }[]>(patient, 'records:versions', { recordId: first() });
    expect(versions.map(({ recordId }) => recordId)).toEqual([first(), `${outcome.sets?.[0]?.setId}00`]);
  });
});
