import { randomBytes } from 'node:crypto';
import type { AddedRecord } from '../../gateway/services/medledger.js';
import { open, sendFile } from './care.js';
import { jsonOf, type Member } from './member.js';

export interface LoadResult {
  /** Acknowledged additions, by the patient that made them. */
  readonly added: readonly { readonly patient: Member; readonly recordId: string; readonly bytes: Uint8Array }[];
  /** What was not answered with 201: status and body, or why there was no answer. */
  readonly failures: readonly string[];
}

const FILE_BYTES = 2_000;

/** Each patient adds files one after another through its gateway, until told to stop. */
export function steadyLoad(patients: readonly Member[]): { stop(): Promise<LoadResult> } {
  let isStopping = false;
  const added: { patient: Member; recordId: string; bytes: Uint8Array }[] = [];
  const failures: string[] = [];
  const run = async (patient: Member) => {
    while (!isStopping) {
      const bytes = randomBytes(FILE_BYTES);
      try {
        const reply = await sendFile(patient, patient.memberId, { bytes });
        if (reply.status === 201) added.push({ patient, recordId: jsonOf<AddedRecord>(reply).recordId, bytes });
        else failures.push(`${patient.gatewayUrl}: ${reply.status} ${reply.bytes.toString('utf8')}`);
      } catch (error) {
        failures.push(`${patient.gatewayUrl}: ${String(error)}`);
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
  for (const { patient, recordId, bytes } of added) {
    const reply = await open(patient, recordId);
    if (reply.status !== 200 || !reply.bytes.equals(bytes)) lost.push(recordId);
  }
  return lost;
}
