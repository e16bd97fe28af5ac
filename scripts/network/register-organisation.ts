import { NO_PATIENT } from '@medledger/chaincode/domain';
import { createLedgerChain, type LedgerChain } from '../../gateway/ledger/chain.js';
import { LedgerFailure } from '../../gateway/ledger/ledger-failure.js';
import { createNonceSolver } from '../../gateway/ledger/nonce-solver.js';
import { furtherRegister } from '../../network/consortium/further-register.js';
import type { NewOrganisation } from '../../network/consortium/new-organisation.js';
import type { Topology } from '../../network/topology.js';
import { Credentials } from '../seed/credentials.js';
import { FOUNDING_ADMIN } from '../seed/demo-staff.js';
import { ensureStaffWallets, type StaffPlace, unlockStaff } from '../seed/staff-wallets.js';
import { organisationKeys, registrarOf, SIGNERS } from '../start/found-consortium.js';
import { restUrl } from '../start/network-plans.js';
import { openPeerLedger } from '../start/peer-ledger.js';
import { StartError } from '../start/start-error.js';

/** `unfounded`: the ledger runs by itself, and nobody is registered on it. */
export type Registration = 'registered' | 'was-registered' | 'unfounded';

/**
 * Names an organisation, its agency and its staff in the consortium's register on the ledger; once.
 *
 * @param place.topology - with the organisation in it
 * @throws LedgerFailure, StartError
 */
export async function registerOrganisation(
  place: { readonly topology: Topology; readonly dataDir: string },
  joining: NewOrganisation,
): Promise<Registration> {
  const { topology, dataDir } = place;
  const credentials = new Credentials(dataDir);
  if (credentials.find(FOUNDING_ADMIN) === undefined) return 'unfounded';
  const gatewayUrlOf = (mspId: string) => restUrl(organisationOf(topology, mspId));
  const staffPlace: StaffPlace = { topology, dataDir, credentials, gatewayUrlOf };
  const admin = await unlockStaff(staffPlace, FOUNDING_ADMIN);
  const { ledger, discard } = await openPeerLedger({ ...place, mspId: admin.mspId });
  const solver = createNonceSolver({ threads: 1 });
  try {
    const chain = createLedgerChain({ ledger, solver });
    const { organisations, registerVersion } = await chain.query(admin, 'members:consortium', {});
    if (organisations.some(({ mspId }) => mspId === joining.organisation.mspId)) return 'was-registered';
    const register = await nextRegister(staffPlace, joining, registerVersion + 1);
    await submit(chain, { identity: admin, register });
    return 'registered';
  } catch (error) {
    if (error instanceof LedgerFailure && error.code === 'NOT_BOOTSTRAPPED') return 'unfounded';
    throw error;
  } finally {
    await solver.close();
    await discard();
  }
}

async function nextRegister(place: StaffPlace, joining: NewOrganisation, version: number) {
  const { topology, dataDir } = place;
  const { organisation, agency } = joining;
  const agencyId = agency === undefined ? {} : { agencyId: agency.agencyId };
  const staff = await ensureStaffWallets(
    { ...place, topology: { ...topology, organisations: [organisation] } },
    joining.staff.map(({ memberId, role }) => ({
      memberId,
      role,
      mspId: organisation.mspId,
      ...(WITHOUT_AGENCY.has(role) ? {} : agencyId),
    })),
  );
  return furtherRegister({
    channel: topology.channel,
    version,
    joining,
    keys: await organisationKeys(dataDir, organisation),
    staff,
    registrars: topology.organisations
      .filter(({ mspId }) => SIGNERS.includes(mspId))
      .map((member) => registrarOf(dataDir, member)),
  });
}

/** They act for the organisation, not for care that it gives. */
const WITHOUT_AGENCY: ReadonlySet<string> = new Set(['admin', 'auditor']);

async function submit(
  chain: LedgerChain,
  {
    identity,
    register,
  }: { identity: Awaited<ReturnType<typeof unlockStaff>>; register: Awaited<ReturnType<typeof nextRegister>> },
): Promise<void> {
  await chain.transact({ identity, name: 'members:register', patientId: NO_PATIENT, business: { register } });
}

function organisationOf({ organisations }: Topology, mspId: string) {
  const found = organisations.find((organisation) => organisation.mspId === mspId);
  if (found === undefined) throw new StartError(`${mspId} is not an organisation of this network.`);
  return found;
}
