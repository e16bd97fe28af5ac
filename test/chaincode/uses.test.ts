import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { GrantId } from '@medledger/chaincode/domain';
import { type ChainActor, signGrant } from '../support/chain-actor.js';
import { decisionsOf } from './statements.js';
import { DAY_MS, openingOf, recordOf, TestConsortium, type SaidGrant } from './test-consortium.js';

let consortium: TestConsortium;
let patient: ChainActor;
let setId: string;
beforeAll(async () => {
  consortium = await TestConsortium.create();
});
beforeEach(async () => {
  patient = await consortium.patient();
  setId = await consortium.addSet(patient, [recordOf(), recordOf(), recordOf()]);
});

const open = async (indexes: readonly string[], actor = 'doctor-a') =>
  decisionsOf(await consortium.submit(consortium.actor(actor), 'access:open', opening(indexes)));
const opening = (indexes: readonly string[]) =>
  openingOf(
    patient,
    indexes.map((index) => `${setId}${index}`),
  );
const usedOf = (grantId: string) => consortium.peer.text(`uses~${patient.memberId}~${grantId}`);
const alter = (grantId: GrantId, version: number, body: SaidGrant) => {
  const grant = signGrant(patient, { grantId, version, body: consortium.grantBody(body) });
  return consortium.submit(patient, 'consents:alter', { patientId: patient.memberId, grant });
};

describe('a grant that counts its uses', () => {
  it('a batch spends in the order of its items; the rest is USES_SPENT', async () => {
    const grantId = await consortium.grant(patient, { uses: 2 });
    expect(await open(['02', '00', '01'])).toEqual(['grant', 'grant', 'USES_SPENT']);
    expect(usedOf(grantId)).toBe('{"used":2}');
    expect(await open(['00'])).toEqual(['USES_SPENT']);
  });

  it('the counter is read and written with the opening: of two endorsed on one state one is invalid', async () => {
    const grantId = await consortium.grant(patient, {
      uses: 1,
      grantee: { kind: 'role', id: 'doctor' },
      registerVersion: 1,
    });
    const key = `uses~${patient.memberId}~${grantId}`;
    const first = await consortium.endorse(consortium.actor('doctor-a'), 'access:open', opening(['00']));
    const second = await consortium.endorse(consortium.actor('doctor-b'), 'access:open', opening(['01']));
    for (const { reads, writes } of [first, second]) {
      expect(reads.has(key)).toBe(true);
      expect(writes.get(key)?.toString()).toBe('{"used":1}');
    }
    expect(consortium.peer.commit(first)).toBe('VALID');
    expect(consortium.peer.commit(second)).toBe('MVCC_READ_CONFLICT');
    expect(await open(['01'], 'doctor-b')).toEqual(['USES_SPENT']);
  });

  it('is spared where another one gives the same uncounted', async () => {
    const counted = await consortium.grant(patient, { uses: 1, untilMs: consortium.timeMs + 2 * DAY_MS });
    await consortium.grant(patient);
    expect(await open(['00', '01'])).toEqual(['grant', 'grant']);
    expect(usedOf(counted)).toBeUndefined();
  });

  it('counts over all its versions', async () => {
    const grantId = await consortium.grant(patient, { uses: 1 });
    expect(await open(['00'])).toEqual(['grant']);
    await alter(grantId, 2, { uses: 2 });
    expect(await open(['00', '01'])).toEqual(['grant', 'USES_SPENT']);
    await alter(grantId, 3, { uses: 1 });
    expect(await open(['00'])).toEqual(['USES_SPENT']);
  });

  it('a refused opening spends nothing', async () => {
    const grantId = await consortium.grant(patient, { uses: 1, scope: { classes: ['Condition'] } });
    expect(await open(['00'])).toEqual(['NO_GRANT']);
    expect(usedOf(grantId)).toBeUndefined();
  });
});

describe('consents:alter', () => {
  it('stores the next version of the same grant, which openings see', async () => {
    const grantId = await consortium.grant(patient);
    const { outcome } = await alter(grantId, 2, { purpose: 'HRESCH' });
    expect(outcome).toMatchObject({ action: 'alter', outcome: 'permit', grantId, purpose: 'HRESCH' });
    expect(await open(['00'])).toEqual(['PURPOSE_NOT_GRANTED']);
  });

  it.each<{ name: string; version: number; body: SaidGrant; code: string }>([
    {
      name: 'another grantee',
      version: 2,
      body: { grantee: { kind: 'person', id: 'doctor-b' as never } },
      code: 'INPUT_INVALID',
    },
    { name: 'version 1', version: 1, body: {}, code: 'VERSION_CONFLICT' },
    { name: 'version 3', version: 3, body: {}, code: 'VERSION_CONFLICT' },
  ])('with $name: $code', async ({ version, body, code }) => {
    const grantId = await consortium.grant(patient);
    await expect(alter(grantId, version, body)).rejects.toThrow(`${code}: `);
  });

  it('of a grant that is revoked, has ended or is not there: refused', async () => {
    await expect(alter(`g${'0'.repeat(32)}` as GrantId, 2, {})).rejects.toThrow('GRANT_UNKNOWN: ');
    const grantId = await consortium.grant(patient, { untilMs: consortium.timeMs + DAY_MS });
    consortium.timeMs += DAY_MS;
    await expect(alter(grantId, 2, {})).rejects.toThrow('GRANT_ENDED: ');
  });

  it('between endorsement and order: a conflict', async () => {
    const grantId = await consortium.grant(patient);
    const endorsed = await consortium.endorse(consortium.actor('doctor-a'), 'access:open', opening(['00']));
    await alter(grantId, 2, { purpose: 'HRESCH' });
    expect(consortium.peer.commit(endorsed)).toBe('MVCC_READ_CONFLICT');
  });
});
