import { createHash } from 'node:crypto';
import { common } from '@hyperledger/fabric-protos';
import { readBlock } from '../../gateway/ledger/block-reader.js';
import type { LedgerTransaction } from '../../gateway/ledger/ledger-block.js';
import { BlockCorruptError } from '../../network/devledger/store/ledger-errors.js';
import { ENTRY_PREFIX } from './state-keys.js';

/** What a block says of one transaction: digests instead of texts, so that a whole chain fits into memory. */
export interface IndexedTransaction {
  readonly blockNumber: number;
  /** Zero-based place in the block. */
  readonly index: number;
  /** Fabric's name, e.g. VALID. */
  readonly code: string;
  /** Contract and function, e.g. `records:add`. */
  readonly transaction: string;
  /** SHA-256 of the business argument, hex. */
  readonly businessDigest: string;
  readonly memberId: string;
  readonly keyHash: string;
  /** What the client claimed. */
  readonly timestampMs: number;
  /** The lane entry it writes. */
  readonly entry?: { readonly key: string; readonly valueDigest: string };
}

/** The transactions of one peer's blocks, by id. */
export interface TransactionIndex {
  get(txId: string): IndexedTransaction | undefined;
  /** How many transactions in the first blocks are VALID and write a lane entry. */
  entriesBelow(height: number): number;
  /** Numbers of blocks that cannot be read: what they hold is not known. */
  readonly unreadable: readonly number[];
}

export function digestOf(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

/** Blocks in the files of one node. */
export interface BlockSource {
  readonly firstSequence: number;
  /** Number of the block that would come next. */
  readonly nextSequence: number;
  /**
   * @returns serialised common.Block
   * @throws BlockCorruptError
   */
  read(number: number): Promise<Uint8Array | undefined>;
}

/** @param files - of a peer, also of one that is running */
export async function indexTransactions(files: BlockSource): Promise<TransactionIndex> {
  const byId = new Map<string, IndexedTransaction>();
  const unreadable: number[] = [];
  for (let number = files.firstSequence; number < files.nextSequence; number += 1) {
    const transactions = await readTransactions(files, number);
    if (transactions === undefined) unreadable.push(number);
    else addTransactions(byId, transactions, number);
  }
  const writing = [...byId.values()].filter(({ code, entry }) => code === 'VALID' && entry !== undefined);
  return {
    get: (txId) => byId.get(txId),
    entriesBelow: (height) => writing.filter(({ blockNumber }) => blockNumber < height).length,
    unreadable,
  };
}

function addTransactions(
  byId: Map<string, IndexedTransaction>,
  transactions: readonly LedgerTransaction[],
  blockNumber: number,
): void {
  for (const transaction of transactions) {
    // One id can come twice; at most one of them is VALID, and that is the one that counts.
    if (transaction.kind !== 'endorser' || byId.get(transaction.txId)?.code === 'VALID') continue;
    byId.set(transaction.txId, indexedOf(transaction, blockNumber));
  }
}

/** @returns undefined for a block that cannot be read; what is wrong with it, the check of the peer says */
async function readTransactions(files: BlockSource, number: number): Promise<readonly LedgerTransaction[] | undefined> {
  try {
    const bytes = await files.read(number);
    return bytes === undefined ? undefined : transactionsOf(bytes);
  } catch (error) {
    if (error instanceof BlockCorruptError) return undefined;
    throw error;
  }
}

function transactionsOf(bytes: Uint8Array): readonly LedgerTransaction[] | undefined {
  try {
    return readBlock(common.Block.deserializeBinary(bytes)).transactions;
  } catch {
    // Nothing but decoding happens here: these bytes are no block.
    return undefined;
  }
}

function indexedOf(transaction: LedgerTransaction, blockNumber: number): IndexedTransaction {
  const { index, validationCode, args, creator, timestampMs, writes } = transaction;
  const entry = writes.find(({ key }) => key.startsWith(ENTRY_PREFIX));
  return {
    blockNumber,
    index,
    code: validationCode,
    transaction: transaction.transaction ?? '',
    businessDigest: digestOf(args[0] ?? ''),
    memberId: creator.memberId ?? '',
    keyHash: creator.keyHash ?? '',
    timestampMs,
    ...(entry === undefined ? {} : { entry: { key: entry.key, valueDigest: digestOf(entry.value) } }),
  };
}
