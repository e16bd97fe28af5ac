import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const CHAINCODE = join(process.cwd(), 'test/conformance/conformance-chaincode.cjs');

/** Where one peer's chaincode listens, and the package id it registers under. */
export interface ChaincodePlace {
  readonly mspId: string;
  readonly port: number;
  readonly packageId: string;
  /** Folder with its certificate, key and authority; without TLS where left out. */
  readonly tlsFolder?: string;
}

/** The conformance chaincode, one process for each peer. */
export class ChaincodeProcesses {
  readonly #places: readonly ChaincodePlace[];
  readonly #children = new Map<string, ChildProcess>();

  constructor(places: readonly ChaincodePlace[]) {
    this.#places = places;
  }

  async startAll(): Promise<void> {
    await Promise.all(this.#places.map(({ mspId }) => this.start(mspId)));
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.#places.map(({ mspId }) => this.stop(mspId)));
  }

  async start(mspId: string): Promise<void> {
    const place = this.#places.find((candidate) => candidate.mspId === mspId);
    if (place === undefined) throw new Error(`${mspId} has no chaincode.`);
    const child = spawn(process.execPath, [CHAINCODE, `127.0.0.1:${place.port}`, place.packageId, mspId], {
      env: {
        PATH: process.env.PATH ?? '',
        ...(place.tlsFolder === undefined ? {} : { CHAINCODE_TLS: place.tlsFolder }),
        CORE_CHAINCODE_LOGGING_LEVEL: 'critical',
        CORE_CHAINCODE_LOGGING_SHIM: 'critical',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#children.set(mspId, child);
    await new Promise<void>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`the chaincode of ${mspId} ended with ${code}`)));
      child.stdout?.on('data', () => resolve());
    });
  }

  async stop(mspId: string): Promise<void> {
    const child = this.#children.get(mspId);
    this.#children.delete(mspId);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
}
