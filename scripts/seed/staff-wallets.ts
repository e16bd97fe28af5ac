import { join } from 'node:path';
import { createEnrolment, certificateIssuer } from '../../gateway/identity/enrolment.js';
import type { UnlockedIdentity } from '../../gateway/identity/member-keys.js';
import { openWalletStore, type WalletStore } from '../../gateway/identity/wallet-store.js';
import { createDirectory } from '../../gateway/durable-files.js';
import type { StaffMember } from '../../network/consortium/first-register.js';
import type { Organisation, Topology } from '../../network/topology.js';
import { StartError } from '../start/start-error.js';
import { type Credentials, newPassword } from './credentials.js';
import type { DemoStaff } from './demo-staff.js';

export interface StaffPlace {
  readonly topology: Topology;
  readonly dataDir: string;
  readonly credentials: Credentials;
  readonly gatewayUrlOf: (mspId: string) => string;
}

/**
 * Enrols the staff at the gateways of their organisations, which must not be running. Passwords are on disk before
 * the wallets that they open, so this goes on where an earlier run was cut short.
 */
export async function ensureStaffWallets(place: StaffPlace, staff: readonly DemoStaff[]): Promise<StaffMember[]> {
  const { credentials, gatewayUrlOf } = place;
  const missing = staff.filter(({ memberId }) => credentials.find(memberId) === undefined);
  await credentials.put(
    missing.map(({ mspId, ...member }) => ({
      ...member,
      organisation: mspId,
      gatewayUrl: gatewayUrlOf(mspId),
      password: newPassword(),
    })),
  );
  const members: StaffMember[] = [];
  for (const organisation of place.topology.organisations) {
    const own = staff.filter(({ mspId }) => mspId === organisation.mspId);
    members.push(...(await enrolAt(place, organisation, own)));
  }
  return members;
}

/** @returns the member, signed in at no gateway: its keys are used in this process */
export async function unlockStaff(place: StaffPlace, memberId: string): Promise<UnlockedIdentity> {
  const credential = passwordOf(place.credentials, memberId);
  const organisation = place.topology.organisations.find(({ mspId }) => mspId === credential.organisation);
  if (organisation === undefined) throw new StartError(`${memberId} belongs to no organisation of the network.`);
  const wallets = await openWallets(place.dataDir, organisation);
  try {
    return await wallets.unlock(memberId, credential.password);
  } finally {
    wallets.close();
  }
}

async function enrolAt(
  { dataDir, credentials }: StaffPlace,
  organisation: Organisation,
  staff: readonly DemoStaff[],
): Promise<StaffMember[]> {
  const wallets = await openWallets(dataDir, organisation);
  try {
    const enrolment = createEnrolment(certificateIssuer(dataDir, organisation), wallets);
    await Promise.all(
      staff
        .filter(({ memberId }) => !wallets.has(memberId))
        .map(({ memberId, role, agencyId }) =>
          enrolment.enrol({
            role,
            ...(agencyId === undefined ? {} : { agencyId }),
            password: passwordOf(credentials, memberId).password,
            memberIdFor: () => memberId,
          }),
        ),
    );
    return staff.map((member) => staffMember(wallets, member));
  } finally {
    wallets.close();
  }
}

function staffMember(wallets: WalletStore, staff: DemoStaff): StaffMember {
  const wallet = wallets.find(staff.memberId);
  if (wallet === undefined) throw new Error(`invariant failed: ${staff.memberId} has just been enrolled`);
  return { ...staff, signingKeySpki: wallet.signingPublicKeySpki, encryptionKey: wallet.encryptionPublicKey };
}

async function openWallets(dataDir: string, { mspId }: Organisation): Promise<WalletStore> {
  const folder = join(dataDir, 'gateways', mspId);
  await createDirectory(folder);
  return openWalletStore({ path: join(folder, 'wallets.sqlite') });
}

function passwordOf(credentials: Credentials, memberId: string) {
  const credential = credentials.find(memberId);
  if (credential === undefined) {
    throw new StartError(
      `The password of ${memberId} is not in the credentials file; start with an empty data folder.`,
    );
  }
  return credential;
}
