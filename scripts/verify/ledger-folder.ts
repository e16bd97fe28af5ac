import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { PeerLedgerOptions } from '../../network/devledger/commit/open-peer-ledger.js';
import { SignatureCache } from '../../network/devledger/commit/signature-cache.js';
import type { ValidationRules } from '../../network/devledger/commit/validate-block.js';
import { type MspDefinition, MspRegistry } from '../../network/devledger/msp.js';
import { mspDefinitions } from '../../network/identities/index.js';
import type { Organisation, Topology } from '../../network/topology.js';
import { lockFolder } from '../start/folder-lock.js';
import type { LedgerKind } from '../start/ledger-choice.js';
import { CannotLook } from './cannot-look.js';

/** The parts of a data folder that say what the rest of it has to be. */
export interface LedgerFolder {
  readonly dataDir: string;
  readonly ledger: LedgerKind;
  readonly topology: Topology;
  /** Of the members whose certificates lie in the folder. */
  readonly msps: readonly MspDefinition[];
  readonly rules: ValidationRules;
  /** Those that have a peer. */
  readonly peers: readonly Organisation[];
}

/** Where each ledger keeps its peers, and what identities they have. */
const NEEDED: Readonly<Record<LedgerKind, readonly string[]>> = {
  devledger: ['organizations', 'ledger/peers'],
  fabric: ['organizations', 'fabric/nodes'],
};
const LOCK_FILE = 'start.lock';

/** @throws CannotLook when it is no data folder, or its certificates cannot be read */
export function openLedgerFolder(dataDir: string, topology: Topology): LedgerFolder {
  if (!existsSync(dataDir)) throw new CannotLook(`There is no folder ${dataDir}; name the data folder with --data.`);
  const ledger = isFolder(join(dataDir, 'fabric')) ? 'fabric' : 'devledger';
  const missing = NEEDED[ledger].find((part) => !isFolder(join(dataDir, part)));
  if (missing !== undefined)
    throw new CannotLook(
      `${dataDir} has no folder ${missing}: name the data folder of a network that was started once, or restore that folder from a backup.`,
    );
  const msps = readMsps(dataDir, topology);
  const { channel, chaincode, endorsementsNeeded: needed } = topology;
  const endorsers = topology.organisations.filter(({ endorses }) => endorses).map(({ mspId }) => mspId);
  return {
    dataDir,
    ledger,
    topology,
    msps,
    rules: {
      channel,
      policy: { endorsers, needed },
      chaincodes: [chaincode.name],
      signatures: new SignatureCache(new MspRegistry(msps)),
    },
    peers: topology.organisations.filter(({ peer }) => peer !== undefined),
  };
}

export function peerDirectory(dataDir: string, mspId: string): string {
  return join(dataDir, 'ledger', 'peers', mspId);
}

export function ordererDirectory(dataDir: string): string {
  return join(dataDir, 'ledger', 'orderer');
}

export function gatewayDirectory(dataDir: string, mspId: string): string {
  return join(dataDir, 'gateways', mspId);
}

/** As the ledger opens this peer's folder. */
export function peerLedgerOptions({ dataDir, msps, rules }: LedgerFolder, mspId: string): PeerLedgerOptions {
  const { channel, policy, chaincodes, signatures: signatureCache } = rules;
  return { mspId, directory: peerDirectory(dataDir, mspId), channel, policy, msps, signatureCache, chaincodes };
}

/**
 * Does something while no network can be started on the folder.
 *
 * @throws CannotLook when one is running
 */
export async function whileStopped<T>(dataDir: string, action: () => Promise<T>): Promise<T> {
  const lock = lockFolder(dataDir);
  if (lock === undefined) throw new CannotLook(`A network is running on ${dataDir}: stop it first.`);
  try {
    return await action();
  } finally {
    lock.release();
  }
}

/** Whether `npm start` has the folder in use at this moment. */
export function isRunning(dataDir: string): boolean {
  // Asking makes the file, and looking must change nothing.
  if (!existsSync(join(dataDir, LOCK_FILE))) return false;
  const lock = lockFolder(dataDir);
  lock?.release();
  return lock === undefined;
}

function readMsps(dataDir: string, topology: Topology): MspDefinition[] {
  try {
    return mspDefinitions(dataDir, topology, { includeOrderer: false });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CannotLook(`The certificates in ${dataDir} cannot be read (${reason}); restore organizations/.`, {
      cause,
    });
  }
}

function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}
