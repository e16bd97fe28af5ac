import { join } from 'node:path';
import type { SignedRegister } from '@medledger/chaincode/domain';
import { ensureIdentities } from '../../network/identities/index.js';
import { withAddedOrganisations } from '../../network/added-organisations.js';
import type { Organisation, Topology } from '../../network/topology.js';
import { CREDENTIALS_FILE, Credentials } from '../seed/credentials.js';
import { DOCTORS_MIN } from '../seed/demo-staff.js';
import { isSeeded, seedNetwork } from '../seed/seed-network.js';
import type { StaffPlace } from '../seed/staff-wallets.js';
import { type DataFolder, openDataFolder } from './data-folder.js';
import { prepareConsortium, requireFounded, submitRegister } from './found-consortium.js';
import { type LedgerChoice, topologyOn } from './ledger-choice.js';
import { networkPlans, preloadUrl, restUrl } from './network-plans.js';
import { oneLine } from './one-line.js';
import { untilServing } from './ledger-view.js';
import { writePlace } from './network-place.js';
import { requireFreePorts } from './ports.js';
import type { Progress } from './progress.js';
import { runningFile } from './running-file.js';
import { startLedger } from './start-ledger.js';
import { StartError } from './start-error.js';
import { keepTopology } from './topology-choice.js';
import { listenForStop, type StopSignals } from './stop-signals.js';
import { RESTARTS_MAX, Supervisor } from './supervisor.js';

export interface StartOptions {
  /** Folder of the project, built. */
  readonly projectDir: string;
  readonly dataDir: string;
  readonly portBase: number;
  /** Describes the consortium; else it is the one on consecutive ports. */
  readonly topologyFile?: string;
  readonly ledger: LedgerChoice;
  readonly seed: boolean;
  /** Of the demonstration; counts when the data folder is new. */
  readonly doctors: number;
  /** Only the ledger with its chaincode services: no gateways, no register, no patients. */
  readonly ledgerOnly?: boolean;
  /** How long a process that crashed stays down; a little, and more each time, where left out. */
  readonly restartAfterMs?: number;
}

/** What a killed run leaves behind ends itself within this time. */
const LEFT_OVER_MS = 12_000;

/**
 * Runs the whole network until it is asked to stop: brings it up, founds and seeds it the first time, says `ready`.
 *
 * @throws StartError, and errors of the parts, each with a message for the operator; nothing keeps running then
 */
export async function startNetwork(options: StartOptions, progress: Progress): Promise<void> {
  const described = topologyOn(options.ledger, options.portBase, options.topologyFile);
  const topology = withAddedOrganisations(described, options.dataDir);
  const stop = listenForStop(Date.now);
  const ledger = options.ledger.kind;
  const { channel, consensus } = topology;
  const { restartAfterMs } = options;
  const folder = await openDataFolder({ path: options.dataDir, channel, ledger, consensus, nowMs: Date.now() });
  const running = runningFile(folder.path);
  try {
    await requireFreePorts(topology, { ledger, patienceMs: running.isLeftOver() ? LEFT_OVER_MS : 0 });
    const supervisor = new Supervisor({
      logDir: join(folder.path, 'logs'),
      preload: preloadUrl(options.projectDir),
      say: progress.say,
      onChange: running.write,
      ...(restartAfterMs === undefined ? {} : { restartDelaysMs: Array(RESTARTS_MAX).fill(restartAfterMs) }),
    });
    await supervise({ options, topology, folder, progress, supervisor, stop });
  } finally {
    folder.release();
  }
}

interface Run {
  readonly options: StartOptions;
  readonly topology: Topology;
  readonly folder: DataFolder;
  readonly progress: Progress;
  readonly supervisor: Supervisor;
  readonly stop: StopSignals;
}

async function supervise(run: Run): Promise<void> {
  const { supervisor, stop, progress } = run;
  stop.onSecond(() => {
    supervisor.kill();
    process.exit(130);
  });
  const isUp = bringUp(run);
  let adding = isUp.catch(() => undefined);
  process.on('SIGUSR2', () => {
    supervisor.restartStopped();
    adding = adding.then(() => startAdded(run));
  });
  try {
    const failed = supervisor.failed.then((error) => Promise.reject(error));
    await Promise.race([isUp, stop.requested, failed]);
    await Promise.race([stop.requested, failed]);
  } finally {
    await progress.step('stopped', () => supervisor.stop());
    runningFile(run.folder.path).remove();
  }
}

/** Whoever joined since: see network/added-organisations.ts. Without it the others go on as before. */
async function startAdded({ options, folder, supervisor, progress }: Run): Promise<void> {
  try {
    const plans = networkPlans({ ...options, dataDir: folder.path });
    await Promise.all([supervisor.startAdded(plans.chaincode), supervisor.startAdded(plans.ledger)]);
    if (options.ledgerOnly !== true) await supervisor.startAdded(plans.gateways);
  } catch (error) {
    progress.say(oneLine(error));
  }
}

async function bringUp(run: Run): Promise<void> {
  try {
    await bringUpInOrder(run);
  } catch (error) {
    // Whatever a stop cuts short is no failure.
    if (!run.stop.signal.aborted) throw error;
  }
}

async function bringUpInOrder(run: Run): Promise<void> {
  const { options, topology, folder, progress, supervisor } = run;
  const place = await staffPlaceOf(run);
  const kept = options.topologyFile === undefined ? undefined : await keepTopology(folder.path, topology);
  const where = kept === undefined ? `ports from ${options.portBase}` : `topology in ${kept}`;
  progress.say(`MedLedger: data in ${folder.path}, ${where}`);
  await progress.step('certificates', () => ensureIdentities(topology, folder.path));
  const plans = networkPlans({
    ...options,
    dataDir: folder.path,
    ...(kept === undefined ? {} : { topologyFile: kept }),
  });
  const start = { ledger: options.ledger, topology, dataDir: folder.path, plans, supervisor, progress };
  if (options.ledgerOnly === true) {
    await startLedger(start);
    rememberPlace(run);
    await progress.step('every peer asks every other', () => untilServing(topology, folder.path));
    progress.say(`up after ${progress.elapsedS()}`);
    progress.say('ready');
    return;
  }
  // Passwords are hashed in other threads, so both go on side by side.
  const [register] = await Promise.all([foundingRegister(run, place), startLedger(start)]);
  rememberPlace(run);
  await progress.step('register of the consortium', () => ensureFounded(run, place, register));
  await progress.step('gateways', () => supervisor.startGroup(plans.gateways));
  if (options.seed && !isSeeded(folder.path)) await seed(run, place);
  sayReady(run);
}

/** Only one that came up: `npm run network` goes by it. */
function rememberPlace({ options, folder }: Run): void {
  writePlace(folder.path, { ledger: options.ledger.kind, portBase: options.portBase });
}

async function ensureFounded(
  { topology, folder }: Run,
  place: StaffPlace,
  register: SignedRegister | undefined,
): Promise<void> {
  if (register === undefined) return requireFounded(topology, folder.path);
  await submitRegister(place, register);
  await folder.markFounded();
}

async function staffPlaceOf({ topology, folder }: Run): Promise<StaffPlace> {
  const credentials = new Credentials(folder.path);
  const gatewayUrlOf = (mspId: string) => restUrl(organisationOf(topology, mspId));
  await credentials.moveTo(gatewayUrlOf);
  return { topology, dataDir: folder.path, credentials, gatewayUrlOf };
}

/** @returns the register that the ledger is still to be given; undefined when it has one */
async function foundingRegister(
  { options, folder, progress }: Run,
  place: StaffPlace,
): Promise<SignedRegister | undefined> {
  if (folder.isFounded) {
    if (options.doctors !== DOCTORS_MIN) progress.say('--demo-doctors counts in a new data folder only');
    return undefined;
  }
  return progress.step('staff and custodians', () => prepareConsortium(place, options.doctors));
}

async function seed({ options, folder, progress, stop }: Run, place: StaffPlace): Promise<void> {
  const { gatewayUrlOf, credentials } = place;
  await progress.step('patients', () =>
    seedNetwork({
      bundleDir: join(options.projectDir, 'test/fixtures/synthea'),
      dataDir: folder.path,
      gatewayUrlOf,
      credentials,
      say: (line) => progress.say(`  ${line}`),
      signal: stop.signal,
      nowMs: Date.now,
    }),
  );
}

function sayReady({ topology, folder, progress }: Run): void {
  for (const organisation of topology.organisations) {
    progress.say(`${organisation.name.padEnd(18, ' ')}${restUrl(organisation)}   (API: ${restUrl(organisation)}/docs)`);
  }
  progress.say(`passwords: ${join(folder.path, CREDENTIALS_FILE)} · logs: ${join(folder.path, 'logs')}`);
  progress.say(`up after ${progress.elapsedS()}; Ctrl-C stops everything`);
  progress.say('ready');
}

function organisationOf({ organisations }: Topology, mspId: string): Organisation {
  const found = organisations.find((organisation) => organisation.mspId === mspId);
  if (found === undefined) throw new StartError(`${mspId} is not an organisation of this network.`);
  return found;
}
