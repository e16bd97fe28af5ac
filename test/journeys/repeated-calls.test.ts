import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { inHours } from '../support/care.js';
import { alter, give, NOTHING_BY_DEFAULT, outcomeOf } from '../support/consents.js';
import { jsonOf, type Member, signUp } from '../support/member.js';
import { type RunningNetwork, runNetwork } from '../support/running-network.js';

let network: RunningNetwork;
let patient: Member;
let parent: Member;

beforeAll(async () => {
  network = await runNetwork();
  patient = await signUp(network.gatewayUrl('HospitalAMSP'));
  parent = await signUp(network.gatewayUrl('HospitalAMSP'));
});

afterAll(async () => {
  await network?.stop();
  network?.remove();
});

const ofPatient = (rest: string) => `/v1/patients/${patient.memberId}/${rest}`;

/** The same call twice without a key, as a client does whose first reply was lost. */
async function twice(member: Member, call: Parameters<Member['send']>[0]): Promise<readonly [object, object]> {
  const first = await member.send(call);
  const second = await member.send(call);
  expect([outcomeOf(first), outcomeOf(second)]).toEqual([200, 200]);
  return [jsonOf<object>(first), jsonOf<object>(second)];
}

describe('a call that is repeated because its reply was lost', () => {
  it('alters and revokes a grant once', async () => {
    const { grantId } = await give(patient, { grantee: { kind: 'person', id: 'doctor-a' } });
    const path = `/v1/grants/${grantId}`;
    const [altered, again] = await twice(patient, { method: 'PUT', path, body: { scope: { classes: ['Condition'] } } });
    expect(altered).toMatchObject({ version: 2 });
    expect(again).toEqual(altered);
    expect((await alter(patient, grantId, { scope: { classes: ['Observation'] } })).version).toBe(3);
    const [revoked, twiceRevoked] = await twice(patient, { method: 'DELETE', path });
    expect(twiceRevoked).toEqual(revoked);
    expect(outcomeOf(await patient.send({ method: 'PUT', path, body: { purpose: 'TREAT' } }))).toBe('GRANT_REVOKED');
  });

  it('sets a policy once, and again after another one', async () => {
    const path = ofPatient('policy');
    const body = { ...NOTHING_BY_DEFAULT, emergency: { allowed: false, labels: [], excludedClasses: [] } };
    const [set, again] = await twice(patient, { method: 'PUT', path, body });
    expect(set).toMatchObject({ version: 2 });
    expect(again).toEqual(set);
    const other = await patient.ask<{ version: number }>({ method: 'PUT', path, body: NOTHING_BY_DEFAULT });
    const back = await patient.ask<{ version: number }>({ method: 'PUT', path, body });
    expect([other.version, back.version]).toEqual([3, 4]);
  });

  it('sets a care group once', async () => {
    const made = { method: 'POST', path: ofPatient('care-groups'), body: { members: ['doctor-a'] } } as const;
    const { groupId } = await patient.ask<{ groupId: string }>(made);
    const path = ofPatient(`care-groups/${groupId}`);
    const [set, again] = await twice(patient, { method: 'PUT', path, body: { members: ['doctor-b'] } });
    expect(set).toMatchObject({ version: 2 });
    expect(again).toEqual(set);
  });

  it('ends a representation once, and is nobody else’s to repeat', async () => {
    const body = { memberId: parent.memberId, until: inHours(24) };
    const appointed = { method: 'POST', path: ofPatient('representatives'), body } as const;
    const { representationId } = await patient.ask<{ representationId: string }>(appointed);
    const path = ofPatient(`representatives/${representationId}`);
    const [ended, again] = await twice(patient, { method: 'DELETE', path });
    expect(again).toEqual(ended);
    expect(outcomeOf(await parent.send({ method: 'DELETE', path }))).toBe('NOT_THE_PATIENT');
  });
});
