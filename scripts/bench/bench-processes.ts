import { join } from 'node:path';
import { LEDGER_NODE_FLAGS } from '../../network/devledger/node-flags.js';
import type { Topology } from '../../network/topology.js';
import { Child } from '../start/child.js';
import { type NetworkPlace, preloadUrl } from '../start/network-plans.js';
import { ProcessLog } from '../start/process-log.js';
import type { ProcessPlan } from '../start/process-plan.js';
import { barePort, type PeerOrganisation } from './bench-ports.js';

/** Processes of one run; all of them end with it. */
export interface BenchProcesses {
  /** @returns its process id, when it serves */
  start(plan: ProcessPlan): Promise<number>;
  stopAll(): Promise<void>;
}

const READY_MS = 30_000;
const STOP_MS = 5_000;

export function benchProcesses({ projectDir, dataDir }: NetworkPlace): BenchProcesses {
  const running: { readonly child: Child; readonly log: ProcessLog }[] = [];
  return {
    start: async (plan) => {
      const log = new ProcessLog(join(dataDir, 'logs', `${plan.name}.log`));
      const child = new Child(plan, preloadUrl(projectDir), log);
      running.push({ child, log });
      await child.whenReady(READY_MS);
      const { pid } = child;
      if (pid === undefined) throw new Error(`invariant failed: ${plan.name} is ready and has a process id`);
      return pid;
    },
    stopAll: async () => {
      await Promise.all(running.splice(0).map(({ child, log }) => child.stop(STOP_MS).then(() => log.close())));
    },
  };
}

/** `plansFile`, where prepared state calls are to be made; `unformatted`: log lines below the level cost nothing. */
export interface BareOptions {
  readonly plansFile?: string;
  readonly unformatted?: boolean;
}

/** The baseline's chaincode for one peer. */
export function barePlan(
  { projectDir }: NetworkPlace,
  topology: Topology,
  { mspId }: PeerOrganisation,
  { plansFile, unformatted = false }: BareOptions = {},
): ProcessPlan {
  const port = barePort(topology, mspId);
  const file = join(projectDir, 'scripts/bench/baseline/bare-chaincode.cjs');
  return {
    name: `bare-${mspId}`,
    title: `the baseline's chaincode for ${mspId}`,
    args: [
      file,
      `127.0.0.1:${port}`,
      ...(plansFile === undefined ? [] : [plansFile]),
      ...(unformatted ? ['unformatted'] : []),
    ],
    cwd: projectDir,
    // As quiet as the product's.
    env: { CORE_CHAINCODE_LOGGING_LEVEL: 'error' },
    readiness: { kind: 'port', port },
  };
}

export function ledgerPlan({ projectDir, dataDir, portBase }: NetworkPlace): ProcessPlan {
  return {
    name: 'ledger',
    title: 'the ledger',
    args: [...LEDGER_NODE_FLAGS, 'dist/scripts/bench/ledger-process.js', dataDir, String(portBase)],
    cwd: projectDir,
    env: {},
    readiness: { kind: 'line', member: 'ready' },
  };
}

export function stubGatewayPlan(
  { projectDir }: NetworkPlace,
  stub: { readonly port: number; readonly certificateFile: string; readonly keyFile: string },
): ProcessPlan {
  return {
    name: 'stub-gateway',
    title: 'the stub of Fabric’s gateway service',
    args: ['dist/scripts/bench/baseline/stub-gateway.js', String(stub.port), stub.certificateFile, stub.keyFile],
    cwd: projectDir,
    env: {},
    readiness: { kind: 'line', member: 'ready' },
  };
}
