import { createHash } from 'node:crypto';
import { common, ledger, msp, peer } from '@hyperledger/fabric-protos';

/** What a chaincode of the stub may do: read committed state, answer, write. Throwing refuses. */
export interface StubInvocation {
  readonly name: string;
  readonly args: readonly string[];
  readonly txId: string;
  readonly timestampMs: number;
  readonly creatorMspId: string;
  readonly creatorCertificatePem: string;
  /** Whose peer simulates. */
  readonly mspId: string;
  readonly read: (key: string) => string | undefined;
}

export type StubChaincode = (invocation: StubInvocation) => {
  readonly payload: string;
  readonly writes?: readonly (readonly [key: string, value: string])[];
};

interface Versioned {
  readonly value: string;
  readonly block: number;
  readonly index: number;
}

const { kvrwset, NsReadWriteSet, TxReadWriteSet } = ledger.rwset;
const { TxValidationCode } = peer;
const TRANSACTIONS_FILTER = common.BlockMetadataIndex.TRANSACTIONS_FILTER;

export interface CommittedTransaction {
  readonly txId: string;
  readonly code: number;
  readonly blockNumber: number;
  readonly envelope: common.Envelope;
}

/** One copy of a channel in memory, with Fabric's blocks, duplicate check and MVCC. Outlives its server. */
export class StubChain {
  readonly chaincode: string;
  readonly channel: string;
  readonly blocks: common.Block[] = [];
  readonly transactions: CommittedTransaction[] = [];
  readonly #state = new Map<string, Versioned>();
  readonly #pending: common.Envelope[] = [];
  readonly #listeners = new Set<() => void>();
  readonly #cutMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: { channel: string; chaincode: string; cutMs: number }) {
    this.channel = options.channel;
    this.chaincode = options.chaincode;
    this.#cutMs = options.cutMs;
    this.#append([]);
  }

  onBlock(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  transaction(txId: string): CommittedTransaction | undefined {
    return this.transactions.find((transaction) => transaction.txId === txId);
  }

  order(envelope: common.Envelope): void {
    this.#pending.push(envelope);
    this.#timer ??= setTimeout(() => this.#cut(), this.#cutMs);
  }

  /** Runs the chaincode and makes a ProposalResponsePayload of what it did. */
  simulate(
    run: StubChaincode,
    given: Omit<StubInvocation, 'read'> & { proposalHash: Uint8Array },
  ): { payload: string; responsePayload: Uint8Array } {
    const reads: [string, Versioned | undefined][] = [];
    const read = (key: string) => {
      const found = this.#state.get(key);
      reads.push([key, found]);
      return found?.value;
    };
    const { payload, writes = [] } = run({ ...given, read });
    const response = new peer.Response();
    response.setStatus(200);
    response.setPayload(Buffer.from(payload));
    const executed = new peer.ChaincodeID();
    executed.setName(this.chaincode);
    const action = new peer.ChaincodeAction();
    action.setChaincodeId(executed);
    action.setResponse(response);
    action.setResults(this.#readWriteSet(reads, writes));
    const responsePayload = new peer.ProposalResponsePayload();
    responsePayload.setProposalHash(given.proposalHash);
    responsePayload.setExtension$(action.serializeBinary());
    return { payload, responsePayload: responsePayload.serializeBinary() };
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #readWriteSet(
    reads: readonly [string, Versioned | undefined][],
    writes: readonly (readonly [string, string])[],
  ): Uint8Array {
    const set = new kvrwset.KVRWSet();
    set.setReadsList(
      reads.map(([key, found]) => {
        const entry = new kvrwset.KVRead();
        entry.setKey(key);
        if (found === undefined) return entry;
        const version = new kvrwset.Version();
        version.setBlockNum(found.block);
        version.setTxNum(found.index);
        entry.setVersion(version);
        return entry;
      }),
    );
    set.setWritesList(
      writes.map(([key, value]) => {
        const entry = new kvrwset.KVWrite();
        entry.setKey(key);
        entry.setValue(Buffer.from(value));
        return entry;
      }),
    );
    const namespace = new NsReadWriteSet();
    namespace.setNamespace(this.chaincode);
    namespace.setRwset(set.serializeBinary());
    const results = new TxReadWriteSet();
    results.setNsRwsetList([namespace]);
    return results.serializeBinary();
  }

  #cut(): void {
    this.#timer = undefined;
    this.#append(this.#pending.splice(0));
    for (const listener of [...this.#listeners]) listener();
  }

  #append(envelopes: readonly common.Envelope[]): void {
    const number = this.blocks.length;
    const codes = envelopes.map((envelope, index) => this.#commit(envelope, number, index));
    const bytes = envelopes.map((envelope) => envelope.serializeBinary());
    const header = new common.BlockHeader();
    header.setNumber(number);
    header.setPreviousHash(this.#previousHash());
    const dataHash = createHash('sha256');
    for (const envelope of bytes) dataHash.update(envelope);
    header.setDataHash(dataHash.digest());
    const data = new common.BlockData();
    data.setDataList(bytes);
    const metadata = new common.BlockMetadata();
    const slots = Array.from({ length: 5 }, (_, slot) =>
      slot === TRANSACTIONS_FILTER ? Uint8Array.from(codes) : new Uint8Array(),
    );
    metadata.setMetadataList(slots);
    const block = new common.Block();
    block.setHeader(header);
    block.setData(data);
    block.setMetadata(metadata);
    this.blocks.push(block);
  }

  /** Enough for a stub: readers compute Fabric's own hash and compare it with vectors. */
  #previousHash(): Uint8Array {
    const last = this.blocks.at(-1)?.getHeader();
    return last === undefined ? new Uint8Array() : createHash('sha256').update(last.serializeBinary()).digest();
  }

  #commit(envelope: common.Envelope, block: number, index: number): number {
    const { txId, set } = parts(envelope);
    const known = this.transaction(txId) !== undefined;
    const fresh = set.getReadsList().every((read) => this.#isCurrent(read));
    const code = known
      ? TxValidationCode.DUPLICATE_TXID
      : fresh
        ? TxValidationCode.VALID
        : TxValidationCode.MVCC_READ_CONFLICT;
    this.transactions.push({ txId, code, blockNumber: block, envelope });
    if (code !== TxValidationCode.VALID) return code;
    for (const write of set.getWritesList()) {
      const value = Buffer.from(write.getValue_asU8()).toString('utf8');
      this.#state.set(write.getKey(), { value, block, index });
    }
    return code;
  }

  #isCurrent(read: InstanceType<typeof kvrwset.KVRead>): boolean {
    const now = this.#state.get(read.getKey());
    const seen = read.getVersion();
    if (now === undefined || seen === undefined) return now === undefined && seen === undefined;
    return now.block === seen.getBlockNum() && now.index === seen.getTxNum();
  }
}

function parts(envelope: common.Envelope) {
  const payload = common.Payload.deserializeBinary(envelope.getPayload_asU8());
  const header = common.ChannelHeader.deserializeBinary(
    payload.getHeader()?.getChannelHeader_asU8() ?? new Uint8Array(),
  );
  const [action] = peer.Transaction.deserializeBinary(payload.getData_asU8()).getActionsList();
  const actionPayload = peer.ChaincodeActionPayload.deserializeBinary(action?.getPayload_asU8() ?? new Uint8Array());
  const endorsed = actionPayload.getAction()?.getProposalResponsePayload_asU8() ?? new Uint8Array();
  const response = peer.ProposalResponsePayload.deserializeBinary(endorsed);
  const results = peer.ChaincodeAction.deserializeBinary(response.getExtension_asU8()).getResults_asU8();
  const [namespace] = TxReadWriteSet.deserializeBinary(results).getNsRwsetList();
  const set = kvrwset.KVRWSet.deserializeBinary(namespace?.getRwset_asU8() ?? new Uint8Array());
  return { txId: header.getTxId(), set };
}

export function serializedIdentity(mspId: string, certificatePem: string): Uint8Array {
  const identity = new msp.SerializedIdentity();
  identity.setMspid(mspId);
  identity.setIdBytes(Buffer.from(certificatePem));
  return identity.serializeBinary();
}
