import { common, peer } from '@hyperledger/fabric-protos';
import type { Proposal } from '../endorse/proposal.js';
import type { SystemChaincode } from '../endorse/chaincode-calls.js';
import type { PeerLedger } from '../peer-ledger.js';
import { parseValidationCode } from '../services/proto-codes.js';
import { systemAnswer } from './system-answer.js';
import { parseMessage } from '../wire/parse-message.js';

export interface QsccOptions {
  readonly channel: string;
  /** MSP of the proposal's creator, already verified. */
  readonly mspIdOf: (creator: Uint8Array) => string;
  readonly mayReadBlocks: (mspId: string) => boolean;
}

type Query = (ledger: PeerLedger, argument: Uint8Array) => Promise<Uint8Array>;

const CHAIN_INFO = 'GetChainInfo';
const UINT64_MAX = (1n << 64n) - 1n;
const UINT64_DIGITS_MAX = 20;

const BLOCK_QUERIES: ReadonlyMap<string, Query> = new Map([
  ['GetBlockByNumber', blockByNumber],
  ['GetBlockByHash', blockByHash],
  ['GetBlockByTxID', blockByTxId],
  ['GetTransactionByID', transactionById],
]);

/**
 * Fabric's query system chaincode: the ledger of the peer that is asked. Blocks and transactions go to organisations
 * with a peer only; the height of the chain is for every member.
 *
 * @see Fabric core/scc/qscc/query.go
 */
export function qscc(options: QsccOptions): SystemChaincode {
  return {
    name: 'qscc',
    invoke: (ledger, proposal) => systemAnswer(() => query(ledger, proposal, options)),
  };
}

async function query(ledger: PeerLedger, proposal: Proposal, options: QsccOptions): Promise<Uint8Array> {
  const [functionBytes, channelBytes, argument] = proposal.args;
  if (functionBytes === undefined || channelBytes === undefined) {
    throw new Error(`Incorrect number of arguments, ${proposal.args.length}`);
  }
  const functionName = text(functionBytes);
  const channel = text(channelBytes);
  if (functionName !== CHAIN_INFO && argument === undefined) {
    throw new Error(`missing 3rd argument for ${functionName}`);
  }
  if (channel !== options.channel) throw new Error(`Invalid chain ID, ${channel}`);
  if (functionName === CHAIN_INFO) return chainInfo(ledger);
  const run = BLOCK_QUERIES.get(functionName);
  if (run === undefined || argument === undefined) throw new Error(`Requested function ${functionName} not found.`);
  const mspId = options.mspIdOf(proposal.creator);
  if (!options.mayReadBlocks(mspId)) {
    throw new Error(
      `access denied for [${functionName}][${channel}]: [blocks are only given to organisations with a peer, and ${mspId} has none]`,
    );
  }
  return run(ledger, argument);
}

function chainInfo(ledger: PeerLedger): Uint8Array {
  const info = new common.BlockchainInfo();
  info.setHeight(ledger.height());
  info.setCurrentblockhash(ledger.currentBlockHash());
  info.setPreviousblockhash(ledger.previousBlockHash());
  return info.serializeBinary();
}

async function blockByNumber(ledger: PeerLedger, argument: Uint8Array): Promise<Uint8Array> {
  const digits = text(argument);
  const fault = uint64Fault(digits);
  if (fault !== undefined) {
    throw new Error(
      `Failed to parse block number with error strconv.ParseUint: parsing ${JSON.stringify(digits)}: ${fault}`,
    );
  }
  // No block has a number that is too large to be exact.
  const block = await ledger.blockByNumber(Number(digits));
  if (block === undefined) {
    throw new Error(`Failed to get block number ${digits}, error no such block number [${digits}] in index`);
  }
  return block;
}

/** Go's complaint about a text that is no unsigned number of 64 bits. */
function uint64Fault(digits: string): string | undefined {
  if (!/^\d+$/.test(digits)) return 'invalid syntax';
  return digits.length > UINT64_DIGITS_MAX || BigInt(digits) > UINT64_MAX ? 'value out of range' : undefined;
}

async function blockByHash(ledger: PeerLedger, argument: Uint8Array): Promise<Uint8Array> {
  const blockNumber = await ledger.blockNumberByHash(argument);
  const block = blockNumber === undefined ? undefined : await ledger.blockByNumber(blockNumber);
  if (block === undefined) {
    const hashHex = Buffer.from(argument).toString('hex');
    throw new Error(`Failed to get block hash ${text(argument)}, error no such block hash [${hashHex}] in index`);
  }
  return block;
}

async function blockByTxId(ledger: PeerLedger, argument: Uint8Array): Promise<Uint8Array> {
  const txId = text(argument);
  const location = await ledger.transaction(txId);
  const block = location === undefined ? undefined : await ledger.blockByNumber(location.blockNumber);
  if (block === undefined) {
    throw new Error(`Failed to get block for txID ${txId}, error no such transaction ID [${txId}] in index`);
  }
  return block;
}

async function transactionById(ledger: PeerLedger, argument: Uint8Array): Promise<Uint8Array> {
  const txId = text(argument);
  const location = await ledger.transaction(txId);
  const block = location === undefined ? undefined : await ledger.blockByNumber(location.blockNumber);
  if (location === undefined || block === undefined) {
    throw new Error(`Failed to get transaction with id ${txId}, error no such transaction ID [${txId}] in index`);
  }
  const envelope = parseMessage(common.Block, block).getData()?.getDataList_asU8()[location.txNumber];
  if (envelope === undefined) {
    throw new Error(`Failed to get transaction with id ${txId}: block ${location.blockNumber} is shorter than indexed`);
  }
  const processed = new peer.ProcessedTransaction();
  processed.setTransactionenvelope(parseMessage(common.Envelope, envelope));
  processed.setValidationcode(parseValidationCode(location.validationCode));
  return processed.serializeBinary();
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}
