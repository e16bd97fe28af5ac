import { fromBase64url, sha256Hex, taggedBytes, utf8ToBytes } from '../bytes.js';
import type { MemberId, PatientId } from '../ids.js';

/**
 * What stands in `previous` of a patient's first entry, the registration: channel, pseudonym and pinned keys.
 * All other lanes of the patient begin at the link of that entry, so the first entry authenticates all that follow.
 */
export function patientGenesis(input: {
  channel: string;
  patientId: PatientId;
  signingKey: string;
  encryptionKey: string;
}): string {
  return sha256Hex(
    taggedBytes('medledger/patient-genesis/v1', [
      utf8ToBytes(input.channel),
      utf8ToBytes(input.patientId),
      fromBase64url(input.signingKey),
      fromBase64url(input.encryptionKey),
    ]),
  );
}

/** Where the own lane of a registered member begins: its key and the signed register document that named it. */
export function memberGenesis(input: {
  channel: string;
  memberId: MemberId;
  signingKey: string;
  registerDigest: string;
}): string {
  return sha256Hex(
    taggedBytes('medledger/member-genesis/v1', [
      utf8ToBytes(input.channel),
      utf8ToBytes(input.memberId),
      fromBase64url(input.signingKey),
      utf8ToBytes(input.registerDigest),
    ]),
  );
}
