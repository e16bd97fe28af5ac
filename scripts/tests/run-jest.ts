import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const JEST = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];
/** Processes of a network are started by the hundred, always from the same code. */
const COMPILED = 'node_modules/.cache/node';
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** A network that is told to end stops its processes in order. */
const GRACE_MS = 15_000;
const POLL_MS = 100;

/**
 * Runs jest in a temporary folder of its own. However the run ends, it leaves neither files nor processes behind.
 *
 * @param env - beside that of this process
 * @returns exit status
 */
export async function runJest(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'medledger-tests-'));
  // A terminal's Ctrl-C reaches the workers of jest too; a signal to this process alone must be handed to all of them.
  const detached = process.stdin.isTTY !== true;
  const jest = spawn(process.execPath, [...JEST, ...args], {
    env: { ...process.env, NODE_COMPILE_CACHE: resolve(COMPILED), ...env, TMPDIR: folder },
    stdio: 'inherit',
    detached,
  });
  const tell = (signal: NodeJS.Signals) => signalTo(detached ? -(jest.pid ?? 0) : (jest.pid ?? 0), signal);
  for (const signal of SIGNALS) process.on(signal, () => tell(signal));
  // The one that started this process is gone and could hand nothing on.
  process.on('disconnect', () => tell('SIGTERM'));
  const status = await new Promise<number>((resolve) => {
    jest.once('error', () => resolve(1));
    jest.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)));
  });
  await endLeftovers(folder);
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  return status;
}

async function endLeftovers(folder: string): Promise<void> {
  for (const untilMs = Date.now() + GRACE_MS; leftovers(folder).length > 0; await wait(POLL_MS)) {
    if (Date.now() < untilMs) continue;
    const pids = leftovers(folder);
    console.error(`Processes ${pids.join(', ')} were left by a test; they are ended.`);
    for (const pid of pids) signalTo(pid, 'SIGKILL');
    return;
  }
}

/** Processes that were started with this temporary folder, or work in it. Known on Linux only; elsewhere none. */
function leftovers(folder: string): readonly number[] {
  if (process.platform !== 'linux') return [];
  const pids = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
  return pids.filter((pid) => ['environ', 'cmdline'].some((file) => isNamed(folder, `/proc/${pid}/${file}`)));
}

function isNamed(folder: string, file: string): boolean {
  try {
    return readFileSync(file, 'latin1').includes(folder);
  } catch {
    // It has ended meanwhile, or is another user's.
    return false;
  }
}

function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended.
  }
}
