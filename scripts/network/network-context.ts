import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { withAddedOrganisations } from '../../network/added-organisations.js';
import {
  type Consensus,
  DEFAULT_PORT_BASE,
  hasGateways,
  type LedgerTopology,
  type Topology,
} from '../../network/topology.js';
import { consortiumTopology, readTopologyFile } from '../../network/topology-file.js';
import { chooseConsensus } from '../start/consensus-choice.js';
import { lockFolder } from '../start/folder-lock.js';
import type { LedgerKind } from '../start/ledger-choice.js';
import { readPlace } from '../start/network-place.js';
import { readRunningFile, RUNNING_FILE } from '../start/running-file.js';
import { StartError } from '../start/start-error.js';
import { chooseTopologyFile } from '../start/topology-choice.js';

/** What every verb is given. */
export interface GivenOptions {
  readonly data: string;
  readonly ledger?: LedgerKind;
  readonly consensus?: Consensus;
  readonly portBase?: number;
  readonly bin?: string;
  readonly topology?: string;
  readonly json: boolean;
}

/** Which network is meant: options first, then how the data folder's network was started last. */
export interface NetworkContext {
  readonly dataDir: string;
  readonly ledger: LedgerKind;
  readonly portBase: number;
  readonly topology: Topology;
  /** Where it comes from, if it is not the one on consecutive ports. */
  readonly topologyFile?: string;
  readonly bin?: string;
  readonly json: boolean;
  readonly say: (line: string) => void;
}

/** A ledger alone, as a topology file without gateways describes it. */
export interface PlainContext {
  readonly dataDir: string;
  readonly topology: LedgerTopology;
  readonly topologyFile: string;
  readonly json: boolean;
  readonly say: (line: string) => void;
}

/**
 * @returns undefined where options and data folder mean the consortium
 * @throws StartError when the options do not go together; TopologyFileError
 */
export function plainContext(given: GivenOptions): PlainContext | undefined {
  const dataDir = resolve(given.data);
  const topologyFile = chooseTopologyFile(dataDir, given.topology);
  if (topologyFile === undefined) return undefined;
  const topology = readTopologyFile(topologyFile);
  if (hasGateways(topology)) return undefined;
  if (given.ledger === 'fabric') {
    throw new StartError(
      'A topology without `medledger` runs on the embedded ledger only; leave --ledger fabric out, or describe the gateways.',
    );
  }
  return { dataDir, topology, topologyFile, json: given.json, say: speaker(given) };
}

/** @throws StartError when the options do not go together; TopologyFileError */
export function networkContext(given: GivenOptions): NetworkContext {
  const dataDir = resolve(given.data);
  const remembered = readPlace(dataDir);
  const portBase = given.portBase ?? remembered?.portBase ?? DEFAULT_PORT_BASE;
  const ledger = given.ledger ?? remembered?.ledger ?? 'devledger';
  const topologyFile = chooseTopologyFile(dataDir, given.topology);
  const consensus = chooseConsensus(dataDir, { ...given, ledger });
  return {
    dataDir,
    ledger,
    portBase,
    topology: withAddedOrganisations(consortiumTopology({ portBase, consensus, file: topologyFile }), dataDir),
    ...(topologyFile === undefined ? {} : { topologyFile }),
    ...(given.bin === undefined ? {} : { bin: given.bin }),
    json: given.json,
    say: speaker(given),
  };
}

/** With --json standard output holds one JSON value and nothing else. */
function speaker({ json }: GivenOptions): (line: string) => void {
  return (line) => (json ? process.stderr : process.stdout).write(`${line}\n`);
}

/** Processes of the network in the folder, by name; empty when none runs. */
export function runningProcesses(dataDir: string): Readonly<Record<string, number>> {
  if (!existsSync(join(dataDir, RUNNING_FILE)) || !isHeld(dataDir)) return {};
  return readRunningFile(dataDir);
}

/** Whether a network runs on the folder, or is just starting or stopping. */
export function isHeld(dataDir: string): boolean {
  if (!existsSync(join(dataDir, 'start.lock'))) return false;
  const lock = lockFolder(dataDir);
  lock?.release();
  return lock === undefined;
}
