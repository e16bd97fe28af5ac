import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type LaneEntry, placeOf, recordId as parseRecordId, type RecordSet } from '@medledger/chaincode/domain';
import { CustodyError } from '../../gateway/custody/custody-errors.js';
import type { LoggedRelease } from '../../gateway/custody/release-log.js';
import { RELEASE_LOG, RELEASE_WITHOUT_ENTRY, SHARES, SHARES_TOO_FEW } from './advice.js';
import type { PeerView } from './check-lanes.js';
import { CheckLog, type CheckResult } from './finding.js';
import { permittedRecords } from './judge-outcome.js';
import { readEntry } from './lane-walk.js';
import { gatewayDirectory, type LedgerFolder } from './ledger-folder.js';
import { readReleaseLog } from './release-log-file.js';
import { openShareFile, type ShareFile } from './share-file.js';
import { storedObjects } from './stored-objects.js';
import { readRecordSet } from './stored-values.js';

/** Two shares of three open a record. */
const SHARES_MIN = 2;

/** Where a custodian's release log ended when the check began. */
export interface ReleaseLogEnd {
  readonly mspId: string;
  readonly file: string;
  /** Undefined where there is none. */
  readonly sizeBytes: number | undefined;
}

/**
 * Taken before anything else is read: what is released later rests on transactions that the copies of the ledger may
 * not hold yet.
 */
export function releaseLogEnds({ dataDir, topology }: LedgerFolder): readonly ReleaseLogEnd[] {
  return topology.organisations
    .filter(({ custodian }) => custodian)
    .map(({ mspId }) => {
      const file = join(custodyDirectory(dataDir, mspId), 'releases.log');
      return { mspId, file, sizeBytes: existsSync(file) ? statSync(file).size : undefined };
    });
}

/** One custodian: every share it holds, every release it noted, and that each release rests on a permit. */
export async function checkReleases(end: ReleaseLogEnd, view: PeerView): Promise<CheckResult> {
  const log = new CheckLog('custody', end.mspId, RELEASE_LOG);
  if (end.sizeBytes === undefined) {
    log.found(end.file, 'the custodian has no release log');
    return log.result;
  }
  for await (const line of readReleaseLog(end.file, end.sizeBytes)) {
    if ('fault' in line) log.found(`${end.file}, byte ${line.offset}`, line.fault);
    else for (const release of line.releases) checkRelease(view, end, release, log);
  }
  return log.result;
}

function checkRelease(view: PeerView, { file }: ReleaseLogEnd, release: LoggedRelease, log: CheckLog): void {
  log.count('releases');
  const { sequence, recordId, transactionId } = release;
  const fault = faultOfRelease(view, release);
  if (fault === undefined) return;
  const where = `${file}, release ${sequence} of record ${recordId} for transaction ${transactionId}`;
  log.found(where, fault, RELEASE_WITHOUT_ENTRY);
}

const OPENINGS: readonly string[] = ['access:open', 'access:emergency'];

function faultOfRelease({ index, state }: PeerView, release: LoggedRelease): string | undefined {
  const { transactionId, recordId } = release;
  const found = index.get(transactionId);
  if (found === undefined) return index.unreadable.length > 0 ? undefined : 'no block holds the transaction';
  if (found.code !== 'VALID') return `the transaction is ${found.code}`;
  if (!OPENINGS.includes(found.transaction) || found.entry === undefined)
    return `the transaction is ${found.transaction || 'nothing known'}, no opening`;
  const entry = readEntry(state.read(found.entry.key));
  // An entry that cannot be read is named by the walk of its lane.
  return entry === undefined ? undefined : faultOfPermit(entry, recordId, release);
}

function faultOfPermit(
  entry: LaneEntry,
  recordId: string,
  { statements = [], refusedAs }: LoggedRelease,
): string | undefined {
  const permitted = permittedRecords(entry);
  if (!permitted.has(recordId)) return 'the transaction did not permit this record';
  // Nothing was let go: what is noted is why not, and that need not be what the permit rests on.
  if (refusedAs !== undefined) return undefined;
  const carrying = permitted.get(recordId);
  const isCarried = carrying === undefined || statements.some(({ id }) => id === `${entry.patientId}~${carrying}`);
  return isCarried ? undefined : `the permit rests on ${carrying}, which the release did not look at`;
}

/** All custodians together: enough of them can give a share of every record. */
export async function checkShares(folder: LedgerFolder, view: PeerView): Promise<readonly CheckResult[]> {
  const custodians = folder.topology.organisations.filter(({ custodian }) => custodian);
  const logs = custodians.map(({ mspId }) => new CheckLog('custody', mspId, SHARES));
  const files: ShareFile[] = [];
  try {
    for (const [place, { mspId }] of custodians.entries()) {
      const file = await openChecked(custodyDirectory(folder.dataDir, mspId), mspId, logs[place]);
      if (file !== undefined) files.push(file);
    }
    return [...logs.map(({ result }) => result), await checkRecords(view, files)];
  } finally {
    for (const file of files) file.close();
  }
}

async function openChecked(
  directory: string,
  mspId: string,
  log: CheckLog | undefined,
): Promise<ShareFile | undefined> {
  const where = join(directory, 'shares.sqlite');
  try {
    const file = await openShareFile(directory, mspId);
    const { rowsChecked, corrupt, missingRows, complete } = file.report;
    log?.count('shares', rowsChecked);
    for (const { recordId, version } of corrupt)
      log?.found(`${where}, record ${recordId} version ${version}`, 'the share was changed in the store');
    if (missingRows !== 0) log?.found(where, `${missingRows} shares are missing that the sealed summary counts`);
    else if (!complete && corrupt.length === 0)
      log?.found(where, 'its rows are not those the sealed summary stands for');
    return file;
  } catch (error) {
    if (!(error instanceof CustodyError)) throw error;
    log?.found(where, error.message);
    return undefined;
  }
}

async function checkRecords({ state }: PeerView, files: readonly ShareFile[]): Promise<CheckResult> {
  const log = new CheckLog('custody', 'network', SHARES_TOO_FEW);
  let set: RecordSet | undefined;
  for await (const { name, sha256: ciphertextSha256, record } of storedObjects(state)) {
    if (record === undefined) continue;
    log.count('records');
    const { recordId, version, patientId } = record;
    const { setId } = placeOf(parseRecordId(recordId, '/recordId'));
    // The records of a set come one after another.
    if (set?.setId !== setId) set = readRecordSet(state, setId);
    // In a set that was tampered with there may be anything: then nobody's shares are the author's.
    const depositor = String(set?.authorOrganisation);
    const owners = files.map((file) => file.patientOf({ recordId, version, ciphertextSha256, depositor }));
    const held = owners.filter((owner) => owner === patientId).length;
    const others = owners.filter((owner) => owner !== undefined && owner !== patientId);
    for (const owner of others) log.found(name, `a custodian holds its share for patient ${owner}, not ${patientId}`);
    if (held < SHARES_MIN) log.found(name, `only ${held} custodians hold its share, ${SHARES_MIN} are needed`);
  }
  return log.result;
}

function custodyDirectory(dataDir: string, mspId: string): string {
  return join(gatewayDirectory(dataDir, mspId), 'custody');
}
