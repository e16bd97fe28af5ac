import { existsSync } from 'node:fs';
import { ordererBlocks } from '../../network/devledger/channel-sealing.js';
import { type BlockParts, parseBlock } from '../../network/devledger/commit/block-codec.js';
import { blockHeaderHash } from '../../network/devledger/commit/block-hash.js';
import { chainFault, EMPTY_TIP } from '../../network/devledger/commit/replay-block.js';
import type { PeerVerification } from '../../network/devledger/store/finding.js';
import { FrameFiles } from '../../network/devledger/store/frame-files.js';
import { BlockCorruptError } from '../../network/devledger/store/ledger-errors.js';
import type { LastingRules } from '../../network/devledger/store/verify-peer.js';
import type { LedgerTip } from '../../network/devledger/store/tip.js';
import type { LedgerTopology } from '../../network/topology.js';
import { ORDERER } from './advice.js';
import { UNREADABLE_BLOCK } from './check-peers.js';
import { CheckLog, type CheckResult } from './finding.js';
import type { LedgerFolder } from './ledger-folder.js';

/** The orderer's own blocks: what peers are filled from. Each must be the block that the peers have. */
export async function checkOrderer(
  { dataDir, rules }: LedgerFolder<LedgerTopology>,
  peers: readonly PeerVerification[],
): Promise<CheckResult> {
  const log = new CheckLog('orderer', 'orderer', ORDERER);
  const { directory } = ordererBlocks(dataDir);
  if (!existsSync(directory)) {
    log.found(directory, 'the orderer has no blocks');
    return log.result;
  }
  await FrameFiles.look({ directory, owner: 'orderer' }, (files) =>
    checkFiles(files, { peers, ordering: rules.ordering }, log),
  );
  return log.result;
}

async function checkFiles(files: FrameFiles, known: Known, log: CheckLog): Promise<void> {
  let tip: LedgerTip | undefined = EMPTY_TIP;
  for (let number = 0; number < files.nextSequence; number += 1) {
    const place = files.place(number);
    const where = `block ${number}, ${place?.file} from byte ${place?.offsetBytes}`;
    const block = await readBlock(files, number, (detail) => log.found(where, detail));
    for (const fault of block === undefined ? [] : faultsOf(block, tip, known)) log.found(where, fault);
    log.count('blocks');
    tip = block && tipAfter(block);
  }
  const highest = Math.max(0, ...known.peers.map(({ height }) => height));
  if (files.nextSequence < highest) log.found(`height ${files.nextSequence}`, `a peer has ${highest} blocks`);
}

/** What the orderer's blocks are held against. */
interface Known {
  readonly peers: readonly PeerVerification[];
  readonly ordering: LastingRules['ordering'];
}

/** @param tip - undefined behind a block that cannot be read */
function faultsOf(block: BlockParts, tip: LedgerTip | undefined, { peers, ordering }: Known): string[] {
  return [
    tip && chainFault(block, tip),
    ordering?.faultOf(block),
    isOther(block, peers) ? 'the peers have another block in its place' : undefined,
  ].filter((fault) => fault !== undefined);
}

async function readBlock(
  files: FrameFiles,
  number: number,
  found: (detail: string) => void,
): Promise<BlockParts | undefined> {
  try {
    const bytes = await files.read(number);
    return bytes === undefined ? undefined : parseBlock(bytes);
  } catch (error) {
    if (!(error instanceof BlockCorruptError || error instanceof RangeError)) throw error;
    found(error instanceof BlockCorruptError ? UNREADABLE_BLOCK : error.message);
    return undefined;
  }
}

/** Whether no peer that can read its own block has this one. */
function isOther(block: BlockParts, peers: readonly PeerVerification[]): boolean {
  const hash = blockHeaderHash(block).toString('hex');
  const known = peers.flatMap(({ blocks }) => blocks[block.number]?.headerHashHex ?? []);
  return known.length > 0 && !known.includes(hash);
}

function tipAfter(block: BlockParts): LedgerTip {
  return { ...EMPTY_TIP, height: block.number + 1, headerHash: blockHeaderHash(block) };
}
