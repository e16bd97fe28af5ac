import {
  type LedgerOrganisation,
  type LedgerTopology,
  type Organisation,
  ordererDomainOf,
  ordererHosts,
} from '../topology.js';
import { ensureFromFabricCa } from './fabric-ca/ensure-from-fabric-ca.js';
import { ORDERER_MSP_ID, organisationFolder, PLAIN_USERS, SERVICE_USERS } from './identity-paths.js';
import {
  ensureChaincode,
  ensureClient,
  ensureGateway,
  ensureNode,
  ensureOrganisation,
  ensureUser,
} from './organisation-folder.js';

/**
 * Makes every certificate and key that a network of this topology needs, in the folder layout of Fabric's test
 * network, below `<dataDir>/organizations`. Safe to run again: what is there stays byte for byte, what is missing is
 * made, what ends within 60 days is renewed over the same key. Call it from one process, before the others start.
 *
 * @param options.nowMs - the clock that validity periods are counted from
 * @throws IdentitiesError IDENTITIES_UNREADABLE when a file is there but is not what it should be
 */
export async function ensureIdentities(
  topology: LedgerTopology,
  dataDir: string,
  options: { readonly nowMs?: number } = {},
): Promise<void> {
  const nowMs = options.nowMs ?? Date.now();
  for (const organisation of topology.organisations) await ensureMember(organisation, dataDir, nowMs);
  await ensureOrderers(topology, dataDir, nowMs);
}

async function ensureMember(member: LedgerOrganisation, dataDir: string, nowMs: number): Promise<void> {
  const { mspId, domain } = member;
  const { fabricCa }: Partial<Organisation> = member;
  if (fabricCa !== undefined) return ensureFromFabricCa(member, fabricCa, { dataDir, nowMs });
  const folder = organisationFolder(dataDir, domain);
  const organisation = await ensureOrganisation({ folder, mspId, domain, kind: 'peer', nowMs });
  const hasGateway = 'gateway' in member;
  if (member.peer !== undefined) {
    await ensureNode(organisation, member.peer.host);
    if (hasGateway) await ensureChaincode(organisation);
  }
  for (const user of hasGateway ? SERVICE_USERS : PLAIN_USERS) await ensureUser(organisation, user);
  for (const user of member.users ?? []) await ensureClient(organisation, user);
  if (hasGateway) await ensureGateway(organisation);
}

async function ensureOrderers(topology: LedgerTopology, dataDir: string, nowMs: number): Promise<void> {
  const domain = ordererDomainOf(topology);
  const organisation = await ensureOrganisation({
    folder: organisationFolder(dataDir, domain, 'orderer'),
    mspId: ORDERER_MSP_ID,
    domain,
    kind: 'orderer',
    nowMs,
  });
  for (const host of ordererHosts(topology)) await ensureNode(organisation, host);
  await ensureUser(organisation, 'Admin');
}
