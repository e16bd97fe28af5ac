import { type EmergencyId, type GrantId, type GroupId, type RequestId, toBase64url } from '@medledger/chaincode/domain';
import { issueCertificate } from '../../network/identities/certificate.js';
import {
  appoint,
  delegate,
  delegationBody,
  emergencyOf,
  revokeBy,
  setGroup,
  setPolicy,
} from '../chaincode/statements.js';
import { DAY_MS, recordOf, TestConsortium } from '../chaincode/test-consortium.js';
import { type ChainActor, makeActor, randomId } from '../support/chain-actor.js';
import { type Asker, type Case, CASES, type Relation } from './rules.js';

/** One case: who asks, about whom, and what there is to ask for. */
export interface CaseWorld {
  readonly consortium: TestConsortium;
  readonly actor: ChainActor;
  readonly patient: ChainActor;
  readonly setId: string;
  /** To somebody else than the asker. */
  readonly grantId: GrantId;
  /** By doctor-b. */
  readonly requestId: RequestId;
  /** Declared in practice-b, where no asker works. */
  readonly emergencyId: EmergencyId;
  readonly groupId: GroupId;
}

const STAFF: Readonly<Record<string, string>> = {
  doctor: 'doctor-a',
  nurse: 'nurse-a',
  insurer: 'insurer',
  government: 'officer',
  auditor: 'auditor',
  admin: 'admin-a',
};

/** Every case with a patient of its own, all on one chain. */
export async function makeWorlds(): Promise<ReadonlyMap<Case, CaseWorld>> {
  const consortium = await TestConsortium.create();
  const worlds = new Map<Case, CaseWorld>();
  for (const [place, asked] of CASES.entries()) {
    // Nobody holds more than OPEN_EMERGENCIES_MAX open emergencies: two of them share these out.
    const declarer = consortium.actor(place % 2 === 0 ? 'doctor-b' : 'nurse-b');
    worlds.set(asked, await makeWorld(consortium, asked, declarer));
  }
  // What expires does so for all at once, and long before what was granted ends.
  consortium.timeMs += DAY_MS;
  return worlds;
}

async function makeWorld(consortium: TestConsortium, asked: Case, declarer: ChainActor): Promise<CaseWorld> {
  const [asker, relation] = asked.split('/') as [Asker, Relation];
  const patient = await consortium.patient();
  const actor = relation === 'own' ? patient : await actorFor(consortium, asker);
  const setId = await consortium.addSet(patient, [recordOf()]);
  await setPolicy(consortium, patient);
  const groupId = await setGroup(consortium, patient, { members: ['doctor-b'] });
  const grantId = await consortium.grant(patient, {
    grantee: { kind: 'person', id: 'doctor-b' },
    untilMs: consortium.timeMs + 30 * DAY_MS,
  });
  await relate(consortium, { patient, actor, relation });
  const doctorB = consortium.actor('doctor-b');
  const declared = emergencyOf(consortium, declarer, { patient });
  const { outcome } = await consortium.submit(declarer, 'access:emergency', declared);
  const emergencyId = outcome.emergencyId ?? randomId<EmergencyId>('e');
  const requestId = randomId<RequestId>('q');
  await consortium.submit(doctorB, 'consents:request', requestOf(consortium, patient, requestId));
  return { consortium, actor, patient, setId, grantId, requestId, emergencyId, groupId };
}

export function requestOf(consortium: TestConsortium, patient: ChainActor, requestId: string) {
  return {
    patientId: patient.memberId,
    requestId,
    actions: ['read'],
    scope: {},
    purpose: 'TREAT',
    untilMs: consortium.timeMs + 20 * DAY_MS,
    reasonSha256: 'ab'.repeat(32),
    reasonCid: `b${'a'.repeat(58)}`,
  };
}

async function relate(
  consortium: TestConsortium,
  related: { patient: ChainActor; actor: ChainActor; relation: Relation },
): Promise<void> {
  const { patient, actor, relation } = related;
  const grantee = { kind: 'person', id: actor.memberId };
  const long = { grantee, actions: ['read', 'add'] as const, untilMs: consortium.timeMs + 30 * DAY_MS };
  if (relation === 'granted') await consortium.grant(patient, long);
  if (relation === 'expired') await consortium.grant(patient, { ...long, untilMs: consortium.timeMs + DAY_MS / 2 });
  if (relation === 'revoked')
    await revokeBy(consortium, patient, { patient, id: await consortium.grant(patient, long) });
  if (relation === 'represented') {
    const untilMs = consortium.timeMs + 30 * DAY_MS;
    await appoint(consortium, patient, { representative: actor.memberId, untilMs });
  }
  if (relation === 'delegated') await passOn(consortium, patient, actor);
}

async function passOn(consortium: TestConsortium, patient: ChainActor, actor: ChainActor): Promise<void> {
  const untilMs = consortium.timeMs + 30 * DAY_MS;
  const parentId = await consortium.grant(patient, {
    grantee: { kind: 'delegate', id: 'doctor-b' },
    actions: ['read', 'add', 'share'],
    untilMs,
  });
  const grantee = { kind: 'person', id: actor.memberId } as const;
  const body = delegationBody(consortium, { parentId, grantee, actions: ['read', 'add'], untilMs });
  await delegate(consortium, consortium.actor('doctor-b'), { patient, body });
}

async function actorFor(consortium: TestConsortium, asker: Asker): Promise<ChainActor> {
  if (asker === 'patient') return consortium.patient();
  const stranger = () =>
    makeActor(consortium.hospitalA, { memberId: 'stranger', role: 'doctor', agencyId: 'practice-a' });
  if (asker === 'unregistered') return stranger();
  if (asker === 'no-attributes') return withoutAttributes(consortium, await stranger());
  return consortium.actor(STAFF[asker] ?? asker);
}

/** A certificate of the organisation that names no member: an operator's, or another application's. */
async function withoutAttributes(consortium: TestConsortium, actor: ChainActor): Promise<ChainActor> {
  const { pem } = await issueCertificate({
    subject: { commonName: 'client', unit: 'client' },
    publicKeySpki: Buffer.from(actor.signingKey, 'base64url'),
    issuer: consortium.hospitalA.authority,
    notBeforeMs: Date.now() - 60_000,
    notAfterMs: Date.now() + 365 * DAY_MS,
    use: { kind: 'signer', attributes: {} },
  });
  return { ...actor, signingKey: toBase64url(Buffer.from(actor.signingKey, 'base64url')), certificatePem: pem };
}
