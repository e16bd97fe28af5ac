import { peer } from '@hyperledger/fabric-protos';
import type { StateReader } from '../store/state-reader.js';
import type { StateWrite } from '../store/state-store.js';
import { type BlockParts, validationCodes } from './block-codec.js';
import type { ChannelRules } from './channel-rules.js';
import { effectOf } from './endorsed-transaction.js';
import { parseEnvelope } from './envelope.js';
import { hashNamespace, metadataNamespace } from './state-namespaces.js';
import type { UpdateBatch } from './update-batch.js';

const { VALID } = peer.TxValidationCode;

/** A collection whose data of one block ends with another. */
export interface Expiry {
  readonly chaincode: string;
  readonly collection: string;
  /** Of the block that wrote the data. */
  readonly writtenIn: number;
}

export type ReadBlock = (blockNumber: number) => Promise<BlockParts | undefined>;

/**
 * What ends with a block: private data lives for `blockToLive` blocks after the one that wrote it.
 *
 * @see Fabric core/ledger/pvtdatapolicy/btlpolicy.go, GetExpiringBlock
 */
export function expiriesAt(blockNumber: number, rules: ChannelRules): Expiry[] {
  return rules.definitions().flatMap(({ name: chaincode }) =>
    rules.collections(chaincode).flatMap(({ name: collection, blockToLive }) => {
      const writtenIn = blockNumber - blockToLive - 1;
      return blockToLive > 0 && writtenIn > 0 ? [{ chaincode, collection, writtenIn }] : [];
    }),
  );
}

/**
 * Hashes that end with a block, unless something wrote them again since. Every peer has them, member or not. They are
 * no part of the commit hash, as in Fabric.
 */
export async function expiredHashes(
  blockNumber: number,
  before: {
    readonly rules: ChannelRules;
    readonly readBlock: ReadBlock;
    readonly state: StateReader;
    readonly updates: UpdateBatch;
  },
): Promise<StateWrite[]> {
  const version = { blockNumber, txNumber: TX_NUMBER_OF_EXPIRY };
  const expired: StateWrite[] = [];
  for (const expiry of expiriesAt(blockNumber, before.rules)) {
    const namespace = hashNamespace(expiry.chaincode, expiry.collection);
    const keys = await keysWritten(expiry, before.readBlock);
    const versions = await before.state.versions(keys.map((key) => ({ namespace, key })));
    for (const [index, key] of keys.entries()) {
      if (versions[index]?.blockNumber !== expiry.writtenIn || before.updates.has(namespace, key)) continue;
      expired.push({ namespace, key, value: undefined, version });
      expired.push({ namespace: metadataNamespace(namespace), key, value: undefined, version });
    }
  }
  return expired;
}

/** Greater than that of any transaction: what ends, ends after all of them. */
const TX_NUMBER_OF_EXPIRY = 0xffff_ffff;

async function keysWritten({ chaincode, collection, writtenIn }: Expiry, readBlock: ReadBlock): Promise<string[]> {
  const block = await readBlock(writtenIn);
  if (block === undefined) return [];
  const codes = validationCodes(block);
  const keys = block.envelopes.flatMap((bytes, txNumber) => {
    const envelope = parseEnvelope(bytes);
    if ('rejected' in envelope || codes[txNumber] !== VALID) return [];
    return effectOf(envelope)
      .filter(({ namespace }) => namespace === chaincode)
      .flatMap(({ collections }) => collections.filter((set) => set.collection === collection))
      .flatMap(({ writes, metadataWrites }) => [...writes, ...metadataWrites].map(({ key }) => key));
  });
  return [...new Set(keys)];
}
