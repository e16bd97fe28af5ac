import {
  formatStatement,
  memberId,
  parseStatement,
  type PatientId,
  type SignedStatement,
  statementBytes,
  type StatementKind,
  toBase64url,
} from '@medledger/chaincode/domain';
import type { UnlockedIdentity } from '../identity/member-keys.js';

/** Keys are not rotated yet: every member signs with the first. */
export const KEY_EPOCH = 0;

/** A question for evidence that names no statement yet. */
export const NOTHING_NAMED = { grantIds: [], delegationIds: [], representationIds: [], emergencyIds: [] } as const;

/** What is to be signed about a patient. */
export interface ToSign {
  readonly channel: string;
  readonly patientId: PatientId;
  readonly kind: StatementKind;
  readonly id: string;
  readonly version: number;
  readonly body: object;
}

/** Who signed: the patient, or whom the statement names. */
export function signerOf({ text }: SignedStatement): string {
  const { by, patientId } = parseStatement(text, (body) => body);
  return by ?? patientId;
}

/** Signs as the patient or, named in the statement, as somebody else. The signer may be far away: it is awaited. */
export async function signStatement(identity: UnlockedIdentity, said: ToSign): Promise<SignedStatement> {
  const signer = memberId(identity.memberId, '/memberId');
  const by = signer === said.patientId ? {} : { by: signer };
  const text = formatStatement({ ...said, keyEpoch: KEY_EPOCH, ...by });
  return { text, signature: toBase64url(await identity.signStatement(statementBytes(text))) };
}
