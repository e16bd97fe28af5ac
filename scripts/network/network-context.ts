import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Consensus, DEFAULT_PORT_BASE, localTopology, type Topology } from '../../network/topology.js';
import { chooseConsensus } from '../start/consensus-choice.js';
import { lockFolder } from '../start/folder-lock.js';
import type { LedgerKind } from '../start/ledger-choice.js';
import { readPlace } from '../start/network-place.js';
import { readRunningFile, RUNNING_FILE } from '../start/running-file.js';

/** What every verb is given. */
export interface GivenOptions {
  readonly data: string;
  readonly ledger?: LedgerKind;
  readonly consensus?: Consensus;
  readonly portBase?: number;
  readonly bin?: string;
  readonly json: boolean;
}

/** Which network is meant: options first, then how the data folder's network was started last. */
export interface NetworkContext {
  readonly dataDir: string;
  readonly ledger: LedgerKind;
  readonly portBase: number;
  readonly topology: Topology;
  readonly bin?: string;
  readonly json: boolean;
  readonly say: (line: string) => void;
}

/** @throws StartError when the options do not go together */
export function networkContext(given: GivenOptions): NetworkContext {
  const dataDir = resolve(given.data);
  const remembered = readPlace(dataDir);
  const portBase = given.portBase ?? remembered?.portBase ?? DEFAULT_PORT_BASE;
  const ledger = given.ledger ?? remembered?.ledger ?? 'devledger';
  return {
    dataDir,
    ledger,
    portBase,
    topology: localTopology(portBase, chooseConsensus(dataDir, { ...given, ledger })),
    ...(given.bin === undefined ? {} : { bin: given.bin }),
    json: given.json,
    // With --json standard output holds one JSON value and nothing else.
    say: (line) => (given.json ? process.stderr : process.stdout).write(`${line}\n`),
  };
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
