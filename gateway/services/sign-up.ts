import { randomBytes } from 'node:crypto';
import { firstHead, memberId, patientGenesis, patientIdOf, tipOf, toBase64url } from '@medledger/chaincode/domain';
import type { Enrolment } from '../identity/enrolment.js';
import type { UnlockedIdentity } from '../identity/member-keys.js';
import type { LedgerChain } from '../ledger/chain.js';
import { signFirstPolicy } from './policies.js';

const SALT_BYTES = 16;

export interface SignUpPorts {
  readonly chain: LedgerChain;
  readonly enrolment: Enrolment;
  /** Takes the wallet back when the chain refuses the registration. */
  readonly removeWallet: (memberId: string) => void;
  readonly storeProfile: (identity: UnlockedIdentity, profile: object) => Promise<unknown>;
}

/**
 * A patient joins without an operator: keys and certificate are made, the pseudonym certifies the key, and the
 * registration pins both on the chain as the first entry of the patient's own lane, with the policy that holds from
 * then on.
 */
export async function signUpPatient(
  ports: SignUpPorts,
  input: { password: string; profile?: object; emergency?: { allowed: boolean } },
): Promise<{ patientId: string }> {
  const salt = toBase64url(randomBytes(SALT_BYTES));
  const identity = await ports.enrolment.enrol({
    role: 'patient',
    password: input.password,
    memberIdFor: (spki) => patientIdOf({ signingKey: toBase64url(spki), salt }),
  });
  const patientId = memberId(identity.memberId, '/patientId');
  const signingKey = toBase64url(identity.signingPublicKeySpki);
  const encryptionKey = toBase64url(identity.encryptionPublicKey);
  const { channel } = ports.chain;
  const { emergency } = input;
  const said = { channel, patientId, ...(emergency === undefined ? {} : { emergency }) };
  const policy = await signFirstPolicy(identity, said);
  try {
    await ports.chain.transact({
      identity,
      name: 'members:registerPatient',
      patientId,
      business: { patientId, salt, signingKey, encryptionKey, keyCustody: 'wallet', policy },
      firstTip: tipOf(firstHead(patientGenesis({ channel, patientId, signingKey, encryptionKey }))),
    });
  } catch (error) {
    ports.removeWallet(patientId);
    throw error;
  }
  if (input.profile !== undefined) await ports.storeProfile(identity, input.profile);
  return { patientId };
}
