import { beforeAll, describe, expect, it } from '@jest/globals';
import { DecisionReplay } from '../../../scripts/verify/check-decisions.js';
import { CheckLog } from '../../../scripts/verify/finding.js';
import type { ChainActor } from '../../support/chain-actor.js';
import {
  appoint,
  delegate,
  delegationBody,
  emergencyOf,
  revokeBy,
  setGroup,
  setPolicy,
} from '../../chaincode/statements.js';
import { type CommittedCall, openingOf, recordOf, TestConsortium } from '../../chaincode/test-consortium.js';

let consortium: TestConsortium;
let patient: ChainActor;
let decisions: number;

/** A patient's life with every kind of basis and refusal in it. */
async function live(): Promise<void> {
  const doctor = consortium.actor('doctor-a');
  const otherDoctor = consortium.actor('doctor-b');
  patient = await consortium.patient();
  const parent = await consortium.patient();
  const setId = await consortium.addSet(patient, [recordOf(), recordOf({ label: 'R' }), recordOf()]);
  const open = (actor: ChainActor, indexes = ['00', '01']) => {
    const recordIds = indexes.map((index) => `${setId}${index}`);
    return consortium.submit(actor, 'access:open', openingOf(patient, recordIds));
  };
  await open(doctor);
  const agency = { kind: 'agency', id: 'practice-a' };
  const counted = await consortium.grant(patient, { uses: 3, grantee: agency, registerVersion: 1 });
  await open(doctor);
  const late = await consortium.join({ memberId: `late-${setId.slice(0, 8)}`, role: 'doctor', agencyId: 'practice-a' });
  await open(late);
  await consortium.submit(late, 'consents:announce', { patientId: patient.memberId });
  await open(late, ['00', '02', '01']);
  await open(doctor);
  const parentId = await consortium.grant(patient, {
    grantee: { kind: 'delegate', id: 'doctor-a' },
    actions: ['read', 'add', 'share'],
  });
  await delegate(consortium, doctor, { patient, body: delegationBody(consortium, { parentId }) });
  await open(otherDoctor);
  await consortium.addSet(patient);
  await consortium.submit(doctor, 'records:add', addition(doctor));
  await consortium.submit(consortium.actor('insurer'), 'records:add', addition(consortium.actor('insurer')));
  await revokeBy(consortium, patient, { patient, id: parentId });
  await open(otherDoctor);
  await appoint(consortium, patient, { representative: parent.memberId });
  await open(parent);
  const groupId = await setGroup(consortium, patient, { members: ['doctor-b'] });
  await consortium.grant(patient, { grantee: { kind: 'group', id: groupId } });
  await open(otherDoctor);
  const rule = { kind: 'permit', roles: ['nurse'], purposes: ['TREAT'], scope: {}, registerVersion: 1 } as const;
  await setPolicy(consortium, patient, { body: { defaultRule: rule } });
  await open(consortium.actor('nurse-a'), ['02']);
  const emergency = emergencyOf(consortium, otherDoctor, { patient, recordIds: [`${setId}00`, `${setId}01`] });
  await consortium.submit(otherDoctor, 'access:emergency', emergency);
  await consortium.submit(otherDoctor, 'access:emergency', emergency);
  const refused = { patient: parent, recordIds: [] };
  await consortium.submit(otherDoctor, 'access:emergency', emergencyOf(consortium, otherDoctor, refused));
  // What was taken back leaves the index of its holder with the next grant: then it is as if nothing had been given.
  const insurer = consortium.actor('insurer');
  const holder = { kind: 'person', id: insurer.memberId } as const;
  await revokeBy(consortium, patient, { patient, id: await consortium.grant(patient, { grantee: holder }) });
  await open(insurer);
  await consortium.grant(patient, { grantee: holder, scope: { classes: ['Basic'] as never } });
  await open(insurer);
  const exclusions = [{ who: { kind: 'person', id: 'doctor-b' as never } as const, scope: {} }];
  await setPolicy(consortium, patient, { version: 2, body: { exclusions } });
  await open(otherDoctor);
  expect(consortium.peer.text(`uses~${patient.memberId}~${counted}`)).toBe('{"used":3}');
}

const addition = (author: ChainActor) => ({
  patientId: patient.memberId,
  purpose: 'TREAT',
  setId: `${author.memberId.length.toString(16).padStart(2, '0')}${'5'.repeat(30)}`,
  record: recordOf(),
});

function findings(chain: readonly CommittedCall[]): readonly string[] {
  const log = new CheckLog('decisions', 'HospitalAMSP', '');
  const replay = new DecisionReplay(log);
  for (const [number, transaction] of chain.entries()) replay.step(transaction, `block ${number}`);
  decisions = log.result.counts.decisions ?? 0;
  return log.result.findings.map(({ what }) => what);
}

/** The chain with other writes of one transaction. */
function withWrites(
  chain: readonly CommittedCall[],
  isMeant: (call: CommittedCall) => boolean,
  change: (write: CommittedCall['writes'][number]) => CommittedCall['writes'][number],
): readonly CommittedCall[] {
  const place = chain.findIndex(isMeant);
  expect(place).toBeGreaterThanOrEqual(0);
  return chain.map((call, index) => (index === place ? { ...call, writes: call.writes.map(change) } : call));
}

const entrySays = (text: string) => (call: CommittedCall) =>
  call.transaction?.startsWith('access:') === true &&
  call.writes.some(({ key, value }) => key.startsWith('entry~') && value.includes(text));
const reworded = (from: string, to: string) => (write: CommittedCall['writes'][number]) =>
  write.key.startsWith('entry~') ? { ...write, value: write.value.replaceAll(from, to) } : write;

beforeAll(async () => {
  consortium = await TestConsortium.create();
  await live();
});

describe('a replay of what was decided', () => {
  it('finds every decision as the blocks have it', () => {
    expect(findings(consortium.chain)).toEqual([]);
    expect(decisions).toBeGreaterThanOrEqual(16);
  });

  it.each([
    { name: 'a refusal that was none', from: 'NO_GRANT', to: 'GRANT_ENDED' },
    { name: 'an exclusion by another name', from: 'EXCLUDED', to: 'NO_GRANT' },
    { name: 'a missing notice', from: 'NOTICE_MISSING', to: 'NO_GRANT' },
    { name: 'spent uses', from: 'USES_SPENT', to: 'NO_GRANT' },
    { name: 'another basis', from: '\\"kind\\":\\"representation\\"', to: '\\"kind\\":\\"own\\"' },
    { name: 'another emergency', from: 'EMERGENCY_NOT_ALLOWED', to: 'REVIEW_OVERDUE' },
  ])('finds $name', ({ from, to }) => {
    expect(findings(withWrites(consortium.chain, entrySays(from), reworded(from, to)))).not.toEqual([]);
  });

  it('finds a counter that does not equal what was opened', () => {
    const counts = (call: CommittedCall) => call.writes.some(({ key }) => key.startsWith('uses~'));
    const less = withWrites(consortium.chain, counts, (write) =>
      write.key.startsWith('uses~') ? { ...write, value: '{"used":0}' } : write,
    );
    expect(findings(less).join()).toContain('it counted');
  });

  it.each(['consents:revoke', 'consents:setPolicy', 'consents:announce', 'consents:appoint'])(
    'finds what was decided after %s, where that is taken out',
    (name) => {
      const place = consortium.chain.findLastIndex(({ transaction }) => transaction === name);
      expect(findings(consortium.chain.filter((_, index) => index !== place))).not.toEqual([]);
    },
  );

  it('looks at no transaction that is not valid', () => {
    const changed = withWrites(consortium.chain, entrySays('NO_GRANT'), reworded('NO_GRANT', 'GRANT_ENDED'));
    const isChanged = (call: CommittedCall) => !consortium.chain.includes(call);
    expect(findings(changed)).not.toEqual([]);
    const invalid = changed.map((call) => (isChanged(call) ? { ...call, validationCode: 'MVCC_READ_CONFLICT' } : call));
    expect(findings(invalid)).toEqual([]);
  });
});
