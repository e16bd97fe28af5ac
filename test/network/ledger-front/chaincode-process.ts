import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
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

/** Ports that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('not a TCP server');
    return address.port;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

async function listening(child: ChildProcess): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the test chaincode ended with ${code}`)));
    child.stdout?.on('data', (chunk: Buffer) => {
      if (chunk.toString('utf8').includes('listening')) resolve();
    });
  });
}
