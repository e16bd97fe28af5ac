import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { AddedRecord } from '../../gateway/services/medledger.js';
import { open, sendFile } from './care.js';
import { jsonOf, type Member, signIn } from './member.js';

export interface LoadResult {
  /** Acknowledged additions, by the patient that made them. */
  readonly added: readonly { readonly patient: Member; readonly recordId: string; readonly bytes: Uint8Array }[];
  /** What was not answered with 201: status and body, or why there was no answer. */
  readonly failures: readonly string[];
}

const FILE_BYTES = 2_000;
const AFTER_FAILURE_MS = 250;

/**
 * Each patient adds files one after another through its gateway, until told to stop. Keys are unlocked in a gateway's
 * memory, so that after its restart the patient signs in again.
 */
export function steadyLoad(patients: readonly Member[]): { stop(): Promise<LoadResult> } {
  let isStopping = false;
  const added: { patient: Member; recordId: string; bytes: Uint8Array }[] = [];
  const failures: string[] = [];
  const addOne = async (patient: Member): Promise<Member> => {
    const bytes = randomBytes(FILE_BYTES);
    const reply = await sendFile(patient, patient.memberId, { bytes });
    if (reply.status === 401) return signIn(patient);
    if (reply.status !== 201) throw new Error(`${reply.status} ${reply.bytes.toString('utf8')}`);
    added.push({ patient, recordId: jsonOf<AddedRecord>(reply).recordId, bytes });
    return patient;
  };
  const run = async (given: Member) => {
    let patient = given;
    while (!isStopping) {
      try {
        patient = await addOne(patient);
      } catch (error) {
        failures.push(`${patient.gatewayUrl}: ${error instanceof Error ? error.message : String(error)}`);
        await wait(AFTER_FAILURE_MS);
      }
    }
  };
  const running = patients.map(run);
  return {
    async stop() {
      isStopping = true;
      await Promise.all(running);
      return { added, failures };
    },
  };
}

/** @returns ids of acknowledged records that their patient cannot open byte for byte */
export async function lostOf({ added }: Pick<LoadResult, 'added'>): Promise<readonly string[]> {
  const lost: string[] = [];
  const members = new Map<string, Member>();
  for (const { patient, recordId, bytes } of added) {
    const member = members.get(patient.memberId) ?? (await signIn(patient));
    members.set(patient.memberId, member);
    const reply = await open(member, recordId);
    if (reply.status !== 200 || !reply.bytes.equals(bytes)) lost.push(recordId);
  }
  return lost;
}
