import { FabricError } from '../../network/fabric/fabric-error.js';
import { isReady, type Readiness } from '../start/readiness.js';
import { type NetworkContext, runningProcesses } from './network-context.js';
import { until } from './until.js';

const END_MS = 30_000;
const SERVING_MS = 60_000;

/** What another process runs for the network of this folder, seen and told by its signals. */
export interface RunningSupervisor {
  /** Ids now, by name. */
  processes(): Readonly<Record<string, number>>;
  /** Has it start what was stopped and what was added. */
  start(): void;
  /** Ends one process in order; it stays down until `start`. Does nothing where it does not run. */
  stop(name: string): Promise<void>;
  /** Until the process runs and serves. */
  untilServing(name: string, readiness: Exclude<Readiness, { kind: 'line' }>): Promise<void>;
}

/** @throws FabricError NETWORK_NOT_RUNNING */
export function runningSupervisor({ dataDir }: Pick<NetworkContext, 'dataDir'>): RunningSupervisor {
  const processes = () => runningProcesses(dataDir);
  const { supervisor } = processes();
  if (supervisor === undefined) {
    throw new FabricError(
      'NETWORK_NOT_RUNNING',
      `no network runs on ${dataDir}; bring it up first with \`npm start\` or \`npm run network -- up\`.`,
    );
  }
  return {
    processes,
    start: () => {
      process.kill(supervisor, 'SIGUSR2');
    },
    stop: async (name) => {
      const pid = processes()[name];
      if (pid === undefined) return;
      process.kill(pid, 'SIGTERM');
      await until(() => processes()[name] !== pid, END_MS, `${name} does not end; end process ${pid}.`);
    },
    untilServing: (name, readiness) =>
      until(
        async () => processes()[name] !== undefined && (await isReady(readiness)),
        SERVING_MS,
        `${name} does not serve; see logs/${name}.log in ${dataDir}.`,
      ),
  };
}
