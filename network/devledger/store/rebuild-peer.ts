import { rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type BlockParts, parseBlock } from '../commit/block-codec.js';
import { firstWronglyJudged } from '../commit/commit-judge.js';
import { effectOf } from '../commit/endorsed-transaction.js';
import { parseEnvelope } from '../commit/envelope.js';
import { blocksDirectory, openPeerLedger, type PeerLedgerOptions, stateDirectory } from '../commit/open-peer-ledger.js';
import { RulesByBlock } from '../commit/rules-by-block.js';
import type { PrivateSet } from '../endorse/read-write-set.js';
import { requestsOf } from '../private-data/private-keeper.js';
import { SalvagedSets } from '../private-data/salvaged-sets.js';
import { DISK } from './file-system.js';
import { openFrameFiles } from './frame-file.js';
import { FrameFiles } from './frame-files.js';
import { cutFrames } from './frame-repair.js';
import { keepAside } from './keep-aside.js';
import { BlockCorruptError } from './ledger-errors.js';
import { StateDatabase } from './state-database.js';
import { heightMarkPath } from './state-store.js';

export interface RebuiltPeer {
  /** Number of blocks its state was made from. */
  readonly height: number;
  /** Blocks whose transactions it had judged wrongly, and those behind them: the orderer gives them again. */
  readonly takenBack: number;
  /** Where what was taken back is kept; undefined where nothing was. */
  readonly keptIn: string | undefined;
}

/**
 * Makes a stopped peer's database again from its blocks. Each of them is judged again first: from one on that the peer
 * had judged wrongly, they are taken back. The old database is kept beside the new one as `state.replaced` until the
 * next rebuild. Private data, which no block holds, is taken over from it as far as it fits the blocks.
 *
 * @throws StoreError when the ledger is running
 * @throws BlockCorruptError when a block it needs is damaged
 */
export async function rebuildPeer(options: PeerLedgerOptions): Promise<RebuiltPeer> {
  const { directory, mspId, signatureCache: signatures, definitionsAt } = options;
  const state = stateDirectory(directory);
  // Whoever runs the ledger has it locked.
  await StateDatabase.open(state, mspId, { salvage: true }).then(
    (database) => database.close(),
    (error: unknown) => {
      if (!(error instanceof Error && error.name === 'StateCorruptError')) throw error;
    },
  );
  const rules = new RulesByBlock({ ...options, signatures }, definitionsAt);
  const wrong = await FrameFiles.look(blocksOf(options), (blocks) => firstWronglyJudged(reading(blocks), rules));
  const replaced = `${state}.replaced`;
  await rm(replaced, { recursive: true, force: true });
  await rename(state, replaced);
  const taken = wrong === undefined ? undefined : await takeBack(options, wrong, replaced);
  const ledger = await openPeerLedger({ ...options, earlierState: replaced });
  try {
    // They are given to the peer again as when they were endorsed, before the blocks come again.
    for (const [txId, sets] of taken?.sets ?? []) await ledger.privateData?.storeTransient(txId, sets);
    return { height: ledger.height(), takenBack: taken?.count ?? 0, keptIn: taken?.keptIn };
  } finally {
    await ledger.close();
  }
}

function blocksOf({ directory, mspId }: PeerLedgerOptions): { readonly directory: string; readonly owner: string } {
  return { directory: blocksDirectory(directory), owner: mspId };
}

function reading(blocks: FrameFiles) {
  return {
    height: blocks.nextSequence,
    readBlock: async (number: number): Promise<BlockParts> => {
      const bytes = await blocks.read(number);
      const place = { file: '', offsetBytes: 0, ...blocks.place(number), peer: '', blockNumber: number };
      if (bytes === undefined) throw new BlockCorruptError(place, 'it is not there');
      return parseBlock(bytes);
    },
  };
}

interface TakenBack {
  readonly count: number;
  readonly keptIn: string;
  /** What the peer had of private data of these blocks, by transaction id. */
  readonly sets: ReadonlyMap<string, readonly PrivateSet[]>;
}

async function takeBack(options: PeerLedgerOptions, from: number, replaced: string): Promise<TakenBack> {
  const { directory, mspId, files = DISK } = options;
  const blocks = blocksDirectory(directory);
  const salvaged = await SalvagedSets.open(replaced, mspId);
  const found = await FrameFiles.look(blocksOf(options), async (own) => ({
    count: own.nextSequence - from,
    sets: salvaged === undefined ? new Map() : await setsFrom(from, reading(own), salvaged),
  })).finally(() => salvaged?.close());
  const keptIn = await keepAside(files, directory, []);
  for (const file of await openFrameFiles(files, blocks, 'read')) {
    await files.copy(file.path, join(keptIn, `${basename(blocks)}-${basename(file.path)}`));
    await file.close();
  }
  // What it says of the height counts no more.
  await files.remove(heightMarkPath(stateDirectory(directory)));
  await files.syncDirectory(directory);
  await cutFrames(files, blocks, from);
  return { ...found, keptIn };
}

async function setsFrom(
  from: number,
  { height, readBlock }: ReturnType<typeof reading>,
  salvaged: SalvagedSets,
): Promise<Map<string, PrivateSet[]>> {
  const found = new Map<string, PrivateSet[]>();
  for (let blockNumber = from; blockNumber < height; blockNumber += 1) {
    const { envelopes } = await readBlock(blockNumber);
    for (const [txNumber, bytes] of envelopes.entries()) {
      const envelope = parseEnvelope(bytes);
      if ('rejected' in envelope) continue;
      const sets = requestsOf({ blockNumber, txNumber }, envelope.txId, effectOf(envelope)).flatMap((request) => {
        const set = salvaged.find(request);
        return set === undefined ? [] : [{ namespace: request.namespace, collection: request.collection, bytes: set }];
      });
      if (sets.length > 0) found.set(envelope.txId, sets);
    }
  }
  return found;
}
