import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { join } from 'node:path';
import { LEDGER_NODE_FLAGS } from '../../network/devledger/node-flags.js';
import { readTopologyFile } from '../../network/topology-file.js';
import { openDataFolder } from '../start/data-folder.js';
import { preloadUrl } from '../start/network-plans.js';
import { oneLine } from '../start/one-line.js';
import type { ProcessPlan } from '../start/process-plan.js';
import { lineProgress, type Progress } from '../start/progress.js';
import { runningFile } from '../start/running-file.js';
import { listenForStop } from '../start/stop-signals.js';
import { Supervisor } from '../start/supervisor.js';
import { keepTopology } from '../start/topology-choice.js';

/** The supervisor behind `network up` for a ledger without gateways: keeps its one process running. */

interface GivenOptions {
  readonly data: string;
  readonly topology: string;
}

/** Compiled, this file is dist/scripts/network/run-plain-ledger.js. */
const PROJECT_DIR = fileURLToPath(new URL('../../..', import.meta.url));

const program = new Command('run-plain-ledger')
  .requiredOption('--data <dir>')
  .requiredOption('--topology <file>')
  .action(run);

await program.parseAsync();

async function run(given: GivenOptions): Promise<void> {
  const progress = lineProgress((text) => process.stdout.write(text), Date.now);
  try {
    await runLedger(given, progress);
    process.exit(0);
  } catch (error) {
    process.stderr.write(`${oneLine(error)}\n`);
    process.exit(1);
  }
}

async function runLedger(given: GivenOptions, progress: Progress): Promise<void> {
  const stop = listenForStop(Date.now);
  const topology = readTopologyFile(given.topology);
  const { channel, consensus } = topology;
  const folder = await openDataFolder({ path: given.data, channel, consensus, ledger: 'devledger', nowMs: Date.now() });
  const running = runningFile(folder.path);
  const supervisor = new Supervisor({
    logDir: join(folder.path, 'logs'),
    preload: preloadUrl(PROJECT_DIR),
    say: progress.say,
    onChange: running.write,
  });
  stop.onSecond(() => {
    supervisor.kill();
    process.exit(130);
  });
  process.on('SIGUSR2', () => supervisor.restartStopped());
  try {
    const kept = await keepTopology(folder.path, topology);
    const failed = supervisor.failed.then((error) => Promise.reject(error));
    const start = progress.step('ledger and chaincodes', () => supervisor.startGroup([ledgerPlan(folder.path, kept)]));
    await Promise.race([start, stop.requested, failed]);
    if (!stop.signal.aborted) {
      progress.say(`up after ${progress.elapsedS()}`);
      progress.say('ready');
    }
    await Promise.race([stop.requested, failed]);
  } finally {
    await progress.step('stopped', () => supervisor.stop());
    running.remove();
    folder.release();
  }
}

function ledgerPlan(dataDir: string, topologyFile: string): ProcessPlan {
  return {
    name: 'ledger',
    title: 'the ledger',
    args: [
      ...LEDGER_NODE_FLAGS,
      join(PROJECT_DIR, 'dist/network/devledger/main.js'),
      '--data',
      dataDir,
      '--topology',
      topologyFile,
    ],
    cwd: PROJECT_DIR,
    env: {},
    readiness: { kind: 'line', member: 'ready', warnings: 'setAside' },
  };
}
