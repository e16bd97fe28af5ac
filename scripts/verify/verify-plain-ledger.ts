import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { definitionBookPath } from '../../network/devledger/definition/definition-book.js';
import type { LedgerTopology } from '../../network/topology.js';
import { DEFINITIONS_COPY } from './advice.js';
import { checkLedger, chosenPeers } from './check-ledger.js';
import { withEmbeddedLedger } from './embedded-ledger.js';
import { CheckLog, type CheckResult } from './finding.js';
import { DefinitionsUnreadable, isRunning, type LedgerFolder, openLedgerFolder } from './ledger-folder.js';
import type { VerifyReport } from './verify-data-folder.js';

export interface PlainVerifyOptions {
  readonly dataDir: string;
  readonly topology: LedgerTopology;
  /** Of one peer only; all where left out. */
  readonly mspId?: string;
  readonly onCheck?: (result: CheckResult) => void;
}

/**
 * Looks at an embedded ledger without gateways: definitions, blocks, state and private data of each peer, peers and
 * orderer against each other. What its chaincodes mean by their keys is for their authors to check.
 *
 * @throws CannotLook when the folder, or an organisation asked for, is not there
 */
export async function verifyPlainLedger(options: PlainVerifyOptions): Promise<VerifyReport> {
  const { dataDir, topology, mspId, onCheck } = options;
  const running = isRunning(dataDir);
  const checks: CheckResult[] = [];
  const done = (...results: readonly CheckResult[]): void => {
    checks.push(...results);
    for (const result of results) onCheck?.(result);
  };
  const definitions = new CheckLog('definitions', 'network', DEFINITIONS_COPY);
  const folder = await openFolder(dataDir, topology, definitions);
  definitions.count('definitions', folder?.rules.definitionsAt?.(Number.POSITIVE_INFINITY).length ?? 0);
  done(definitions.result);
  if (folder !== undefined && definitions.result.findings.length === 0) {
    await withEmbeddedLedger(folder, chosenPeers(folder, mspId), (ledger) => checkLedger(ledger, done));
  }
  return { ok: checks.every(({ findings }) => findings.length === 0), running, checks };
}

/** @returns undefined where the definitions are unreadable: the blocks cannot be judged then, and that is said */
async function openFolder(
  dataDir: string,
  topology: LedgerTopology,
  definitions: CheckLog,
): Promise<LedgerFolder<LedgerTopology> | undefined> {
  const path = definitionBookPath(dataDir);
  try {
    const folder = await openLedgerFolder(dataDir, topology);
    const wasDeployed = existsSync(join(dataDir, 'ledger', 'chaincodes.json'));
    if (wasDeployed && !existsSync(path)) definitions.found(path, 'it is gone, and chaincode was deployed');
    return folder;
  } catch (error) {
    if (!(error instanceof DefinitionsUnreadable)) throw error;
    definitions.found(path, 'it does not match the digest in its first line');
    return undefined;
  }
}
