import { resolve } from 'node:path';
import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';
import { Command, InvalidArgumentError } from 'commander';
import { pino } from 'pino';
import { DEFAULT_PORT_BASE, hasGateways, localTopology, PORTS_PER_NETWORK } from '../topology.js';
import { readTopologyFile } from '../topology-file.js';
import { type DevLedger, startDevLedger } from './dev-ledger.js';
import { startControlServer } from './operations/control-server.js';
import { messageOf } from './services/rpc-error.js';

const PORT_MIN = 1_024;
const PORT_MAX = 65_535;

interface MainOptions {
  readonly data: string;
  readonly portBase: number;
  readonly topology?: string;
  readonly logLevel: string;
}

const program = new Command('devledger')
  .description(
    'The embedded ledger: an orderer and a peer for each organisation, over Fabric’s gRPC protocols. ' +
      'Prints one JSON line with "ready": true when it serves; logs are JSON lines too.',
  )
  .requiredOption('--data <dir>', 'data folder; that of a consortium has its certificates already')
  .option('--port-base <port>', 'first port of the network', parsePortBase, DEFAULT_PORT_BASE)
  .option('--topology <file>', 'another network than that of the consortium; see docs/topology.md')
  .option('--log-level <level>', 'trace, debug, info, warn, error or silent', 'info')
  .action(run);

// grpc-js writes lines of its own to stderr, also for what is reported here in a sentence.
setLogVerbosity(logVerbosity.NONE);
await program.parseAsync();

async function run(options: MainOptions): Promise<void> {
  const log = pino({ level: options.logLevel, base: { service: 'devledger' } });
  // Before anything else: a signal that comes while the ledger starts, or right after it said it is ready, is to end
  // it as cleanly as a later one.
  const asked = stopSignal();
  try {
    const topology =
      options.topology === undefined ? localTopology(options.portBase) : readTopologyFile(options.topology);
    const dataDir = resolve(options.data);
    // Those of a consortium are made by whoever starts its other processes, which need them too.
    const makeIdentities = !hasGateways(topology);
    const ledger = await startDevLedger({ topology, dataDir, log, makeIdentities, operations: true });
    const control = await startControlServer(dataDir, ledger);
    process.stdout.write(`${JSON.stringify(readiness(ledger))}\n`);
    await asked;
    await control.stop();
    await ledger.stop();
    log.info('stopped');
  } catch (error) {
    log.debug({ err: error }, 'failed');
    process.stderr.write(`${messageOf(error)}\n`);
    process.exitCode = 1;
  }
}

function readiness({ endpoints, orderer, setAside }: DevLedger): object {
  return { ready: true, endpoints, orderer, setAside: Object.fromEntries(setAside) };
}

/** Resolves at the first SIGINT or SIGTERM; whoever sends a second one does not want to wait. */
function stopSignal(): Promise<void> {
  return new Promise((resolveSignal) => {
    let asked = false;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        if (asked) process.exit(1);
        asked = true;
        resolveSignal();
      });
    }
  });
}

function parsePortBase(value: string): number {
  const port = Number(value);
  if (!Number.isInteger(port) || port < PORT_MIN || port > PORT_MAX - PORTS_PER_NETWORK) {
    throw new InvalidArgumentError(`a number from ${PORT_MIN} to ${PORT_MAX - PORTS_PER_NETWORK}`);
  }
  return port;
}
