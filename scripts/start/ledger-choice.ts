import { homedir } from 'node:os';
import { join } from 'node:path';
import {
  binariesMissing,
  type FabricBinaries,
  FABRIC_VERSION,
  findBinaries,
  requireVersion,
} from '../../network/fabric/binaries.js';

/** Which ledger the network runs on. Gateways and chaincode are the same. */
export type LedgerChoice =
  | { readonly kind: 'devledger' }
  | { readonly kind: 'fabric'; readonly binaries: FabricBinaries };

export type LedgerKind = LedgerChoice['kind'];

export const LEDGER_KINDS: readonly LedgerKind[] = ['devledger', 'fabric'];
export const DEVLEDGER: LedgerChoice = { kind: 'devledger' };

/** Where `network -- download` puts a release, for all networks of this user. */
export function downloadFolder(): string {
  return join(homedir(), '.cache', 'medledger', `fabric-${FABRIC_VERSION}`);
}

/**
 * Finds what the chosen ledger needs.
 *
 * @param given.bin - folder of the programs of Fabric
 * @throws FabricError FABRIC_BINARIES_MISSING
 */
export async function chooseLedger(given: {
  readonly ledger: LedgerKind;
  readonly bin?: string;
}): Promise<LedgerChoice> {
  if (given.ledger === 'devledger') return DEVLEDGER;
  const downloaded = join(downloadFolder(), 'bin');
  const binaries = findBinaries({ given: given.bin, env: process.env, downloaded });
  if (binaries === undefined) throw binariesMissing();
  await requireVersion(binaries);
  return { kind: 'fabric', binaries };
}
