import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SCRIPTS = fileURLToPath(new URL('../../dist/scripts/', import.meta.url));

export interface VerbEnded {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `npm run network -- …` to its end. */
export function runVerb(...args: readonly string[]): Promise<VerbEnded> {
  return runScript('network', ...args);
}

/** `npm run <name> -- …` to its end. */
export function runScript(name: string, ...args: readonly string[]): Promise<VerbEnded> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(SCRIPTS, `${name}.js`), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
}

/** @throws Error with what it said, unless it ends well */
export async function verbJson<T>(...args: readonly string[]): Promise<T> {
  const { status, stdout, stderr } = await runVerb(...args, '--json');
  if (status !== 0) throw new Error(`network ${args.join(' ')}: ${stderr}`);
  return JSON.parse(stdout) as T;
}
