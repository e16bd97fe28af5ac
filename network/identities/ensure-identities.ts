import { ORDERER_DOMAIN, type Organisation, type Topology } from '../topology.js';
import { ensureFromFabricCa } from './fabric-ca/ensure-from-fabric-ca.js';
import { ORDERER_MSP_ID, organisationFolder, SERVICE_USERS } from './identity-paths.js';
import { ensureChaincode, ensureGateway, ensureNode, ensureOrganisation, ensureUser } from './organisation-folder.js';

/**
 * Makes every certificate and key that a network of this topology needs, in the folder layout of Fabric's test
 * network, below `<dataDir>/organizations`. Safe to run again: what is there stays byte for byte, what is missing is
 * made, what ends within 60 days is renewed over the same key. Call it from one process, before the others start.
 *
 * @param options.nowMs - the clock that validity periods are counted from
 * @throws IdentitiesError IDENTITIES_UNREADABLE when a file is there but is not what it should be
 */
export async function ensureIdentities(
  topology: Topology,
  dataDir: string,
  options: { readonly nowMs?: number } = {},
): Promise<void> {
  const nowMs = options.nowMs ?? Date.now();
  for (const organisation of topology.organisations) await ensureMember(organisation, dataDir, nowMs);
  await ensureOrderers(topology, dataDir, nowMs);
}

async function ensureMember(member: Organisation, dataDir: string, nowMs: number): Promise<void> {
  const { mspId, domain, fabricCa } = member;
  if (fabricCa !== undefined) return ensureFromFabricCa(member, fabricCa, { dataDir, nowMs });
  const folder = organisationFolder(dataDir, domain);
  const organisation = await ensureOrganisation({ folder, mspId, domain, kind: 'peer', nowMs });
  if (member.peer !== undefined) {
    await ensureNode(organisation, member.peer.host);
    await ensureChaincode(organisation);
  }
  for (const user of SERVICE_USERS) await ensureUser(organisation, user);
  await ensureGateway(organisation);
}

async function ensureOrderers({ orderers }: Topology, dataDir: string, nowMs: number): Promise<void> {
  const organisation = await ensureOrganisation({
    folder: organisationFolder(dataDir, ORDERER_DOMAIN, 'orderer'),
    mspId: ORDERER_MSP_ID,
    domain: ORDERER_DOMAIN,
    kind: 'orderer',
    nowMs,
  });
  for (const { host } of orderers) await ensureNode(organisation, host);
  await ensureUser(organisation, 'Admin');
}
