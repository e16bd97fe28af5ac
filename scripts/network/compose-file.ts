import { basename } from 'node:path';
import { FABRIC_VERSION } from '../../network/fabric/binaries.js';
import type { NetworkPlans } from '../start/network-plans.js';
import type { ProcessPlan } from '../start/process-plan.js';

/** One service of a compose file, as far as this project writes it. */
export interface ComposeService {
  readonly image: string;
  readonly command: readonly string[];
  readonly working_dir: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly network_mode: 'host';
  readonly user: string;
  readonly init: true;
  readonly restart: 'unless-stopped';
  readonly stop_grace_period: string;
  readonly volumes: readonly ComposeVolume[];
  readonly depends_on?: readonly string[];
}

export interface ComposeVolume {
  readonly type: 'bind';
  readonly source: string;
  readonly target: string;
  readonly read_only: boolean;
}

export interface ComposeFile {
  readonly name: string;
  readonly services: Readonly<Record<string, ComposeService>>;
}

export interface ComposeInput {
  readonly plans: NetworkPlans;
  readonly name: string;
  readonly dataDir: string;
  readonly projectDir: string;
  /** Of Node, e.g. `24.21.0`: the version that the project is run with otherwise. */
  readonly nodeVersion: string;
  /** Folders outside the data folder that Fabric's nodes read. */
  readonly furtherFolders: readonly string[];
  /** `uid:gid` that the data belong to. */
  readonly user: string;
}

/** Not a process of the network: it ends the others where nobody else would, which here is Docker's affair. */
const GUARD = 'guard';
const STOP_GRACE = '30s';

/**
 * The processes of a network as services of containers, in official images: the same programs, arguments and
 * configuration. Paths within are those without, and the network is the machine's, so that a data folder can go from one
 * to the other.
 *
 * @see https://github.com/compose-spec/compose-spec/blob/main/spec.md
 */
export function composeFile(input: ComposeInput): ComposeFile {
  const { chaincode, ledger, gateways } = input.plans;
  const nodes = ledger.filter(({ name }) => name !== GUARD);
  const named = (plans: readonly ProcessPlan[], after: readonly ProcessPlan[]) =>
    plans.map((plan) => [plan.name, serviceOf(plan, after, input)] as const);
  return {
    name: input.name,
    services: Object.fromEntries([
      ...named(chaincode, []),
      ...named(nodes, []),
      ...named(gateways, [...chaincode, ...nodes]),
    ]),
  };
}

function serviceOf(plan: ProcessPlan, after: readonly ProcessPlan[], input: ComposeInput): ComposeService {
  const { program, args, cwd, env } = plan;
  const { dataDir, projectDir, nodeVersion, furtherFolders, user } = input;
  const tool = program === undefined ? undefined : basename(program);
  const readOnly = tool === undefined ? [projectDir] : furtherFolders;
  return {
    image: tool === undefined ? `node:${nodeVersion}-slim` : `hyperledger/fabric-${tool}:${FABRIC_VERSION}`,
    command: [tool ?? 'node', ...args],
    working_dir: cwd,
    environment: env,
    network_mode: 'host',
    user,
    init: true,
    restart: 'unless-stopped',
    stop_grace_period: STOP_GRACE,
    volumes: [
      { type: 'bind', source: dataDir, target: dataDir, read_only: false },
      ...readOnly.map((folder) => ({ type: 'bind' as const, source: folder, target: folder, read_only: true })),
    ],
    ...(after.length === 0 ? {} : { depends_on: after.map(({ name }) => name) }),
  };
}
