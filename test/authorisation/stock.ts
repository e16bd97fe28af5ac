import { randomBytes } from 'node:crypto';
import { addBundle, addFile, inHours } from '../support/care.js';
import { give, NOTHING_BY_DEFAULT, sendEmergency, setPolicy } from '../support/consents.js';
import { jsonOf, type Member } from '../support/member.js';
import { BUNDLE_BYTES } from './route-world.js';

/** Ids of everything that there is of one patient. */
export interface Stock {
  readonly patientId: string;
  readonly recordId: string;
  readonly grantId: string;
  readonly requestId: string;
  readonly groupId: string;
  readonly representationId: string;
  readonly delegationId: string;
  readonly emergencyId: string;
  readonly jobId: string;
}

export type StockName = keyof Stock;

/** What of a patient nobody may learn who was given nothing. */
export interface Secrets {
  readonly content: string;
  readonly reason: string;
}

/** One of each kind, all of it about this patient and people of its own. After the emergency it opts out of them. */
export async function stockOf(
  patient: Member,
  people: { readonly doctor: Member; readonly representative: Member; readonly secrets: Secrets },
): Promise<Stock> {
  const { doctor, representative, secrets } = people;
  const { memberId: patientId } = patient;
  const make = (member: Member, path: string, body: object) =>
    member.ask<Readonly<Record<string, string>>>({ method: 'POST', path, body });
  const about = (rest: string) => `/v1/patients/${patientId}/${rest}`;
  const scope = { classes: ['Basic'] };
  const asked = { actions: ['read'], scope, purpose: 'TREAT', until: inHours(20) };
  const file = { bytes: Buffer.from(secrets.content), type: 'text/plain', class: 'Condition' };
  const { recordId } = await addFile(patient, patientId, file);
  const { jobId } = await addBundle(patient, BUNDLE_BYTES, 'stock');
  const { grantId } = await give(patient, {
    grantee: { kind: 'delegate', id: doctor.memberId },
    actions: ['read', 'share'],
    scope,
  });
  const passed = { grantId, grantee: { kind: 'person', id: representative.memberId }, ...asked, until: inHours(1) };
  const { delegationId = '' } = await make(doctor, about('delegations'), passed);
  const { groupId = '' } = await make(patient, about('care-groups'), { members: [doctor.memberId] });
  const appointed = { memberId: representative.memberId, until: inHours(5) };
  const { representationId = '' } = await make(patient, about('representatives'), appointed);
  const { requestId = '' } = await make(doctor, '/v1/access-requests', { patientId, ...asked, reason: secrets.reason });
  await setPolicy(patient, NOTHING_BY_DEFAULT);
  const { emergencyId } = jsonOf<{ emergencyId: string }>(await sendEmergency(doctor, patientId));
  await setPolicy(patient, { emergency: { allowed: false, labels: [], excludedClasses: [] } });
  return {
    patientId,
    recordId,
    grantId,
    requestId,
    groupId,
    representationId,
    delegationId,
    emergencyId,
    jobId,
  };
}

/** Everything that the patient's own routes tell of it, but the log: whoever changes something, changes this. */
export async function snapshotOf(patient: Member): Promise<string> {
  const about = (rest: string) => `/v1/patients/${patient.memberId}/${rest}`;
  const lists = [
    'records',
    'grants',
    'policy',
    'care-groups',
    'representatives',
    'delegations',
    'notices',
    'emergencies',
  ];
  const paths = [...lists.map(about), `/v1/access-requests?patientId=${patient.memberId}`];
  const answers: object[] = [];
  for (const path of paths) answers.push(await patient.ask<object>({ method: 'GET', path }));
  return JSON.stringify(answers);
}

export function newSecrets(): Secrets {
  const text = () => `canary ${randomBytes(12).toString('hex')}`;
  return { content: text(), reason: text() };
}
