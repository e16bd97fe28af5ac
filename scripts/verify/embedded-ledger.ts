import { blocksDirectory, stateDirectory } from '../../network/devledger/commit/open-peer-ledger.js';
import { FrameFiles } from '../../network/devledger/store/frame-files.js';
import { StateCorruptError, StoreError } from '../../network/devledger/store/ledger-errors.js';
import type { LedgerTopology } from '../../network/topology.js';
import { REFILL } from './advice.js';
import type { CheckedPeer, LedgerLook } from './checked-peer.js';
import { checkOrderer } from './check-orderer.js';
import { checkPeer } from './check-peers.js';
import type { LedgerFolder } from './ledger-folder.js';
import { type PeerCopy, withPeerCopies } from './peer-copy.js';
import { PeerState } from './peer-state.js';
import { indexTransactions } from './transaction-index.js';

/** Copies what of the embedded ledger cannot be looked at where it is, and removes the copies behind the action. */
export function withEmbeddedLedger<T>(
  folder: LedgerFolder<LedgerTopology>,
  mspIds: readonly string[],
  action: (look: LedgerLook) => Promise<T>,
): Promise<T> {
  return withPeerCopies(folder, mspIds, (copies) =>
    action({
      mspIds,
      checkPeer: (mspId) => checkCopy(folder, copyOf(copies, mspId)),
      checkOrderers: async (peers) => [await checkOrderer(folder, peers)],
    }),
  );
}

async function checkCopy(folder: LedgerFolder<LedgerTopology>, copy: PeerCopy): Promise<CheckedPeer> {
  const { mspId, original, hasState } = copy;
  const checked = await checkPeer(folder, copy);
  return {
    mspId,
    refill: REFILL(original),
    ...checked,
    hasState,
    withBlocks: (action) => withBlocks(copy, action),
    heightNow: () => withBlocks(copy, async ({ nextSequence }) => nextSequence),
    async open() {
      const state = hasState ? await openState(folder, copy) : undefined;
      if (state === undefined) return undefined;
      return { state, index: await withBlocks(copy, indexTransactions) };
    },
  };
}

function withBlocks<T>({ mspId, directory }: PeerCopy, action: (blocks: FrameFiles) => Promise<T>): Promise<T> {
  return FrameFiles.look({ directory: blocksDirectory(directory), owner: mspId }, action);
}

/** @returns undefined where it cannot be opened, which the check of the peer has said */
async function openState({ topology }: LedgerFolder<LedgerTopology>, copy: PeerCopy): Promise<PeerState | undefined> {
  const directory = stateDirectory(copy.directory);
  // What is read there is what the consortium's chaincode has written.
  const namespace = topology.chaincode?.name;
  if (namespace === undefined) return undefined;
  try {
    return await PeerState.open({ directory, mspId: copy.mspId, namespace });
  } catch (error) {
    if (error instanceof StateCorruptError || error instanceof StoreError) return undefined;
    throw error;
  }
}

function copyOf(copies: readonly PeerCopy[], mspId: string): PeerCopy {
  const found = copies.find((copy) => copy.mspId === mspId);
  if (found === undefined) throw new Error(`invariant failed: ${mspId} was copied`);
  return found;
}
