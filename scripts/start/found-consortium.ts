import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson, type ErrorCode, registerDigest, type SignedRegister } from '@medledger/chaincode/domain';
import { loadOrMakeCustodianKey } from '../../gateway/custody/custodian-key.js';
import { serviceIdentity } from '../../gateway/identity/network-identities.js';
import { signP1363 } from '../../gateway/identity/signatures.js';
import type { Ledger, LedgerIdentity } from '../../gateway/ledger/ledger.js';
import { LedgerFailure } from '../../gateway/ledger/ledger-failure.js';
import type { LedgerSettings } from '../../gateway/ledger/ledger-settings.js';
import { replaceFile, syncDirectory } from '../../gateway/durable-files.js';
import { firstRegister, type OrganisationKeys, type Registrar } from '../../network/consortium/first-register.js';
import { readIdentity } from '../../network/identities/index.js';
import type { Organisation, Topology } from '../../network/topology.js';
import { demoStaff, FOUNDING_ADMIN } from '../seed/demo-staff.js';
import { ensureStaffWallets, type StaffPlace, unlockStaff } from '../seed/staff-wallets.js';
import { openPeerLedger } from './peer-ledger.js';
import { StartError } from './start-error.js';

const REGISTER_FILE = 'register.json';
/** Of those organisations whose registrars sign here; the chaincode asks for two. */
export const SIGNERS = ['HospitalAMSP', 'GovernmentMSP'];

/** A peer that is not there now will not be there soon. */
const ASK_BRIEFLY: Partial<LedgerSettings> = { unavailableMs: 3_000, evaluateMs: 5_000 };
const NO_REGISTER: ReadonlySet<ErrorCode> = new Set(['NOT_BOOTSTRAPPED', 'MEMBER_UNKNOWN', 'CALLER_UNKNOWN']);

/** Key of the custodian of an organisation; its gateway reads the same file. */
export function custodianKeyFile(dataDir: string, mspId: string): string {
  return join(dataDir, 'gateways', mspId, 'custodian.key');
}

/**
 * Makes all that must be there before the ledger is asked: the custodians' keys, the staff's wallets, and the first
 * register, signed. It is written down before it is sent, so that a start that was cut short sends the same bytes.
 */
export async function prepareConsortium(place: StaffPlace, doctors: number): Promise<SignedRegister> {
  const { dataDir, topology } = place;
  const file = join(dataDir, REGISTER_FILE);
  if (existsSync(file)) return parseSignedRegister(readFileSync(file, 'utf8'));
  const organisations = await Promise.all(topology.organisations.map((member) => organisationKeys(dataDir, member)));
  const staff = await ensureStaffWallets(place, demoStaff(doctors));
  const registrars = topology.organisations
    .filter(({ mspId }) => SIGNERS.includes(mspId))
    .map((member) => registrarOf(dataDir, member));
  const register = firstRegister(topology, { organisations, staff, registrars });
  await replaceFile(file, Buffer.from(`${JSON.stringify(register, undefined, 2)}\n`), 0o644);
  await syncDirectory(dataDir);
  return register;
}

/**
 * Puts the first register on the ledger, or finds that it is there.
 *
 * @throws StartError when the ledger holds another one
 */
export async function submitRegister(place: StaffPlace, register: SignedRegister): Promise<void> {
  const { topology, dataDir } = place;
  const admin = await unlockStaff(place, FOUNDING_ADMIN);
  const { ledger, discard } = await openPeerLedger({ topology, dataDir, mspId: admin.mspId });
  try {
    await ledger.submit(admin, 'members:bootstrap', [canonicalJson({ register }), '']);
  } catch (error) {
    if (!(error instanceof LedgerFailure && error.code === 'ALREADY_BOOTSTRAPPED')) throw error;
    await requireRegister(ledger, admin, register);
  } finally {
    await discard();
  }
}

/** @throws StartError unless the ledger holds the register that this data folder was founded with */
export async function requireFounded(topology: Topology, dataDir: string): Promise<void> {
  const file = join(dataDir, REGISTER_FILE);
  if (!existsSync(file)) throw new StartError(`${file} is missing; restore it from a backup.`);
  const register = parseSignedRegister(readFileSync(file, 'utf8'));
  // One peer may be set aside for what is wrong with its folder; the next one knows as well.
  for (const organisation of topology.organisations.filter(({ peer }) => peer !== undefined))
    if (await answersAndHolds(organisation, { topology, dataDir, register })) return;
}

/**
 * @returns false when the peer of the organisation does not answer
 * @throws StartError when it answers that it has another register, or none
 */
async function answersAndHolds(
  { mspId, domain }: Organisation,
  { register, ...place }: { topology: Topology; dataDir: string; register: SignedRegister },
): Promise<boolean> {
  const { ledger, discard } = await openPeerLedger({ ...place, mspId, settings: ASK_BRIEFLY });
  try {
    await requireRegister(ledger, serviceIdentity(place.dataDir, domain), register);
    return true;
  } catch (error) {
    if (error instanceof LedgerFailure && error.code === 'LEDGER_UNAVAILABLE') return false;
    throw error;
  } finally {
    await discard();
  }
}

async function requireRegister(ledger: Ledger, identity: LedgerIdentity, register: SignedRegister): Promise<void> {
  if ((await storedDigest(ledger, identity)) === registerDigest(register.text)) return;
  throw new StartError(
    `The ledger does not hold the register in ${REGISTER_FILE}; restore the whole data folder from one backup, or choose an empty one with --data.`,
  );
}

/** @returns undefined where the ledger has no register, or one without the founding admin */
async function storedDigest(ledger: Ledger, identity: LedgerIdentity): Promise<string | undefined> {
  try {
    const query = canonicalJson({ memberId: FOUNDING_ADMIN });
    return parseRegisterDigest(await ledger.evaluate(identity, 'members:member', [query]));
  } catch (error) {
    if (error instanceof LedgerFailure && NO_REGISTER.has(error.code)) return undefined;
    throw error;
  }
}

function parseRegisterDigest(answer: string): string | undefined {
  const { member } = JSON.parse(answer) as { member?: { registerDigest?: string } };
  return member?.registerDigest;
}

export async function organisationKeys(dataDir: string, organisation: Organisation): Promise<OrganisationKeys> {
  const { mspId, domain, custodian } = organisation;
  const { certificatePem } = readIdentity(dataDir, domain, 'Registrar');
  const registerKeySpki = new X509Certificate(certificatePem).publicKey.export({ type: 'spki', format: 'der' });
  if (!custodian) return { mspId, registerKeySpki };
  const { publicKey } = await loadOrMakeCustodianKey(custodianKeyFile(dataDir, mspId));
  return { mspId, registerKeySpki, custodianKey: publicKey };
}

export function registrarOf(dataDir: string, { mspId, domain }: Organisation): Registrar {
  const { privateKey } = readIdentity(dataDir, domain, 'Registrar');
  return { mspId, sign: (bytes) => signP1363(privateKey, bytes) };
}

function parseSignedRegister(text: string): SignedRegister {
  return JSON.parse(text) as SignedRegister;
}
