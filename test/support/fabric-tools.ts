import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { findBinaries } from '../../network/fabric/binaries.js';
import { type PeerOrganisation, peerOrganisations } from '../../network/fabric/members.js';
import { adminEnvironment } from '../../network/fabric/peer-commands.js';
import { type CommandResult, run, runOrFail } from '../../network/fabric/run-command.js';
import { nodeStoreFolder } from '../../network/fabric/store/store-paths.js';
import type { Topology } from '../../network/topology.js';

/** Fabric's own tools, for comparing what they say with what we say. */

interface Place {
  readonly dataDir: string;
  readonly topology: Topology;
}

const SNAPSHOT_MS = 20_000;
const POLL_MS = 100;

export function organisationWithPeer({ topology }: Place, mspId: string): PeerOrganisation {
  const found = peerOrganisations(topology).find((organisation) => organisation.mspId === mspId);
  if (found === undefined) throw new Error(`${mspId} has no peer`);
  return found;
}

/** Has a running peer make a snapshot of its state as of its newest block. @returns its folder */
export async function peerSnapshot(place: Place, mspId: string): Promise<string> {
  const { dataDir, topology } = place;
  const organisation = organisationWithPeer(place, mspId);
  const env = adminEnvironment(dataDir, organisation);
  const completed = join(nodeStoreFolder(dataDir, organisation.peer.host), 'snapshots', 'completed', topology.channel);
  const before = listed(completed);
  await runOrFail({
    program: tool('peer'),
    args: [
      ...['snapshot', 'submitrequest', '--channelID', topology.channel, '--blockNumber', '0'],
      ...['--peerAddress', env.CORE_PEER_ADDRESS ?? '', '--tlsRootCertFile', env.CORE_PEER_TLS_ROOTCERT_FILE ?? ''],
    ],
    env,
  });
  const untilMs = Date.now() + SNAPSHOT_MS;
  for (;;) {
    const made = listed(completed).find((name) => !before.includes(name));
    if (made !== undefined) return join(completed, made);
    if (Date.now() > untilMs) throw new Error(`${mspId} made no snapshot`);
    await wait(POLL_MS);
  }
}

/** 0: the same; 2: they differ; anything else: it could not compare. */
export function ledgerutilCompare(left: string, right: string): Promise<CommandResult> {
  return inTemporaryFolder((folder) =>
    run({ program: tool('ledgerutil'), args: ['compare', left, right, '--outputDir', folder], env: {} }),
  );
}

/** 0: the blocks are as their hashes say. Works on a copy: the tool writes into the store that it opens. */
export function ledgerutilVerify(dataDir: string, host: string): Promise<CommandResult> {
  return inTemporaryFolder((folder) => {
    const store = join(folder, 'store');
    cpSync(nodeStoreFolder(dataDir, host), store, { recursive: true });
    return run({ program: tool('ledgerutil'), args: ['verify', store, '--outputDir', folder], env: {} });
  });
}

async function inTemporaryFolder<T>(action: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'ledgerutil-'));
  try {
    return await action(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function tool(name: string): string {
  const binaries = findBinaries({ env: process.env, downloaded: '' });
  if (binaries === undefined) throw new Error('set FABRIC_BIN');
  return join(binaries.folder, name);
}

function listed(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
