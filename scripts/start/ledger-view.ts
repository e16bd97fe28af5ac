import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serviceIdentity } from '../../gateway/identity/network-identities.js';
import { openFabricLedger } from '../../gateway/ledger/fabric-ledger.js';
import type { Ledger, LedgerIdentity } from '../../gateway/ledger/ledger.js';
import { nodeFolder, organisationFolder, tlsPaths } from '../../network/identities/index.js';
import type { Organisation, Topology } from '../../network/topology.js';

/** Answered by every chaincode of fabric-contract-api, without touching state. */
const METADATA = 'org.hyperledger.fabric:GetMetadata';
const HEIGHT_MS = 3_000;

/** One peer, and how far it is. */
export interface PeerHeight {
  readonly mspId: string;
  /** Number of blocks; undefined when the peer does not answer. */
  readonly height: number | undefined;
}

/**
 * Waits until each peer has an answer from the chaincode of each endorsing organisation: peers learn of each other, and
 * of a chaincode definition, some time after it is there.
 *
 * @throws LedgerFailure when it takes too long
 */
export async function untilServing(topology: Topology, dataDir: string): Promise<void> {
  const targets = topology.organisations.filter(({ endorses }) => endorses).map(({ mspId }) => mspId);
  await withPeers(topology, dataDir, async (ledger, identity) => {
    for (const mspId of targets) await ledger.evaluate(identity, METADATA, [], { endorsingOrganizations: [mspId] });
  });
}

/** Asks each peer for its height with its organisation's own identity. */
export async function peerHeights(topology: Topology, dataDir: string): Promise<readonly PeerHeight[]> {
  return withPeers(topology, dataDir, async (ledger, identity) => {
    const { mspId } = identity;
    try {
      return { mspId, height: await ledger.height(identity) };
    } catch {
      // Whatever keeps it from answering is what the operator is told: no height.
      return { mspId, height: undefined };
    }
  });
}

async function withPeers<T>(
  topology: Topology,
  dataDir: string,
  ask: (ledger: Ledger, identity: LedgerIdentity) => Promise<T>,
): Promise<readonly T[]> {
  // Nothing is submitted, so the outbox stays empty.
  const outboxes = mkdtempSync(join(tmpdir(), 'medledger-view-'));
  const asked = topology.organisations.map(async (organisation) => {
    const ledger = ledgerOf(topology, dataDir, organisation, join(outboxes, `${organisation.mspId}.sqlite`));
    if (ledger === undefined) return [];
    try {
      return [await ask(ledger, serviceIdentity(dataDir, organisation.domain))];
    } finally {
      await ledger.close();
    }
  });
  try {
    return (await Promise.all(asked)).flat();
  } finally {
    rmSync(outboxes, { recursive: true, force: true });
  }
}

function ledgerOf(
  topology: Topology,
  dataDir: string,
  { mspId, domain, peer }: Organisation,
  outboxFile: string,
): Ledger | undefined {
  if (peer === undefined) return undefined;
  const { authority } = tlsPaths(nodeFolder(organisationFolder(dataDir, domain), peer.host, 'peer'));
  return openFabricLedger({
    endpoint: { address: `127.0.0.1:${peer.port}`, hostName: peer.host, tlsRootFile: authority },
    peerMspId: mspId,
    channel: topology.channel,
    chaincode: topology.chaincode.name,
    policy: { mspIds: [mspId], needed: 1 },
    outboxFile,
    settings: { evaluateMs: HEIGHT_MS },
  });
}
