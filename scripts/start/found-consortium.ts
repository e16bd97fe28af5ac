import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson, registerDigest, type SignedRegister } from '@medledger/chaincode/domain';
import { loadOrMakeCustodianKey } from '../../gateway/custody/custodian-key.js';
import { signP1363 } from '../../gateway/identity/signatures.js';
import { openFabricLedger } from '../../gateway/ledger/fabric-ledger.js';
import type { Ledger, LedgerIdentity } from '../../gateway/ledger/ledger.js';
import { LedgerFailure } from '../../gateway/ledger/ledger-failure.js';
import { createDirectory, replaceFile, syncDirectory } from '../../gateway/vault/durable-files.js';
import { firstRegister, type OrganisationKeys, type Registrar } from '../../network/consortium/first-register.js';
import { nodeFolder, organisationFolder, readIdentity, tlsPaths } from '../../network/identities/index.js';
import type { Organisation } from '../../network/topology.js';
import { demoStaff, FOUNDING_ADMIN } from '../seed/demo-staff.js';
import { ensureStaffWallets, type StaffPlace, unlockStaff } from '../seed/staff-wallets.js';
import { StartError } from './start-error.js';

const REGISTER_FILE = 'register.json';
/** Of those organisations whose registrars sign here; the chaincode asks for two. */
const SIGNERS = ['HospitalAMSP', 'GovernmentMSP'];

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
  const admin = await unlockStaff(place, FOUNDING_ADMIN);
  const ledger = await openAdminLedger(place);
  try {
    await ledger.submit(admin, 'members:bootstrap', [canonicalJson({ register }), '']);
  } catch (error) {
    if (!(error instanceof LedgerFailure && error.code === 'ALREADY_BOOTSTRAPPED')) throw error;
    await requireSame(ledger, admin, register);
  } finally {
    await ledger.close();
  }
}

async function requireSame(ledger: Ledger, admin: LedgerIdentity, register: SignedRegister): Promise<void> {
  const query = canonicalJson({ memberId: FOUNDING_ADMIN });
  const stored = parseRegisterDigest(await ledger.evaluate(admin, 'members:member', [query]));
  if (stored === registerDigest(register.text)) return;
  throw new StartError('The ledger holds another register than register.json; start with an empty data folder.');
}

function parseRegisterDigest(answer: string): string | undefined {
  const { member } = JSON.parse(answer) as { member?: { registerDigest?: string } };
  return member?.registerDigest;
}

async function openAdminLedger({ topology, dataDir }: StaffPlace): Promise<Ledger> {
  const host = topology.organisations.find(({ mspId }) => mspId === 'HospitalAMSP');
  if (host?.peer === undefined) throw new Error('invariant failed: Hospital A has a peer');
  const folder = join(dataDir, 'gateways', host.mspId);
  await createDirectory(folder);
  return openFabricLedger({
    endpoint: {
      address: `127.0.0.1:${host.peer.port}`,
      hostName: host.peer.host,
      tlsRootFile: tlsPaths(nodeFolder(organisationFolder(dataDir, host.domain), host.peer.host, 'peer')).authority,
    },
    peerMspId: host.mspId,
    channel: topology.channel,
    chaincode: topology.chaincode.name,
    policy: {
      mspIds: topology.organisations.filter(({ endorses }) => endorses).map(({ mspId }) => mspId),
      needed: topology.endorsementsNeeded,
    },
    outboxFile: join(folder, 'founding-outbox.sqlite'),
  });
}

async function organisationKeys(dataDir: string, organisation: Organisation): Promise<OrganisationKeys> {
  const { mspId, domain, custodian } = organisation;
  const { certificatePem } = readIdentity(dataDir, domain, 'Registrar');
  const registerKeySpki = new X509Certificate(certificatePem).publicKey.export({ type: 'spki', format: 'der' });
  if (!custodian) return { mspId, registerKeySpki };
  const { publicKey } = await loadOrMakeCustodianKey(custodianKeyFile(dataDir, mspId));
  return { mspId, registerKeySpki, custodianKey: publicKey };
}

function registrarOf(dataDir: string, { mspId, domain }: Organisation): Registrar {
  const { privateKey } = readIdentity(dataDir, domain, 'Registrar');
  return { mspId, sign: (bytes) => signP1363(privateKey, bytes) };
}

function parseSignedRegister(text: string): SignedRegister {
  return JSON.parse(text) as SignedRegister;
}
