import { homedir } from 'node:os';
import { join } from 'node:path';
import {
  binariesMissing,
  FABRIC_VERSION,
  type FabricBinaries,
  findBinaries,
  requireVersion,
} from '../../network/fabric/binaries.js';
import { consortiumTopology } from '../../network/topology-file.js';
import { downloadRelease } from '../../network/fabric/download-release.js';
import { type Consensus, localTopology, type Topology } from '../../network/topology.js';

/** Which ledger the network runs on. Gateways and chaincode are the same. */
export type LedgerChoice =
  | { readonly kind: 'devledger' }
  | { readonly kind: 'fabric'; readonly binaries: FabricBinaries; readonly consensus: Consensus };

export type LedgerKind = LedgerChoice['kind'];

export const LEDGER_KINDS: readonly LedgerKind[] = ['devledger', 'fabric'];
export const DEVLEDGER: LedgerChoice = { kind: 'devledger' };

/**
 * Finds what the chosen ledger needs, and fetches the release of Fabric where its programs are nowhere.
 *
 * @param given.bin - folder of the programs of Fabric
 * @throws FabricError FABRIC_BINARIES_MISSING, FABRIC_DOWNLOAD_FAILED
 */
export async function chooseLedger(
  given: { readonly ledger: LedgerKind; readonly consensus: Consensus; readonly bin?: string | undefined },
  say: (line: string) => void,
): Promise<LedgerChoice> {
  if (given.ledger === 'devledger') return DEVLEDGER;
  const binaries = findLedger(given.bin) ?? (await downloadLedger(say));
  await requireVersion(binaries);
  return { kind: 'fabric', binaries, consensus: given.consensus };
}

/**
 * The consortium as the file describes it, or on this machine's consecutive ports with as many orderers as the ledger
 * has.
 *
 * @throws TopologyFileError
 */
export function topologyOn(ledger: LedgerChoice, portBase: number, topologyFile?: string): Topology {
  if (topologyFile !== undefined) return consortiumTopology({ file: topologyFile });
  return ledger.kind === 'fabric' ? localTopology(portBase, ledger.consensus) : localTopology(portBase);
}

/**
 * @returns undefined when no folder was named and the programs are nowhere
 * @throws FabricError FABRIC_BINARIES_MISSING when the folder that was named does not hold them
 */
export function findLedger(bin: string | undefined): FabricBinaries | undefined {
  return findBinaries({ given: bin, env: process.env, downloaded: join(releaseFolder(), 'bin') });
}

/** @throws FabricError FABRIC_DOWNLOAD_FAILED */
export async function downloadLedger(say: (line: string) => void): Promise<FabricBinaries> {
  const folder = releaseFolder();
  await downloadRelease({ folder, say });
  const binaries = findBinaries({ given: undefined, env: {}, downloaded: join(folder, 'bin') });
  if (binaries === undefined) throw binariesMissing();
  return binaries;
}

/** For all networks of this user. */
function releaseFolder(): string {
  return join(homedir(), '.cache', 'medledger', `fabric-${FABRIC_VERSION}`);
}
