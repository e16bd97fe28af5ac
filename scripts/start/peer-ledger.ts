import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { organisationTlsFile } from '../../gateway/identity/network-identities.js';
import { openFabricLedger } from '../../gateway/ledger/fabric-ledger.js';
import type { Ledger } from '../../gateway/ledger/ledger.js';
import type { LedgerSettings } from '../../gateway/ledger/ledger-settings.js';
import type { Topology } from '../../network/topology.js';

/**
 * The ledger through the peer of one organisation, for a few calls of a start. Its outbox goes with it: what is sent
 * here is made to be sent again.
 */
export async function openPeerLedger(input: {
  readonly topology: Topology;
  readonly dataDir: string;
  readonly mspId: string;
  readonly settings?: Partial<LedgerSettings>;
}): Promise<{ readonly ledger: Ledger; readonly discard: () => Promise<void> }> {
  const { topology, dataDir, mspId, settings = {} } = input;
  const host = topology.organisations.find((organisation) => organisation.mspId === mspId);
  if (host?.peer === undefined) throw new Error(`invariant failed: ${mspId} has a peer`);
  const folder = mkdtempSync(join(tmpdir(), 'medledger-outbox-'));
  const ledger = openFabricLedger({
    endpoint: {
      address: `127.0.0.1:${host.peer.port}`,
      hostName: host.peer.host,
      tlsRootFile: organisationTlsFile(dataDir, host.domain),
    },
    peerMspId: mspId,
    channel: topology.channel,
    chaincode: topology.chaincode.name,
    policy: {
      mspIds: topology.organisations.filter(({ endorses }) => endorses).map((organisation) => organisation.mspId),
      needed: topology.endorsementsNeeded,
    },
    outboxFile: join(folder, 'outbox.sqlite'),
    settings,
  });
  return {
    ledger,
    discard: async () => {
      await ledger.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
