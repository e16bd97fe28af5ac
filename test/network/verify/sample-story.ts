import { randomBytes } from 'node:crypto';
import { addFile, giveGrant, inHours, open, revoke } from '../../support/care.js';
import { signIn, signUp } from '../../support/member.js';
import type { RunningNetwork } from '../../support/running-network.js';

/** What happened in the network whose data is looked at. */
export interface SampleStory {
  readonly patientId: string;
  /** Of one vault block. */
  readonly small: { readonly recordId: string; readonly cid: string };
  /** Of several. */
  readonly large: { readonly recordId: string; readonly cid: string };
  /** To doctor-a, used and still standing. */
  readonly grantId: string;
  /** To doctor-b, used and revoked. */
  readonly revokedGrantId: string;
}

const LARGE_BYTES = 2_500_000;

/** A patient adds records, is asked, gives, is read, takes back; somebody is refused. */
export async function liveAWhile(network: RunningNetwork): Promise<SampleStory> {
  const patient = await signUp(network.gatewayUrl('HospitalAMSP'), { name: 'Ada Example' });
  const doctorA = await signIn(network.credential('doctor-a'));
  const doctorB = await signIn(network.credential('doctor-b'));
  const small = await addFile(patient, patient.memberId, { bytes: randomBytes(500), class: 'Observation' });
  const large = await addFile(patient, patient.memberId, { bytes: randomBytes(LARGE_BYTES) });
  await doctorA.ask({
    method: 'POST',
    path: '/v1/access-requests',
    body: {
      patientId: patient.memberId,
      actions: ['read'],
      scope: {},
      purpose: 'TREAT',
      until: inHours(48),
      reason: 'Before the operation',
    },
  });
  const { grantId } = await giveGrant(patient, { to: 'doctor-a' });
  const { grantId: revokedGrantId } = await giveGrant(patient, { to: 'doctor-b' });
  for (const doctor of [doctorA, doctorB]) await mustBe(200, open(doctor, small.recordId));
  await mustBe(200, open(doctorA, large.recordId));
  await mustBe(200, open(patient, small.recordId));
  await revoke(patient, revokedGrantId);
  await mustBe(403, open(doctorB, small.recordId));
  return { patientId: patient.memberId, small, large, grantId, revokedGrantId };
}

async function mustBe(status: number, reply: Promise<{ status: number; bytes: Buffer }>): Promise<void> {
  const { status: given, bytes } = await reply;
  if (given !== status) throw new Error(`expected ${status}, got ${given}: ${bytes.subarray(0, 300)}`);
}

/** Somebody opens and is refused, again and again, until told to stop. */
export function keepBusy(network: RunningNetwork, { small }: SampleStory): { stop(): Promise<void> } {
  let isAsked = false;
  const work = async (memberId: string): Promise<void> => {
    const doctor = await signIn(network.credential(memberId));
    while (!isAsked) await open(doctor, small.recordId);
  };
  const working = Promise.all(['doctor-a', 'doctor-b'].map(work));
  return {
    async stop() {
      isAsked = true;
      await working;
    },
  };
}
