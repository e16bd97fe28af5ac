import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { accessLog, addFile, inHours, listRecords, open } from '../support/care.js';
import { alter, give, outcomeOf, setPolicy } from '../support/consents.js';
import { untilTrue } from '../support/eventually.js';
import { joinStaff } from '../support/join-staff.js';
import { type Member, problemOf, type Reply, signIn, signUp } from '../support/member.js';
import { type RunningNetwork, runNetwork } from '../support/running-network.js';

let network: RunningNetwork;
let nurseA: Member;
/** Joins Hospital A after the patients have trusted it. */
let newcomer: Member;
let trusting: Trusting;
let permitting: Trusting;
/** What patients say anew without a word about whom they trust. */
let prolong: () => Promise<object>;
let exclude: () => Promise<object>;

interface Trusting {
  readonly patient: Member;
  readonly recordId: string;
}

beforeAll(async () => {
  network = await runNetwork();
  nurseA = await signIn(network.credential('nurse-a'));
  trusting = await patientWithRecord();
  const { grantId } = await give(trusting.patient, { grantee: { kind: 'agency', id: 'hospital-a' } });
  prolong = () => alter(trusting.patient, grantId, { until: inHours(30) });
  permitting = await patientWithRecord();
  const defaultRule = { kind: 'permit', roles: ['nurse'], purposes: ['TREAT'], scope: {} };
  await setPolicy(permitting.patient, { defaultRule });
  const exclusions = [{ who: { kind: 'person', id: 'doctor-b' }, scope: {} }];
  exclude = () => setPolicy(permitting.patient, { defaultRule, exclusions });
  const staff = { memberId: 'nurse-new', role: 'nurse', agencyId: 'hospital-a', mspId: 'HospitalAMSP' } as const;
  await joinStaff(network, staff);
  newcomer = await signIn(network.credential('nurse-new'));
});

afterAll(async () => {
  await network?.stop();
  network?.remove();
});

async function patientWithRecord(): Promise<Trusting> {
  const patient = await signUp(network.gatewayUrl('HospitalBMSP'));
  const { recordId } = await addFile(patient, patient.memberId, { bytes: randomBytes(40), class: 'Condition' });
  return { patient, recordId };
}

function announce(member: Member, patient: Member): Promise<Reply> {
  return member.send({ method: 'POST', path: `/v1/patients/${patient.memberId}/membership-notices` });
}

function notices({ patient }: Trusting): Promise<{ items: { kind: string; memberId: string }[] }> {
  return patient.ask({ method: 'GET', path: `/v1/patients/${patient.memberId}/notices` });
}

describe.each([
  { name: 'a grant to the agency', of: () => trusting, sayAnew: () => prolong() },
  { name: 'a default for the role', of: () => permitting, sayAnew: () => exclude() },
])('who joins after $name', ({ of, sayAnew }) => {
  it('gains nothing before the patient is told, and who was there before reads on', async () => {
    const { patient, recordId } = of();
    expect(outcomeOf(await open(newcomer, recordId))).toBe('NOTICE_MISSING');
    expect(await listRecords(newcomer, patient.memberId)).toEqual([]);
    expect(outcomeOf(await open(nurseA, recordId))).toBe(200);
    expect((await notices(of())).items).toEqual([]);
  });

  it('gains nothing either when the patient says something else anew', async () => {
    await sayAnew();
    expect(outcomeOf(await open(newcomer, of().recordId))).toBe('NOTICE_MISSING');
    expect(outcomeOf(await open(nurseA, of().recordId))).toBe(200);
  });

  it('reads once the notice is committed; patient and log name the newcomer', async () => {
    const { patient, recordId } = of();
    const told = await announce(newcomer, patient);
    expect(told.status).toBe(201);
    expect(outcomeOf(await open(newcomer, recordId))).toBe(200);
    expect((await notices(of())).items).toEqual([
      expect.objectContaining({ kind: 'joined', memberId: 'nurse-new', agencyId: 'hospital-a' }),
    ]);
    const log = await untilTrue(
      () => accessLog(patient, patient.memberId),
      (items) => items.some(({ action, outcome }) => action === 'open' && outcome === 'permit'),
    );
    const own = log
      .filter(({ actor }) => actor.memberId === 'nurse-new')
      .map(({ action, outcome }) => [action, outcome]);
    expect(own).toEqual(
      expect.arrayContaining([
        ['announce', 'permit'],
        ['open', 'deny'],
      ]),
    );
  });

  it('is told once, however often it is said', async () => {
    expect((await announce(newcomer, of().patient)).status).toBe(201);
    expect((await notices(of())).items).toHaveLength(1);
  });
});

describe('who has nothing to gain', () => {
  it('troubles no patient with a notice: the refusal is committed and said', async () => {
    const other = await patientWithRecord();
    const refused = problemOf(await announce(newcomer, other.patient));
    expect([refused.status, refused.code]).toEqual([403, 'NO_GRANT']);
    expect(refused.transactionId).toMatch(/^[0-9a-f]{64}$/);
    expect((await notices(other)).items).toEqual([]);
  });
});
