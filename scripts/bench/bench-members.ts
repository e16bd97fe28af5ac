import { generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto';
import {
  firstHead,
  type LaneTip,
  memberId,
  type PatientId,
  patientGenesis,
  patientIdOf,
  type SignedRegister,
  type TransactionInput,
  tipOf,
  toBase64url,
} from '@medledger/chaincode/domain';
import { generateMemberKeys, type UnlockedIdentity, unlockedIdentity } from '../../gateway/identity/member-keys.js';
import { signP1363 } from '../../gateway/identity/signatures.js';
import { firstRegister, type OrganisationKeys } from '../../network/consortium/first-register.js';
import { openCertificateAuthority, readIdentity } from '../../network/identities/index.js';
import type { Organisation, Topology } from '../../network/topology.js';

/** Who the transactions of a run are made by. */
export interface BenchMembers {
  readonly admin: UnlockedIdentity;
  readonly register: SignedRegister;
  readonly patients: readonly BenchPatient[];
}

export interface BenchPatient {
  readonly channel: string;
  readonly identity: UnlockedIdentity;
  readonly patientId: PatientId;
  readonly registration: TransactionInput<'members:registerPatient'>;
  readonly firstTip: LaneTip;
}

interface Place {
  readonly topology: Topology;
  /** Holds the certificates of the topology. */
  readonly dataDir: string;
}

const ADMIN = 'admin-a';
const SALT_BYTES = 16;
/** The chaincode wants the register signed by two organisations. */
const REGISTRARS = 2;

/** One admin and as many patients as asked for, all at the first organisation. Nothing is on the ledger yet. */
export async function makeMembers(place: Place, patientCount: number): Promise<BenchMembers> {
  const { topology, dataDir } = place;
  const [home] = topology.organisations;
  if (home === undefined) throw new Error('invariant failed: a topology has organisations');
  const admin = await enrol(dataDir, home, { role: 'admin', idOf: () => ADMIN });
  const patients: BenchPatient[] = [];
  for (let index = 0; index < patientCount; index += 1) patients.push(await makePatient(place, home));
  return { admin, register: registerOf(place, home, admin), patients };
}

async function makePatient({ topology, dataDir }: Place, home: Organisation): Promise<BenchPatient> {
  const salt = toBase64url(randomBytes(SALT_BYTES));
  const identity = await enrol(dataDir, home, {
    role: 'patient',
    idOf: (spki) => patientIdOf({ signingKey: toBase64url(spki), salt }),
  });
  const patientId = memberId(identity.memberId, '/patientId');
  const signingKey = toBase64url(identity.signingPublicKeySpki);
  const encryptionKey = toBase64url(identity.encryptionPublicKey);
  const genesis = patientGenesis({ channel: topology.channel, patientId, signingKey, encryptionKey });
  return {
    channel: topology.channel,
    identity,
    patientId,
    registration: { patientId, salt, signingKey, encryptionKey, keyCustody: 'wallet' },
    firstTip: tipOf(firstHead(genesis)),
  };
}

async function enrol(
  dataDir: string,
  { domain, mspId }: Organisation,
  who: { readonly role: string; readonly idOf: (spki: Uint8Array) => string },
): Promise<UnlockedIdentity> {
  const keys = generateMemberKeys();
  const member = { memberId: who.idOf(keys.signingPublicKeySpki), role: who.role };
  const certificatePem = await openCertificateAuthority(dataDir, domain).issueMember({
    ...member,
    publicKeySpki: keys.signingPublicKeySpki,
    ou: 'client',
  });
  return unlockedIdentity({ ...member, mspId, certificatePem }, keys);
}

function registerOf({ topology, dataDir }: Place, home: Organisation, admin: UnlockedIdentity): SignedRegister {
  const { memberId: id, signingPublicKeySpki: signingKeySpki, encryptionPublicKey: encryptionKey } = admin;
  return firstRegister(topology, {
    organisations: topology.organisations.map((organisation) => organisationKeys(dataDir, organisation)),
    staff: [{ memberId: id, role: 'admin', mspId: home.mspId, signingKeySpki, encryptionKey }],
    registrars: topology.organisations.slice(0, REGISTRARS).map(({ mspId, domain }) => {
      const { privateKey } = readIdentity(dataDir, domain, 'Registrar');
      return { mspId, sign: (bytes) => signP1363(privateKey, bytes) };
    }),
  });
}

function organisationKeys(dataDir: string, { mspId, domain, custodian }: Organisation): OrganisationKeys {
  const { certificatePem } = readIdentity(dataDir, domain, 'Registrar');
  const registerKeySpki = new X509Certificate(certificatePem).publicKey.export({ type: 'spki', format: 'der' });
  // No share is ever sealed in a run, so nobody needs the private key.
  const { publicKey } = generateKeyPairSync('x25519');
  const custodianKey = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }).subarray(-32));
  return { mspId, registerKeySpki, ...(custodian ? { custodianKey } : {}) };
}
