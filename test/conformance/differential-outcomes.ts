import type { Transaction } from '@hyperledger/fabric-gateway';
import { common, ledger as protos, peer } from '@hyperledger/fabric-protos';
import { parseBlock, storedCommitHash, validationCodes } from '../../network/devledger/commit/block-codec.js';
import type { ChaincodeDefinition } from '../../network/devledger/commit/chaincode-definition.js';
import { ChannelRules } from '../../network/devledger/commit/channel-rules.js';
import { rowsOfCommittedBlock } from '../../network/devledger/commit/replay-block.js';
import { ReplayedState } from '../../network/devledger/store/replayed-state.js';
import { CALLEE } from './ledger-under-test.js';
import { endorsersOf, namespaceSets, partsOfPrepared } from './transaction-parts.js';

/** What a step came to, without what must differ between two networks: ids, times, ports. */
export type Outcome = Readonly<Record<string, unknown>>;

/**
 * How a ledger's blocks differ from what the embedded ledger's rules make of the same transactions and codes: its
 * running hash over codes and writes must be the one in the block.
 *
 * @param blocks - consecutive; the first is where the rest is hung up
 */
export async function commitHashFaults(
  blocks: readonly Uint8Array[],
  definitions: readonly ChaincodeDefinition[],
): Promise<string[]> {
  const faults: string[] = [];
  const parsed = new Map(blocks.map(parseBlock).map((block) => [block.number, block]));
  const readBlock = async (number: number) => parsed.get(number);
  const state = new ReplayedState(readBlock);
  const rules = new ChannelRules({ channel: '', policy: NO_POLICY, chaincodes: [], definitions, mspIds: [] });
  let previous: Uint8Array | undefined;
  for (const block of parsed.values()) {
    const stored = storedCommitHash(block);
    if (previous !== undefined) {
      const tip = { height: block.number, headerHash: block.previousHash, previousHash: NOTHING, commitHash: previous };
      const rows = await rowsOfCommittedBlock(block, { tip, state, readBlock, rules });
      if (Buffer.compare(rows.tip.commitHash, stored) !== 0) faults.push(`block ${block.number}`);
      state.apply(rows.writes);
    }
    previous = stored;
  }
  return faults;
}

/** Validation codes of each block. */
export function codesByBlock(blocks: readonly Uint8Array[]): string[] {
  return blocks.map((bytes) => {
    const block = parseBlock(bytes);
    return `${block.number}: ${[...validationCodes(block)].join(' ')}`;
  });
}

const NOTHING = new Uint8Array();
const NO_POLICY = { endorsers: [], needed: 0 };

/** What private write sets of valid transactions put, by transaction and collection; see docs/decisions/0005 for the rest. */
export function privateDataOf(response: peer.DeliverResponse): Outcome {
  const delivered = response.getBlockAndPrivateData();
  const block = parseBlock((delivered?.getBlock() ?? new common.Block()).serializeBinary());
  const codes = validationCodes(block);
  const sets: Record<string, unknown> = {};
  delivered?.getPrivateDataMapMap().forEach((set: protos.rwset.TxPvtReadWriteSet, transaction: number) => {
    for (const namespace of set.getNsPvtRwsetList()) {
      for (const collection of namespace.getCollectionPvtRwsetList()) {
        const place = [transaction, namespace.getNamespace(), collection.getCollectionName()].join(' ');
        const puts = putsOf(collection.getRwset_asU8());
        if (codes[transaction] === peer.TxValidationCode.VALID && puts.length > 0) sets[place] = puts;
      }
    }
  });
  return { block: block.number, sets };
}

function putsOf(bytes: Uint8Array): string[] {
  const set = protos.rwset.kvrwset.KVRWSet.deserializeBinary(bytes);
  const puts = set.getWritesList().filter((write) => !write.getIsDelete());
  return puts.map((write) => `${write.getKey()}: ${Buffer.from(write.getValue_asU8()).toString('utf8')}`);
}

/** What was endorsed, byte by byte, but for the version at which the chaincode's definition was committed. */
export function outcomeOf(transaction: Transaction, chaincode: string): Outcome {
  const parts = partsOfPrepared(transaction.getBytes());
  const sets = namespaceSets(parts.readWriteSet);
  const event = parts.chaincodeAction.getEvents_asU8();
  return {
    results: Buffer.from(transaction.getResult()).toString('utf8'),
    response: parts.chaincodeAction.getResponse()?.getStatus(),
    endorsers: endorsersOf(parts).length,
    chaincodeId: parts.chaincodeAction.getChaincodeId()?.toObject(),
    namespaces: sets.map(({ namespace }) => namespace),
    definition: sets
      .find(({ namespace }) => namespace === '_lifecycle')
      ?.set.getReadsList()
      .map((read) => read.getKey()),
    readWriteSets: [chaincode, CALLEE].map((name) => base64(rawSet(parts.readWriteSet, name))),
    event: event.length === 0 ? undefined : eventOf(event),
  };
}

function rawSet(readWriteSet: Uint8Array, namespace: string): Uint8Array {
  const sets = protos.rwset.TxReadWriteSet.deserializeBinary(readWriteSet).getNsRwsetList();
  return sets.find((set) => set.getNamespace() === namespace)?.serializeBinary() ?? NOTHING;
}

function eventOf(bytes: Uint8Array): Outcome {
  const event = peer.ChaincodeEvent.deserializeBinary(bytes);
  return { name: event.getEventName(), chaincode: event.getChaincodeId(), payload: base64(event.getPayload_asU8()) };
}

/** Not hex, in which ids are looked for. */
function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
