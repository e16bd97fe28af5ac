import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { accessLog, addFile, inHours, listRecords, open } from '../support/care.js';
import { alter, give, grantBody, outcomeOf, sendPassOn, setPolicy } from '../support/consents.js';
import { untilTrue } from '../support/eventually.js';
import { jsonOf, type Member, signIn, signUp } from '../support/member.js';
import { type RunningNetwork, runNetwork } from '../support/running-network.js';

let network: RunningNetwork;
let doctorA: Member;
let doctorB: Member;
let nurseA: Member;

beforeAll(async () => {
  network = await runNetwork();
  doctorA = await signIn(network.credential('doctor-a'));
  doctorB = await signIn(network.credential('doctor-b'));
  nurseA = await signIn(network.credential('nurse-a'));
});

afterAll(async () => {
  await network?.stop();
  network?.remove();
});

/** A patient with one record of each class. */
async function patientWith(...classes: readonly string[]) {
  const patient = await signUp(network.gatewayUrl('HospitalAMSP'));
  const ids = [];
  for (const recordClass of classes)
    ids.push((await addFile(patient, patient.memberId, { bytes: randomBytes(50), class: recordClass })).recordId);
  const [first = '', second = ''] = ids;
  return { patient, patientId: patient.memberId, first, second };
}

const opened = async (member: Member, recordId: string) => outcomeOf(await open(member, recordId));

describe('grants of every kind', () => {
  it('to an agency, to a role in it, and to a care group', async () => {
    const { patient, patientId, first } = await patientWith('Condition');
    await give(patient, { grantee: { kind: 'role', id: 'nurse', agencyId: 'hospital-a' } });
    expect([await opened(nurseA, first), await opened(doctorA, first)]).toEqual([200, 'NO_GRANT']);
    await give(patient, { grantee: { kind: 'agency', id: 'hospital-a' } });
    expect([await opened(doctorA, first), await opened(doctorB, first)]).toEqual([200, 'NO_GRANT']);
    const group = await patient.ask<{ groupId: string }>({
      method: 'POST',
      path: `/v1/patients/${patientId}/care-groups`,
      body: { members: ['doctor-b'] },
    });
    await give(patient, { grantee: { kind: 'group', id: group.groupId } });
    expect(await opened(doctorB, first)).toBe(200);
    const path = `/v1/patients/${patientId}/care-groups/${group.groupId}`;
    await patient.ask({ method: 'PUT', path, body: { members: [] } });
    expect(await opened(doctorB, first)).toBe('NO_GRANT');
  });

  it('altered: the next version holds, and what it no longer covers is refused', async () => {
    const { patient, patientId, first, second } = await patientWith('Condition', 'Observation');
    const { grantId } = await give(patient, { grantee: { kind: 'person', id: 'doctor-a' } });
    expect(await opened(doctorA, second)).toBe(200);
    expect((await alter(patient, grantId, { scope: { classes: ['Condition'] } })).version).toBe(2);
    expect([await opened(doctorA, first), await opened(doctorA, second)]).toEqual([200, 'NO_GRANT']);
    const grants = await patient.ask<{ items: object[] }>({ method: 'GET', path: `/v1/patients/${patientId}/grants` });
    expect(grants.items).toEqual([expect.objectContaining({ grantId, version: 2, status: 'live' })]);
  });

  it('with a window on the date of the data', async () => {
    const { patient, first } = await patientWith('Condition');
    const scope = { dataFrom: '2001-01-01T00:00:00Z', dataUntil: '2002-01-01T00:00:00Z' };
    await give(patient, { grantee: { kind: 'person', id: 'doctor-a' }, scope });
    expect(await opened(doctorA, first)).toBe('NO_GRANT');
    await give(patient, { grantee: { kind: 'person', id: 'doctor-a' }, scope: { dataFrom: '2001-01-01T00:00:00Z' } });
    expect(await opened(doctorA, first)).toBe(200);
  });

  it('counted: three openings through three gateways at once, two permitted', async () => {
    const { patient, patientId, first } = await patientWith('Condition');
    const group = await patient.ask<{ groupId: string }>({
      method: 'POST',
      path: `/v1/patients/${patientId}/care-groups`,
      body: { members: ['doctor-a', 'doctor-b', 'officer-1'] },
    });
    await give(patient, { grantee: { kind: 'group', id: group.groupId }, uses: 2 });
    const officer = await signIn(network.credential('officer-1'));
    const outcomes = await Promise.all([doctorA, doctorB, officer].map((member) => opened(member, first)));
    expect(outcomes.sort()).toEqual([200, 200, 'USES_SPENT']);
  });
});

describe('the policy', () => {
  it('excludes, and no grant outweighs it', async () => {
    const { patient, first, second } = await patientWith('Condition', 'Observation');
    await give(patient, { grantee: { kind: 'person', id: 'doctor-a' } });
    const who = { kind: 'agency', id: 'hospital-a' };
    await setPolicy(patient, { exclusions: [{ who, scope: { classes: ['Condition'] } }] });
    expect([await opened(doctorA, first), await opened(doctorA, second)]).toEqual(['EXCLUDED', 200]);
  });

  it('states a default for those of whom no grant speaks', async () => {
    const { patient, patientId, first } = await patientWith('Condition');
    expect(await opened(doctorB, first)).toBe('NO_GRANT');
    const defaultRule = { kind: 'permit', roles: ['doctor'], purposes: ['TREAT'], scope: {} };
    await setPolicy(patient, { defaultRule });
    expect([await opened(doctorB, first), await opened(nurseA, first)]).toEqual([200, 'NO_GRANT']);
    expect(await listRecords(doctorB, patientId)).toHaveLength(1);
    await setPolicy(patient, {});
    expect(await opened(doctorB, first)).toBe('NO_GRANT');
    expect(await listRecords(doctorB, patientId)).toHaveLength(0);
  });
});

describe('those who act for the patient or pass on', () => {
  it('a representative gives and opens, and the log names both', async () => {
    const { patient, patientId, first } = await patientWith('Condition');
    const parent = await signUp(network.gatewayUrl('HospitalBMSP'));
    const refused = await parent.send({
      method: 'POST',
      path: `/v1/patients/${patientId}/grants`,
      body: grantBody({ grantee: { kind: 'person', id: 'doctor-a' } }),
    });
    expect(outcomeOf(refused)).toBe('NOT_THE_PATIENT');
    const path = `/v1/patients/${patientId}/representatives`;
    const { representationId } = await patient.ask<{ representationId: string }>({
      method: 'POST',
      path,
      body: { memberId: parent.memberId, until: inHours(1) },
    });
    await give(parent, { grantee: { kind: 'person', id: 'doctor-a' } }, patientId);
    expect([await opened(parent, first), await opened(doctorA, first)]).toEqual([200, 200]);
    const log = await untilTrue(
      () => accessLog(patient, patientId),
      (items) => items.some(({ action, actor }) => action === 'open' && actor.memberId === parent.memberId),
    );
    const byParent = log.filter(({ actor }) => actor.memberId === parent.memberId);
    expect(byParent.map((item) => [item.action, (item as { representationId?: string }).representationId])).toEqual(
      expect.arrayContaining([['grant', representationId]]),
    );
    await patient.ask({ method: 'DELETE', path: `${path}/${representationId}` });
    expect(await opened(parent, first)).toBe('NO_GRANT');
    // What was given rightly stays given.
    expect(await opened(doctorA, first)).toBe(200);
  });

  it('a delegate passes on once, and it ends with its parent', async () => {
    const { patient, patientId, first } = await patientWith('Condition');
    const { grantId } = await give(patient, {
      grantee: { kind: 'delegate', id: 'doctor-a' },
      actions: ['read', 'share'],
    });
    expect(outcomeOf(await sendPassOn(nurseA, patientId, grantId, { kind: 'person', id: 'doctor-b' }))).not.toBe(201);
    expect(outcomeOf(await sendPassOn(doctorA, patientId, grantId, { kind: 'person', id: 'doctor-b' }))).toBe(201);
    expect(await opened(doctorB, first)).toBe(200);
    await patient.ask({ method: 'DELETE', path: `/v1/grants/${grantId}` });
    expect([await opened(doctorB, first), await opened(doctorA, first)]).not.toContain(200);
  });
});

describe('requests', () => {
  it('approved in part: fewer classes, two uses, to whom it was asked for', async () => {
    const { patient, patientId, first, second } = await patientWith('Condition', 'Observation');
    const { requestId } = await doctorA.ask<{ requestId: string }>({
      method: 'POST',
      path: '/v1/access-requests',
      body: {
        patientId,
        grantee: { kind: 'agency', id: 'hospital-b' },
        actions: ['read'],
        scope: {},
        purpose: 'TREAT',
        until: inHours(24),
        reason: 'Referral to the specialist.',
      },
    });
    expect(await opened(doctorB, first)).toBe('NO_GRANT');
    await patient.ask({
      method: 'POST',
      path: `/v1/access-requests/${requestId}/approval`,
      body: { scope: { classes: ['Condition'] }, uses: 2 },
    });
    expect([await opened(doctorB, first), await opened(doctorB, second)]).toEqual([200, 'NO_GRANT']);
    expect(await opened(doctorB, first)).toBe(200);
    expect(await opened(doctorB, first)).toBe('USES_SPENT');
    const list = jsonOf<{ items: { status: string }[] }>(
      await patient.send({ method: 'GET', path: '/v1/access-requests' }),
    );
    expect(list.items.map(({ status }) => status)).toEqual(['approved']);
  });
});
