import { spawn } from 'node:child_process';
import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DefinitionError } from '../definition/definition-error.js';

const TOOL_MS = 10 * 60 * 1000;
const TAIL_CHARACTERS = 4_000;

/**
 * Runs a build step to its end; what it prints goes to a log.
 *
 * @throws DefinitionError CHAINCODE_BUILD_FAILED with the last line it printed
 */
export async function runTool(
  command: readonly [string, ...string[]],
  place: { readonly cwd: string; readonly logPath: string },
): Promise<void> {
  const [program, ...args] = command;
  mkdirSync(dirname(place.logPath), { recursive: true, mode: 0o700 });
  const child = spawn(program, args, { cwd: place.cwd, stdio: ['ignore', 'pipe', 'pipe'], timeout: TOOL_MS });
  let tail = '';
  const keep = (bytes: Buffer) => {
    appendFileSync(place.logPath, bytes, { mode: 0o600 });
    tail = (tail + bytes.toString('utf8')).slice(-TAIL_CHARACTERS);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const status = await new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  if (status === 0) return;
  const last = tail.trim().split('\n').at(-1) ?? '';
  throw new DefinitionError(
    'CHAINCODE_BUILD_FAILED',
    `${command.join(' ')} in ${place.cwd} ended with ${status}: ${last} (log: ${place.logPath}). Mend that, then deploy again.`,
  );
}
