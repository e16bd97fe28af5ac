import type { Topology } from '../../network/topology.js';
import type { NetworkPlace } from '../start/network-plans.js';

/** Where one run has its ports, its data and its certificates. */
export interface BenchPlace extends NetworkPlace {
  readonly topology: Topology;
}
