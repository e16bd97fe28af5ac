import {
  agencyId,
  formatRegisterDocument,
  memberId,
  mspId,
  NO_PATIENT,
  registerBytes,
  type RegisteredMember,
  type SignedRegister,
  toBase64url,
} from '@medledger/chaincode/domain';
import { signP1363 } from '../../gateway/identity/signatures.js';
import { createLedgerChain, type LedgerChain } from '../../gateway/ledger/chain.js';
import { createNonceSolver } from '../../gateway/ledger/nonce-solver.js';
import type { StaffMember } from '../../network/consortium/first-register.js';
import { readIdentity } from '../../network/identities/index.js';
import { Credentials } from '../../scripts/seed/credentials.js';
import type { DemoStaff } from '../../scripts/seed/demo-staff.js';
import { ensureStaffWallets, unlockStaff } from '../../scripts/seed/staff-wallets.js';
import { openPeerLedger } from '../../scripts/start/peer-ledger.js';
import type { RunningNetwork } from './running-network.js';

const ADMIN = 'admin-a';
/** Two of the organisations that the register holds already. */
const SIGNERS = ['HospitalBMSP', 'GovernmentMSP'];

/** Somebody joins an agency of the running network: a further register document, signed by two organisations. */
export async function joinStaff(network: RunningNetwork, staff: DemoStaff): Promise<void> {
  const { topology, dataDir, gatewayUrl } = network;
  const place = { topology, dataDir, credentials: new Credentials(dataDir), gatewayUrlOf: gatewayUrl };
  const enrolled = await ensureStaffWallets(place, [staff]);
  const identity = await unlockStaff(place, ADMIN);
  const { ledger, discard } = await openPeerLedger({ topology, dataDir, mspId: identity.mspId });
  const solver = createNonceSolver({ threads: 1 });
  try {
    const chain = createLedgerChain({ ledger, solver });
    const { registerVersion } = await chain.query(identity, 'members:consortium', {});
    const register = furtherDocument(network, chain, { version: registerVersion + 1, enrolled });
    await chain.transact({ identity, name: 'members:register', patientId: NO_PATIENT, business: { register } });
  } finally {
    await solver.close();
    await discard();
  }
}

function furtherDocument(
  { topology, dataDir }: RunningNetwork,
  { channel }: LedgerChain,
  { version, enrolled }: { version: number; enrolled: readonly StaffMember[] },
): SignedRegister {
  const members = enrolled.map(registered);
  const text = formatRegisterDocument({ channel, version, organisations: [], agencies: [], members });
  const registrars = topology.organisations.filter((organisation) => SIGNERS.includes(organisation.mspId));
  const signatures = registrars.map((organisation) => {
    const { privateKey } = readIdentity(dataDir, organisation.domain, 'Registrar');
    const signature = toBase64url(signP1363(privateKey, registerBytes(text)));
    return { mspId: mspId(organisation.mspId, '/mspId'), signature };
  });
  return { text, signatures };
}

function registered(staff: StaffMember): RegisteredMember {
  return {
    memberId: memberId(staff.memberId, '/memberId'),
    role: staff.role,
    ...(staff.agencyId === undefined ? {} : { agencyId: agencyId(staff.agencyId, '/agencyId') }),
    organisation: mspId(staff.mspId, '/organisation'),
    signingKey: toBase64url(staff.signingKeySpki),
    encryptionKey: toBase64url(staff.encryptionKey),
    keyCustody: 'wallet',
  };
}
