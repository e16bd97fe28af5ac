import { pinnedOrganisations } from '../../gateway/identity/pinned-consortium.js';
import { StateCorruptError } from '../../network/devledger/store/ledger-errors.js';
import type { Topology } from '../../network/topology.js';
import { ENDORSED, REBUILD } from './advice.js';
import { checkConsents } from './check-consents.js';
import { checkDecisions } from './check-decisions.js';
import { checkReleases, checkShares, type ReleaseLogEnd, releaseLogEnds } from './check-custody.js';
import { checkLanes, type PeerView } from './check-lanes.js';
import { checkLedger, chosenPeers } from './check-ledger.js';
import { checkRegister } from './check-register.js';
import { checkVaults } from './check-vaults.js';
import type { CheckedPeer, LedgerLook } from './checked-peer.js';
import { withEmbeddedLedger } from './embedded-ledger.js';
import { withFabricLedger } from './fabric/fabric-ledger.js';
import { CheckLog, type CheckName, type CheckResult } from './finding.js';
import { isRunning, type LedgerFolder, openLedgerFolder } from './ledger-folder.js';

export interface VerifyOptions {
  readonly dataDir: string;
  readonly topology: Topology;
  /** Of one peer only; all where left out. */
  readonly mspId?: string;
  readonly vault: boolean;
  readonly custody: boolean;
  /** Decide again what every block decided. */
  readonly decisions?: boolean;
  /** Told of each check as it ends. */
  readonly onCheck?: (result: CheckResult) => void;
}

export interface VerifyReport {
  readonly ok: boolean;
  /** Whether a network was running on the folder when the check began. */
  readonly running: boolean;
  readonly checks: readonly CheckResult[];
}

/**
 * Looks at everything in a data folder that can be held against something else. Reads only; a running network goes on,
 * because databases are looked at in copies.
 *
 * @throws CannotLook when the folder, or an organisation asked for, is not there
 */
export async function verifyDataFolder(options: VerifyOptions): Promise<VerifyReport> {
  const folder = await openLedgerFolder(options.dataDir, options.topology);
  const mspIds = chosenPeers(folder, options.mspId);
  const running = isRunning(options.dataDir);
  const checks: CheckResult[] = [];
  const done = (...results: readonly CheckResult[]): void => {
    checks.push(...results);
    for (const result of results) options.onCheck?.(result);
  };
  const releases = releaseLogEnds(folder);
  const withLedger = folder.ledger === 'fabric' ? withFabricLedger : withEmbeddedLedger;
  await withLedger(folder, mspIds, (ledger) => checkAll({ options, folder, ledger, releases, done }));
  return { ok: checks.every(({ findings }) => findings.length === 0), running, checks };
}

interface Run {
  readonly options: VerifyOptions;
  readonly folder: LedgerFolder;
  readonly ledger: LedgerLook;
  readonly releases: readonly ReleaseLogEnd[];
  readonly done: (...results: readonly CheckResult[]) => void;
}

async function checkAll(run: Run): Promise<void> {
  const { ledger, done } = run;
  const peers = await checkLedger(ledger, done);
  // Stores beside the chain are held against one peer: the first in which nothing was found, and it comes last.
  const best = peers.find(({ result }) => result.findings.length === 0) ?? peers.find(({ hasState }) => hasState);
  for (const peer of peers.filter((other) => other !== best))
    await withView(run, peer, (view) => checkRules(run, view));
  if (best === undefined) return;
  await withView(run, best, async (view) => {
    await checkRules(run, view);
    await checkStores(run, view);
    if (run.options.decisions === true) run.done(await best.withBlocks((blocks) => checkDecisions(blocks, view)));
  });
}

/** What the chaincode's rules say of a peer's live state. */
async function checkRules({ folder, done }: Run, view: PeerView): Promise<void> {
  const pinned = pinnedOrganisations(folder.dataDir, folder.topology);
  done(...(await unlessUnreadable(view, 'lanes', async () => [await checkLanes(view)])));
  done(...(await unlessUnreadable(view, 'register', async () => [await checkRegister(view, pinned)])));
  done(...(await unlessUnreadable(view, 'consents', async () => [await checkConsents(view)])));
}

/** What lies beside the chain, held against one peer's view of it. */
async function checkStores({ options, folder, releases, done }: Run, view: PeerView): Promise<void> {
  if (options.vault)
    done(...(await unlessUnreadable(view, 'vault', async () => [await checkVaults(folder, view.state)])));
  if (!options.custody) return;
  for (const end of releases)
    done(...(await unlessUnreadable(view, 'custody', async () => [await checkReleases(end, view)])));
  done(...(await unlessUnreadable(view, 'custody', () => checkShares(folder, view))));
}

/** A walk ends where the index of a table is damaged: a finding, not the end of the check. */
async function unlessUnreadable(
  { mspId }: PeerView,
  check: CheckName,
  action: () => Promise<readonly CheckResult[]>,
): Promise<readonly CheckResult[]> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof StateCorruptError)) throw error;
    const log = new CheckLog(check, mspId, REBUILD(mspId));
    log.found(error.key, 'the state can be read up to here only');
    return [log.result];
  }
}

async function withView(
  { folder }: Run,
  { mspId, result, open }: CheckedPeer,
  action: (view: PeerView) => Promise<void>,
): Promise<void> {
  const opened = await open();
  if (opened === undefined) return;
  try {
    const next = result.findings.length === 0 ? ENDORSED : REBUILD(mspId);
    await action({ mspId, channel: folder.topology.channel, ...opened, next });
  } finally {
    await opened.state.close();
  }
}
