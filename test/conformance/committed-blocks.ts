import type { MemberClient } from './member-client.js';

/**
 * Validation codes of all transactions with an id, in order, from a block on; waits until there are as many as asked
 * for.
 */
export async function codesOf(
  client: MemberClient,
  txId: string,
  { from, count }: { readonly from: number; readonly count: number },
): Promise<number[]> {
  const blocks = await client.network.getFilteredBlockEvents({ startBlock: BigInt(from) });
  const codes: number[] = [];
  try {
    for await (const block of blocks) {
      for (const transaction of block.getFilteredTransactionsList()) {
        if (transaction.getTxid() === txId) codes.push(transaction.getTxValidationCode());
      }
      if (codes.length >= count) break;
    }
    return codes;
  } finally {
    blocks.close();
  }
}

/** The same of the blocks from one to another, both included. */
export async function codesBetween(
  client: MemberClient,
  txId: string,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<number[]> {
  const blocks = await client.network.getFilteredBlockEvents({ startBlock: BigInt(from) });
  try {
    const read = await take(blocks, to - from + 1);
    const transactions = read.flatMap((block) => block.getFilteredTransactionsList());
    return transactions.filter((one) => one.getTxid() === txId).map((one) => one.getTxValidationCode());
  } finally {
    blocks.close();
  }
}

/** The next items of a stream. */
export async function take<Item>(items: AsyncIterable<Item>, count: number): Promise<Item[]> {
  const taken: Item[] = [];
  for await (const item of items) {
    taken.push(item);
    if (taken.length === count) break;
  }
  return taken;
}
