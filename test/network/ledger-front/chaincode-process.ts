import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const FIXTURE = join(process.cwd(), 'test/network/fixtures/ledger-front-chaincode.cjs');

/** A chaincode on the real shim, in a process of its own. */
export interface ChaincodeProcess {
  readonly port: number;
  stop(): Promise<void>;
}

export async function startChaincode(port: number, env: Record<string, string> = {}): Promise<ChaincodeProcess> {
  const child = spawn(process.execPath, [FIXTURE, `127.0.0.1:${port}`], {
    env: {
      PATH: process.env.PATH ?? '',
      // By it the run knows what it has started.
      TMPDIR: tmpdir(),
      // The shim starts its server in a way that a newer grpc-js finds needless.
      NODE_NO_WARNINGS: '1',
      CORE_CHAINCODE_LOGGING_LEVEL: 'error',
      CORE_CHAINCODE_LOGGING_SHIM: 'error',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await listening(child);
  return {
    port,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}

async function listening(child: ChildProcess): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the test chaincode ended with ${code}`)));
    child.stdout?.on('data', (chunk: Buffer) => {
      if (chunk.toString('utf8').includes('listening')) resolve();
    });
  });
}
