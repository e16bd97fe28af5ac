import { join } from 'node:path';
import { bringUpChannel } from '../../network/fabric/bring-up.js';
import { chaincodePackage } from '../../network/fabric/chaincode-package.js';
import { prepareNetwork } from '../../network/fabric/prepare-network.js';
import type { Topology } from '../../network/topology.js';
import { DEVLEDGER } from '../start/ledger-choice.js';
import { untilServing } from '../start/ledger-view.js';
import { chaincodePlans, networkPlans } from '../start/network-plans.js';
import type { ProcessPlan } from '../start/process-plan.js';
import { runningFile } from '../start/running-file.js';
import type { BenchPlace } from './bench-place.js';
import { BARE_CHAINCODE, barePort, withPeer } from './bench-ports.js';
import { type BenchProcesses, barePlan, ledgerPlan } from './bench-processes.js';

/** Process ids of a running ledger. */
export interface LedgerPids {
  /** By name, e.g. `ledger`, `orderer2`, `peer-government`. */
  readonly ledger: Readonly<Record<string, number>>;
  readonly chaincode: readonly number[];
  /** The baseline's chaincode. */
  readonly bare: readonly number[];
}

/**
 * Starts the ledger of the place with the product's chaincode and the baseline's. It takes transactions when this
 * resolves.
 */
export async function startBenchLedger(place: BenchPlace, processes: BenchProcesses): Promise<LedgerPids> {
  const { ledger = DEVLEDGER } = place;
  return ledger.kind === 'fabric' ? startFabric(place, processes) : startEmbedded(place, processes);
}

async function startEmbedded(place: BenchPlace, processes: BenchProcesses): Promise<LedgerPids> {
  const { topology } = place;
  const [chaincode, bare] = await Promise.all([
    startAll(processes, chaincodePlans(place, topology)),
    startBareChaincodes(place, processes),
  ]);
  return { chaincode, bare, ledger: { ledger: await processes.start(ledgerPlan(place)) } };
}

/** The baseline's chaincode for each peer. @returns their process ids */
export function startBareChaincodes(place: BenchPlace, processes: BenchProcesses): Promise<number[]> {
  const plans = withPeer(place.topology).map((organisation) => barePlan(place, place.topology, organisation));
  return startAll(processes, plans);
}

async function startFabric(place: BenchPlace, processes: BenchProcesses): Promise<LedgerPids> {
  const { topology, dataDir, ledger } = place;
  if (ledger?.kind !== 'fabric') throw new Error('invariant failed: the place is of Fabric');
  const fabric = { topology, dataDir, binaries: ledger.binaries };
  const bareTopology = topologyOfBare(topology);
  await prepareNetwork(fabric);
  const [guard, ...nodes] = networkPlans(place).ledger;
  const bares = withPeer(bareTopology).map((organisation) => {
    const plan = barePlan(place, topology, organisation);
    const named = join(place.projectDir, 'scripts/bench/baseline/name-by-package.cjs');
    const env = { ...plan.env, BARE_PACKAGE_ID: chaincodePackage(bareTopology, organisation.peer).id };
    return { ...plan, args: ['--require', named, ...plan.args], env };
  });
  const [pids, chaincode, bare] = await Promise.all([
    startAll(processes, nodes),
    startAll(processes, chaincodePlans(place, topology)),
    startAll(processes, bares),
  ]);
  const byName = Object.fromEntries(nodes.map(({ name }, index) => [name, pids[index] ?? 0]));
  // The guard ends the nodes when this process is killed: it knows them by this file.
  runningFile(dataDir).write(byName);
  if (guard !== undefined) await processes.start(guard);
  const atOnce = <T>(_what: string, work: () => Promise<T>): Promise<T> => work();
  await bringUpChannel(fabric, atOnce);
  await bringUpChannel({ ...fabric, topology: bareTopology }, atOnce);
  await untilServing(topology, dataDir);
  return { ledger: byName, chaincode, bare };
}

/** The same network with the baseline's chaincode in the place of the product's. */
function topologyOfBare(topology: Topology): Topology {
  const organisations = topology.organisations.map((organisation) => {
    const { peer, mspId } = organisation;
    return peer === undefined
      ? organisation
      : { ...organisation, peer: { ...peer, chaincodePort: barePort(topology, mspId) } };
  });
  return { ...topology, chaincode: { name: BARE_CHAINCODE, version: '1.0' }, organisations };
}

function startAll(processes: BenchProcesses, plans: readonly ProcessPlan[]): Promise<number[]> {
  return Promise.all(plans.map((plan) => processes.start(plan)));
}
