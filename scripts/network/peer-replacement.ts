import { rmSync } from 'node:fs';
import { FabricError } from '../../network/fabric/fabric-error.js';
import { joinPeer } from '../../network/fabric/join-peer.js';
import { type PeerOrganisation, peerOrganisations, slugOf } from '../../network/fabric/members.js';
import { nodeDataFolder } from '../../network/fabric/fabric-paths.js';
import { peerCommands } from '../../network/fabric/peer-commands.js';
import { type FabricPlace, preparePeer } from '../../network/fabric/prepare-network.js';
import { ensureIdentities, forgetPeerKeys } from '../../network/identities/index.js';
import { peerHeights } from '../start/ledger-view.js';
import { fabricRun } from './fabric-context.js';
import type { NetworkContext } from './network-context.js';

export interface ReplacedResult {
  readonly mspId: string;
  /** Number of blocks that the new peer has. */
  readonly height: number;
  /** Certificates of the old peer, kept to be revoked where its keys may be in somebody's hands. */
  readonly oldCertificates: readonly string[];
  readonly elapsedMs: number;
}

/**
 * Puts a new peer in the place of an organisation's: without its ledger and its keys, with new keys of the same
 * authority, on the same ports. It takes every block from the orderers. The other peers go on endorsing meanwhile.
 *
 * @throws FabricError ORGANISATION_INVALID, FABRIC_NOT_READY before anything is done; FABRIC_COMMAND_FAILED
 */
export async function replacePeer(context: NetworkContext, mspId: string): Promise<ReplacedResult> {
  const startedAtMs = Date.now();
  const { place, supervisor, progress } = await fabricRun(context, 'replace-peer');
  const organisation = peerOrganisationOf(place, mspId);
  await requireOthers(place, organisation);
  const { peer, domain } = organisation;
  const slug = slugOf(domain);
  const oldCertificates = await progress.step('the old peer taken away', async () => {
    await supervisor.stop(`peer-${slug}`);
    await supervisor.stop(`chaincode-${slug}`);
    rmSync(nodeDataFolder(place.dataDir, peer.host), { recursive: true, force: true });
    return forgetPeerKeys(place.dataDir, domain, peer.host);
  });
  await progress.step('new keys and certificates', () => ensureIdentities(place.topology, place.dataDir));
  preparePeer(place.dataDir, organisation);
  await progress.step('peer and chaincode started', async () => {
    supervisor.start();
    await supervisor.untilServing(`chaincode-${slug}`, { kind: 'port', port: peer.chaincodePort });
    await supervisor.untilServing(`peer-${slug}`, { kind: 'port', port: peer.port });
  });
  await joinPeer(place, organisation, progress.step);
  const height = await peerCommands(place, organisation).height();
  return { mspId, height, oldCertificates, elapsedMs: Date.now() - startedAtMs };
}

export function replacedLines({ mspId, height, oldCertificates, elapsedMs }: ReplacedResult): readonly string[] {
  return [
    `the peer of ${mspId} is a new one, with ${height} blocks, after ${(elapsedMs / 1000).toFixed(1)} s`,
    ...oldCertificates.map((file) => `if somebody may have its key: npm run network -- revoke --cert ${file}`),
  ];
}

function peerOrganisationOf({ topology }: FabricPlace, mspId: string): PeerOrganisation {
  const known = peerOrganisations(topology);
  const found = known.find((organisation) => organisation.mspId === mspId);
  if (found !== undefined) return found;
  throw new FabricError(
    'ORGANISATION_INVALID',
    `${mspId} has no peer here; --org takes one of ${known.map((organisation) => organisation.mspId).join(', ')}.`,
  );
}

/** The others go on endorsing, and each of them agrees to the definition anew. */
async function requireOthers({ topology, dataDir }: FabricPlace, { mspId }: PeerOrganisation): Promise<void> {
  const heights = await peerHeights(topology, dataDir);
  const silent = heights.filter((peer) => peer.mspId !== mspId && peer.height === undefined);
  if (silent.length === 0) return;
  throw new FabricError(
    'FABRIC_NOT_READY',
    `the peer of ${silent.map((peer) => peer.mspId).join(', ')} does not answer; bring it back before another one is taken away.`,
  );
}
