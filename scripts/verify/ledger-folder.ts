import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readOrdering } from '../../network/devledger/channel-sealing.js';
import type { PeerLedgerOptions } from '../../network/devledger/commit/open-peer-ledger.js';
import { SignatureCache } from '../../network/devledger/commit/signature-cache.js';
import { DefinitionBook, definitionBookPath } from '../../network/devledger/definition/definition-book.js';
import { DefinitionError } from '../../network/devledger/definition/definition-error.js';
import { type MspDefinition, MspRegistry } from '../../network/devledger/msp.js';
import type { LastingRules } from '../../network/devledger/store/verify-peer.js';
import { IdentitiesError, mspDefinitions } from '../../network/identities/index.js';
import type { LedgerTopology, Topology } from '../../network/topology.js';
import { lockFolder } from '../start/folder-lock.js';
import type { LedgerKind } from '../start/ledger-choice.js';
import { CannotLook } from './cannot-look.js';

/** The parts of a data folder that say what the rest of it has to be. */
export interface LedgerFolder<Channel extends LedgerTopology = Topology> {
  readonly dataDir: string;
  readonly ledger: LedgerKind;
  readonly topology: Channel;
  /** Of the members whose certificates lie in the folder. */
  readonly msps: readonly MspDefinition[];
  readonly rules: LastingRules;
  /** Those that have a peer. */
  readonly peers: readonly Channel['organisations'][number][];
}

/** Nothing can be judged: it is not known by which rules. */
export class DefinitionsUnreadable extends CannotLook {}

/** Where each ledger keeps its peers, and what identities they have. */
const NEEDED: Readonly<Record<LedgerKind, readonly string[]>> = {
  devledger: ['organizations', 'ledger/peers'],
  fabric: ['organizations', 'fabric/nodes'],
};
const LOCK_FILE = 'start.lock';

/** @throws CannotLook when it is no data folder, or its certificates cannot be read */
export async function openLedgerFolder<Channel extends LedgerTopology>(
  dataDir: string,
  topology: Channel,
): Promise<LedgerFolder<Channel>> {
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
      chaincodes: chaincode === undefined ? [] : [chaincode.name],
      definitionsAt: readDefinitions(dataDir),
      ordering: ledger === 'devledger' ? await readSigner(dataDir, topology) : undefined,
      signatures: new SignatureCache(new MspRegistry(msps)),
    },
    peers: topology.organisations.filter(({ peer }) => peer !== undefined),
  };
}

export function peerDirectory(dataDir: string, mspId: string): string {
  return join(dataDir, 'ledger', 'peers', mspId);
}

export function gatewayDirectory(dataDir: string, mspId: string): string {
  return join(dataDir, 'gateways', mspId);
}

/** As the ledger opens this peer's folder. */
export function peerLedgerOptions(
  { dataDir, msps, rules }: LedgerFolder<LedgerTopology>,
  mspId: string,
): PeerLedgerOptions {
  const { signatures: signatureCache, ...channel } = rules;
  return { ...channel, mspId, directory: peerDirectory(dataDir, mspId), msps, signatureCache };
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

/** Definitions of chaincodes that were deployed, by the block that is asked for. */
function readDefinitions(dataDir: string): NonNullable<LastingRules['definitionsAt']> {
  try {
    const book = DefinitionBook.open(definitionBookPath(dataDir));
    return (blockNumber) => book.listAt(blockNumber);
  } catch (cause) {
    if (!(cause instanceof DefinitionError)) throw cause;
    throw new DefinitionsUnreadable(cause.message, { cause });
  }
}

function readMsps(dataDir: string, topology: LedgerTopology): MspDefinition[] {
  try {
    return mspDefinitions(dataDir, topology, { includeOrderer: false });
  } catch (cause) {
    throw unreadableCertificates(dataDir, cause);
  }
}

async function readSigner(dataDir: string, topology: LedgerTopology): Promise<LastingRules['ordering']> {
  try {
    return await readOrdering({ dataDir, topology });
  } catch (cause) {
    if (!(cause instanceof IdentitiesError)) throw cause;
    throw unreadableCertificates(dataDir, cause);
  }
}

function unreadableCertificates(dataDir: string, cause: unknown): CannotLook {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new CannotLook(`The certificates in ${dataDir} cannot be read (${reason}); restore organizations/.`, {
    cause,
  });
}

function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}
