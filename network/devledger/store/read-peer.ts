import { blocksDirectory, stateDirectory } from '../commit/open-peer-ledger.js';
import type { Version } from '../peer-ledger.js';
import { FrameFiles } from './frame-files.js';
import { kindRange, parseStateKey, readVersion, VERSION_BYTES } from './row-keys.js';
import { StateDatabase } from './state-database.js';

export interface PeerFolder {
  readonly mspId: string;
  readonly directory: string;
}

export interface StateRow {
  readonly namespace: string;
  readonly key: string;
  readonly value: Uint8Array;
  readonly version: Version;
}

/**
 * Every live state row of a peer whose ledger is stopped, by namespace and key in UTF-8 byte order.
 *
 * @throws StoreError when the ledger is running
 * @throws StateCorruptError at the first row that does not match its digest
 */
export async function* readPeerState({ mspId, directory }: PeerFolder): AsyncGenerator<StateRow> {
  const database = await StateDatabase.open(stateDirectory(directory), mspId);
  try {
    for await (const { key, payload } of database.rows(kindRange('state'))) {
      yield { ...parseStateKey(key), value: payload.subarray(VERSION_BYTES), version: readVersion(payload, 0) };
    }
  } finally {
    await database.close();
  }
}

/**
 * Every block of a peer, serialised, in order.
 *
 * @throws BlockCorruptError at the first block that does not match its digest
 */
export async function* readPeerBlocks({
  mspId,
  directory,
}: PeerFolder): AsyncGenerator<{ blockNumber: number; bytes: Uint8Array }> {
  const blocks = await FrameFiles.inspect({ directory: blocksDirectory(directory), owner: mspId });
  try {
    for (let blockNumber = blocks.firstSequence; blockNumber < blocks.nextSequence; blockNumber += 1) {
      const bytes = await blocks.read(blockNumber);
      if (bytes !== undefined) yield { blockNumber, bytes };
    }
  } finally {
    await blocks.close();
  }
}
