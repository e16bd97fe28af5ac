import { execFile } from 'node:child_process';
import { basename } from 'node:path';
import { FabricError } from './fabric-error.js';

export interface Command {
  /** Path of the binary. */
  readonly program: string;
  readonly args: readonly string[];
  /** The whole environment but for PATH and HOME: nothing that the shell has set for other networks gets through. */
  readonly env: Readonly<Record<string, string>>;
  readonly deadlineMs?: number;
}

export interface CommandResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

const DEADLINE_MS = 60_000;
const OUTPUT_MAX_BYTES = 16 * 1024 * 1024;

/**
 * Runs one of Fabric's tools to its end.
 *
 * @returns also when it failed; see `runOrFail`
 * @throws FabricError FABRIC_COMMAND_FAILED when it cannot be started or does not end in time
 */
export function run(command: Command): Promise<CommandResult> {
  const { program, args, env, deadlineMs = DEADLINE_MS } = command;
  const { PATH = '', HOME = '' } = process.env;
  return new Promise((resolve, reject) => {
    const options = { env: { PATH, HOME, ...env }, timeout: deadlineMs, maxBuffer: OUTPUT_MAX_BYTES };
    execFile(program, [...args], options, (error, stdout, stderr) => {
      if (error === null) resolve({ status: 0, stdout, stderr });
      else if (typeof error.code === 'number') resolve({ status: error.code, stdout, stderr });
      else reject(new FabricError('FABRIC_COMMAND_FAILED', `${title(command)} ${endOf(error)}`, { cause: error }));
    });
  });
}

/** @throws FabricError FABRIC_COMMAND_FAILED with the last thing the tool said */
export async function runOrFail(command: Command): Promise<CommandResult> {
  const result = await run(command);
  if (result.status === 0) return result;
  throw commandFailed(command, result);
}

export function commandFailed(command: Command, { status, stderr, stdout }: CommandResult): FabricError {
  return new FabricError(
    'FABRIC_COMMAND_FAILED',
    `${title(command)} ended with ${status}: ${lastLine(stderr) ?? lastLine(stdout) ?? 'it said nothing'}`,
  );
}

/** `peer lifecycle chaincode install`: the words before the first option. */
function title({ program, args }: Command): string {
  const option = args.findIndex((argument) => argument.startsWith('-'));
  return [basename(program), ...args.slice(0, option < 0 ? args.length : option)].join(' ');
}

function endOf({ killed, code, message }: { killed?: boolean; code?: unknown; message: string }): string {
  if (killed === true) return 'did not end in time';
  return `could not be run (${typeof code === 'string' ? code : message})`;
}

function lastLine(text: string): string | undefined {
  return text
    .trimEnd()
    .split('\n')
    .findLast((line) => line.trim() !== '');
}
