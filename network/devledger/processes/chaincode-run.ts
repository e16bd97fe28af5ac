import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { DialInClient, DialInTls } from '../../identities/index.js';
import { ChaincodeConnection } from '../chaincode/chaincode-connection.js';
import { DeployedChaincode } from '../chaincode/deployed-chaincode.js';
import { DialInChaincode } from '../chaincode/dial-in.js';
import { DefinitionError } from '../definition/definition-error.js';
import { buildChaincode, type ChaincodeCommand } from './chaincode-folder.js';
import { ChaincodeProcess } from './chaincode-process.js';
import type { RunEntry } from './run-list.js';

/** The peers that run it. */
export interface RunPlace {
  readonly dataDir: string;
  readonly peers: readonly {
    readonly mspId: string;
    readonly host: string;
    /** host:port that a chaincode dials in to. */
    readonly supportAddress: string;
    /** Of what dials in there; plain where left out. */
    readonly dialInTls?: DialInTls;
  }[];
  readonly log: Logger;
}

type PeerPlace = RunPlace['peers'][number];

interface BuiltRun {
  /** Undefined for one that somebody else runs. */
  readonly command: ChaincodeCommand | undefined;
  /** By MSP id, for the case that it is a service. */
  readonly servicePorts: ReadonlyMap<string, number>;
  /** By MSP id, where it dials in with TLS. */
  readonly clients: ReadonlyMap<string, DialInClient>;
}

/** From a start to REGISTER; npm and a TypeScript chaincode take a few seconds on a busy machine. */
const READY_MS = 60_000;
const LOOK_MS = 250;
/** A chaincode that has ended so often does not start by itself. */
const ENDS_MAX = 3;
const LOOPBACK = '127.0.0.1';

/** One chaincode as it is run for every endorsing peer: where a folder was given, a process for each. */
export class ChaincodeRun {
  /** What it registers as. */
  readonly packageId: string;
  readonly #entry: RunEntry;
  readonly #place: RunPlace;
  readonly #command: ChaincodeCommand | undefined;
  readonly #servicePorts: ReadonlyMap<string, number>;
  readonly #clients: ReadonlyMap<string, DialInClient>;
  readonly #runtimes = new Map<string, DeployedChaincode>();
  readonly #processes: ChaincodeProcess[] = [];

  private constructor(entry: RunEntry, place: RunPlace, built: BuiltRun) {
    this.#entry = entry;
    this.#place = place;
    this.#command = built.command;
    this.#servicePorts = built.servicePorts;
    this.#clients = built.clients;
    this.packageId = packageIdOf(entry);
    for (const peer of place.peers) this.#runtimes.set(peer.mspId, this.#runtimeFor(peer));
  }

  /** @throws DefinitionError DEFINITION_INVALID, CHAINCODE_BUILD_FAILED */
  static async prepare(
    entry: RunEntry,
    place: RunPlace,
    options: { readonly isBuilt: boolean },
  ): Promise<ChaincodeRun> {
    const { folder, name, version } = entry;
    const clients = await clientsOf(place, packageIdOf(entry));
    if (folder === undefined) {
      return new ChaincodeRun(entry, place, { command: undefined, servicePorts: new Map(), clients });
    }
    const command = await buildChaincode({
      ...options,
      folder,
      outputDir: join(place.dataDir, 'ledger', 'chaincodes', `${name}_${version}`),
      logPath: join(place.dataDir, 'logs', `chaincode-${name}-build.log`),
    });
    const ports = await freePorts(place.peers.length);
    const servicePorts = new Map(place.peers.map(({ mspId }, index) => [mspId, ports[index] ?? 0]));
    return new ChaincodeRun(entry, place, { command, servicePorts, clients });
  }

  runtime(mspId: string): DeployedChaincode | undefined {
    return this.#runtimes.get(mspId);
  }

  /** @throws Error the organisation endorses nothing */
  runtimeOf(mspId: string): DeployedChaincode {
    const runtime = this.#runtimes.get(mspId);
    if (runtime === undefined) throw new Error(`invariant failed: ${mspId} runs ${this.#entry.name}`);
    return runtime;
  }

  start(): void {
    const command = this.#command;
    if (command === undefined) return;
    for (const peer of this.#place.peers) this.#processes.push(this.#launch(command, peer));
  }

  /**
   * Waits for a chaincode that we run ourselves; somebody else's may come whenever it likes.
   *
   * @throws DefinitionError CHAINCODE_EXITED, CHAINCODE_NOT_READY
   */
  async requireReady(): Promise<void> {
    if (this.#command === undefined) return;
    const untilMs = Date.now() + READY_MS;
    for (const [mspId, runtime] of this.#runtimes) {
      while (!(await runtime.whenReady(LOOK_MS))) this.#requireHope(mspId, untilMs);
    }
  }

  /** One that ends again and again before it was ever ready is not waited for. */
  #requireHope(mspId: string, untilMs: number): void {
    const { name } = this.#entry;
    const logs = `${join(this.#place.dataDir, 'logs')}/chaincode-${name}-*.log`;
    const ended = this.#processes.map(({ ends }) => ends).find((ends) => (ends?.times ?? 0) >= ENDS_MAX);
    if (ended !== undefined) {
      throw new DefinitionError(
        'CHAINCODE_EXITED',
        `${name} ended ${ended.times} times before it registered (${ended.how}): ${ended.words || 'it said nothing'} ` +
          `(logs: ${logs}). Mend that, then deploy again.`,
      );
    }
    if (Date.now() < untilMs) return;
    throw new DefinitionError(
      'CHAINCODE_NOT_READY',
      `${name} runs, and has not registered with the peer of ${mspId} within ${READY_MS / 1000} s; see that it calls ` +
        `the shim's start (or listens at CHAINCODE_SERVER_ADDRESS), read ${logs}, and deploy again.`,
    );
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((running) => running.stop()));
    for (const runtime of this.#runtimes.values()) runtime.stop();
  }

  /** MSP ids of the peers with which it is not registered at the moment. */
  missingAt(): readonly string[] {
    return [...this.#runtimes].flatMap(([mspId, runtime]) => (runtime.isReady() ? [] : [mspId]));
  }

  #runtimeFor({ mspId }: PeerPlace): DeployedChaincode {
    const { name: chaincodeName, address, service: given } = this.#entry;
    const log = this.#place.log.child({ peer: mspId, chaincode: chaincodeName });
    const client = this.#clients.get(mspId);
    const dialIn = new DialInChaincode({
      chaincodeName,
      packageId: this.packageId,
      log,
      ...(client === undefined ? {} : { certificateDer: client.certificateDer }),
    });
    const servicePort = this.#servicePorts.get(mspId);
    const own = address ?? (servicePort === undefined ? undefined : `${LOOPBACK}:${servicePort}`);
    const service = given ?? (own === undefined ? undefined : { address: own });
    if (service === undefined) return new DeployedChaincode({ dialIn });
    return new DeployedChaincode({ dialIn, connection: new ChaincodeConnection({ chaincodeName, ...service, log }) });
  }

  #launch(command: ChaincodeCommand, { mspId, host, supportAddress }: PeerPlace): ChaincodeProcess {
    const { name } = this.#entry;
    return new ChaincodeProcess({
      program: command.program,
      args: command.args(supportAddress),
      cwd: command.cwd,
      env: {
        // As Fabric's own launcher sets them.
        CORE_CHAINCODE_ID_NAME: this.packageId,
        CORE_PEER_LOCALMSPID: mspId,
        CORE_PEER_TLS_ENABLED: 'false',
        ...this.#clients.get(mspId)?.env,
        CORE_PEER_ADDRESS: supportAddress,
        // For those that are services; the names are those of the samples.
        CHAINCODE_SERVER_ADDRESS: `${LOOPBACK}:${this.#servicePorts.get(mspId)}`,
        CHAINCODE_ID: this.packageId,
        CORE_CHAINCODE_ID: this.packageId,
      },
      logPath: join(this.#place.dataDir, 'logs', `chaincode-${name}-${host}.log`),
      log: this.#place.log.child({ peer: mspId, chaincode: name }),
    });
  }
}

async function clientsOf({ peers }: RunPlace, packageId: string): Promise<ReadonlyMap<string, DialInClient>> {
  const clients = new Map<string, DialInClient>();
  for (const { mspId, dialInTls } of peers) {
    if (dialInTls !== undefined) clients.set(mspId, await dialInTls.clientFor(packageId));
  }
  return clients;
}

/**
 * Fabric's form is label:hash of the package. Without a package of our making it is what `peer` in development mode
 * expects, name:version, so that a chaincode may be started by hand.
 */
function packageIdOf({ name, version, sequence, folder }: RunEntry): string {
  if (folder === undefined) return `${name}:${version}`;
  return `${name}_${version}:${createHash('sha256').update(`${name}\n${version}\n${sequence}`).digest('hex')}`;
}

/** Ports that were free a moment ago. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listenAnywhere));
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function listenAnywhere(): Promise<ReturnType<typeof createServer>> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, LOOPBACK, () => resolve(server));
  });
}
