import { join } from 'node:path';
import type { Topology } from '../../network/topology.js';
import type { NetworkPlace } from '../start/network-plans.js';

/** Where one run has its ports, its data and its certificates. */
export interface BenchPlace extends NetworkPlace {
  readonly topology: Topology;
}

/** Where the ledger's process puts its profile. */
export function profileFile(dataDir: string): string {
  return join(dataDir, 'ledger.cpuprofile');
}
