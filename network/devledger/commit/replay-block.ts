import { peer } from '@hyperledger/fabric-protos';
import type { StateReader } from '../store/state-reader.js';
import type { BlockRows, StateWrite } from '../store/state-store.js';
import type { LedgerTip } from '../store/tip.js';
import { type BlockParts, storedCommitHash, validationCodes } from './block-codec.js';
import { blockDataHash, blockHeaderHash } from './block-hash.js';
import { nextCommitHash } from './commit-hash.js';
import type { ChannelRules } from './channel-rules.js';
import { effectOf } from './endorsed-transaction.js';
import { parseEnvelope } from './envelope.js';
import { expiredHashes, type ReadBlock } from './expired-keys.js';
import { UpdateBatch } from './update-batch.js';

const { TxValidationCode } = peer;

/** Found before it was certain that the creator made the transaction and its id. */
const CODES_WITHOUT_OWNED_TX_ID = new Set<number>([
  TxValidationCode.NIL_ENVELOPE,
  TxValidationCode.BAD_PAYLOAD,
  TxValidationCode.BAD_COMMON_HEADER,
  TxValidationCode.BAD_CREATOR_SIGNATURE,
  TxValidationCode.INVALID_CONFIG_TRANSACTION,
  TxValidationCode.UNSUPPORTED_TX_PAYLOAD,
  TxValidationCode.BAD_PROPOSAL_TXID,
  TxValidationCode.DUPLICATE_TXID,
]);

export const EMPTY_TIP: LedgerTip = {
  height: 0,
  headerHash: new Uint8Array(),
  previousHash: new Uint8Array(),
  commitHash: new Uint8Array(),
};

/**
 * How a block fails to follow the one before it, or its own header.
 *
 * @param tip - where the ledger ends before the block
 * @returns undefined when it follows
 */
export function chainFault(block: BlockParts, tip: LedgerTip): string | undefined {
  if (block.number !== tip.height) return `it has number ${block.number} in place ${tip.height}`;
  if (!sameBytes(block.previousHash, tip.headerHash)) return 'it does not name the hash of the block before it';
  if (!sameBytes(block.dataHash, blockDataHash(block.envelopes))) return 'its transactions do not match its data hash';
  return undefined;
}

/** Where the ledger ends behind a block, by what the block says of itself. */
export function tipAfter(block: BlockParts): LedgerTip {
  return {
    height: block.number + 1,
    headerHash: blockHeaderHash(block),
    previousHash: block.previousHash,
    commitHash: storedCommitHash(block),
  };
}

/** The ledger as it stands before a block that is replayed. */
export interface ReplayBefore {
  readonly tip: LedgerTip;
  readonly state: StateReader;
  readonly readBlock: ReadBlock;
  /** Say which private data ends when. */
  readonly rules: ChannelRules;
}

/** What a block changes in the database, taken from the validation codes a peer has already given. */
export async function rowsOfCommittedBlock(block: BlockParts, before: ReplayBefore): Promise<BlockRows> {
  const codes = validationCodes(block);
  const updates = new UpdateBatch();
  const transactions: BlockRows['transactions'][number][] = [];
  for (const [txNumber, bytes] of block.envelopes.entries()) {
    const code = codes[txNumber] ?? TxValidationCode.NOT_VALIDATED;
    const envelope = parseEnvelope(bytes);
    if ('rejected' in envelope || block.number === 0) continue;
    if (code === TxValidationCode.VALID) {
      await updates.apply(effectOf(envelope), { blockNumber: block.number, txNumber }, before.state);
    }
    if (!CODES_WITHOUT_OWNED_TX_ID.has(code)) transactions.push({ txId: envelope.txId, txNumber, code });
  }
  const expired = await expiredHashes(block.number, { ...before, updates });
  return blockRows(block, before.tip, { codes, updates, expired, transactions });
}

/** Rows and new tip of a block whose transactions have been judged. */
export function blockRows(
  block: BlockParts,
  tip: LedgerTip,
  judged: {
    readonly codes: Uint8Array;
    readonly updates: UpdateBatch;
    readonly expired: readonly StateWrite[];
    readonly transactions: BlockRows['transactions'];
  },
): BlockRows {
  const writes = judged.updates.sorted();
  return {
    tip: {
      height: block.number + 1,
      headerHash: blockHeaderHash(block),
      previousHash: block.previousHash,
      commitHash: block.number === 0 ? new Uint8Array() : nextCommitHash(judged.codes, writes, tip.commitHash),
    },
    writes: [...writes, ...judged.expired],
    history: judged.updates.history,
    transactions: judged.transactions,
  };
}

/** How stored codes and commit hash differ from what the block itself yields. */
export function commitFault(block: BlockParts, rows: BlockRows): string | undefined {
  const codes = validationCodes(block);
  if (codes.length !== block.envelopes.length) {
    return `it has ${codes.length} validation codes for ${block.envelopes.length} transactions`;
  }
  if (!sameBytes(storedCommitHash(block), rows.tip.commitHash)) {
    return 'its commit hash does not match its validation codes and writes';
  }
  return undefined;
}

export function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}
