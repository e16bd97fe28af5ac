import { ledger, peer } from '@hyperledger/fabric-protos';
import { parseMetadata } from '../commit/read-write-sets.js';
import type { CollectionAccess } from '../endorse/collection-access.js';
import type { Scan, Simulator, StateKey } from '../endorse/simulator.js';
import { lengthDelimitedField, timestampBytes, varintField } from '../endorse/wire-format.js';
import type { KeyModification } from '../peer-ledger.js';
import { QueryIterators, type ResultSource } from './query-iterators.js';
import { parseRequest } from './parse-request.js';

export interface StateRequestsOptions {
  /** The chaincode's own keys: its name. */
  readonly namespace: string;
  readonly simulator: Simulator;
  /** What the creator of the proposal may do with private data. */
  readonly collections: CollectionAccess;
  /** Whether the chaincode runs its Init, where private data is out of reach. */
  readonly isInit: boolean;
  readonly history: (namespace: string, key: string) => AsyncIterable<KeyModification>;
  /** Runs another chaincode within the same transaction. */
  readonly callChaincode: CallChaincode;
}

/**
 * @param spec - name, perhaps with version and channel, and input
 * @returns serialised ChaincodeMessage, with which the other chaincode ended
 */
export type CallChaincode = (spec: peer.ChaincodeSpec) => Promise<Uint8Array>;

const { Type } = peer.ChaincodeMessage;

/**
 * Answers what a chaincode asks its peer for while one transaction runs: state, ranges, history, private data, other
 * chaincodes.
 *
 * @see Fabric core/chaincode/handler.go
 */
export class StateRequests {
  readonly #options: StateRequestsOptions;
  readonly #iterators = new QueryIterators();
  readonly #handlers: ReadonlyMap<number, (payload: Uint8Array) => Promise<Uint8Array | undefined>>;

  constructor(options: StateRequestsOptions) {
    this.#options = options;
    this.#handlers = new Map<number, (payload: Uint8Array) => Promise<Uint8Array | undefined>>([
      [Type.GET_STATE, (payload) => this.#getState(payload)],
      [Type.GET_STATE_MULTIPLE, (payload) => this.#getStates(payload)],
      [Type.WRITE_BATCH_STATE, (payload) => this.#writeBatch(payload)],
      [Type.GET_PRIVATE_DATA_HASH, (payload) => this.#getPrivateDataHash(payload)],
      [Type.GET_STATE_METADATA, (payload) => this.#getMetadata(payload)],
      [Type.PUT_STATE, (payload) => this.#putState(payload)],
      [Type.DEL_STATE, (payload) => this.#deleteState(payload)],
      [Type.PURGE_PRIVATE_DATA, (payload) => this.#purge(payload)],
      [Type.PUT_STATE_METADATA, (payload) => this.#putMetadata(payload)],
      [Type.GET_STATE_BY_RANGE, (payload) => this.#range(payload)],
      [Type.GET_QUERY_RESULT, (payload) => this.#query(payload)],
      [Type.GET_HISTORY_FOR_KEY, (payload) => this.#history(payload)],
      [Type.QUERY_STATE_NEXT, (payload) => this.#iterators.next(parseRequest(peer.QueryStateNext, payload).getId())],
      [Type.QUERY_STATE_CLOSE, (payload) => this.#iterators.close(parseRequest(peer.QueryStateClose, payload).getId())],
      [Type.INVOKE_CHAINCODE, (payload) => options.callChaincode(parseRequest(peer.ChaincodeSpec, payload))],
    ]);
  }

  /**
   * @param type - ChaincodeMessage.Type of the request
   * @returns payload of the RESPONSE; undefined where it has none
   * @throws Error whose message goes to the chaincode as an ERROR
   */
  async answer(type: number, payload: Uint8Array): Promise<Uint8Array | undefined> {
    const handle = this.#handlers.get(type);
    if (handle === undefined) throw new Error(`message type ${type} is not supported by this peer`);
    return handle(payload);
  }

  /** Releases what the transaction left open; the snapshot may be closed after it. */
  async close(): Promise<void> {
    await this.#iterators.closeAll();
  }

  async #getState(payload: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#get(this.#readable(parseRequest(peer.GetState, payload)));
  }

  async #getStates(payload: Uint8Array): Promise<Uint8Array> {
    const request = parseRequest(peer.GetStateMultiple, payload);
    const result = new peer.GetStateMultipleResult();
    for (const key of request.getKeysList()) {
      const place = this.#readable({ getKey: () => key, getCollection: () => request.getCollection() });
      result.addValues((await this.#get(place)) ?? NOTHING);
    }
    return result.serializeBinary();
  }

  /** Record by record: what stands before one that is refused has been written, as on Fabric. */
  async #writeBatch(payload: Uint8Array): Promise<undefined> {
    for (const record of parseRequest(peer.WriteBatchState, payload).getRecList()) this.#writeRecord(record);
  }

  #writeRecord(record: peer.WriteRecord): void {
    switch (record.getType()) {
      case peer.WriteRecord.Type.PUT_STATE:
        this.#put(this.#writable(record), record.getValue_asU8());
        break;
      case peer.WriteRecord.Type.DEL_STATE:
        this.#put(this.#writable(record), NOTHING);
        break;
      case peer.WriteRecord.Type.PURGE_PRIVATE_DATA:
        this.#purgeKey(record);
        break;
      case peer.WriteRecord.Type.PUT_STATE_METADATA:
        this.#putEntry(record);
        break;
      default:
        throw new Error('unknown operation type');
    }
  }

  /** Every peer has the hashes, and every member of the channel may see them. */
  async #getPrivateDataHash(payload: Uint8Array): Promise<Uint8Array | undefined> {
    const request = parseRequest(peer.GetState, payload);
    this.#enterCollections();
    return this.#options.simulator.getPrivateDataHash(this.#place(request));
  }

  async #getMetadata(payload: Uint8Array): Promise<Uint8Array> {
    const place = this.#readable(parseRequest(peer.GetStateMetadata, payload));
    const metadata = await this.#options.simulator.getMetadata(place);
    const result = new peer.StateMetadataResult();
    for (const [name, value] of metadata === undefined ? [] : parseMetadata(metadata)) {
      const entry = new peer.StateMetadata();
      entry.setMetakey(name);
      entry.setValue(value);
      result.addEntries(entry);
    }
    return result.serializeBinary();
  }

  async #putState(payload: Uint8Array): Promise<undefined> {
    const request = parseRequest(peer.PutState, payload);
    this.#put(this.#writable(request), request.getValue_asU8());
  }

  async #deleteState(payload: Uint8Array): Promise<undefined> {
    this.#put(this.#writable(parseRequest(peer.DelState, payload)), NOTHING);
  }

  async #purge(payload: Uint8Array): Promise<undefined> {
    this.#purgeKey(parseRequest(peer.DelState, payload));
  }

  #purgeKey(request: KeyRequest): void {
    if (request.getCollection() === '') throw new Error('only applicable for private data');
    this.#options.simulator.purgePrivateData(this.#writable(request));
  }

  async #putMetadata(payload: Uint8Array): Promise<undefined> {
    this.#putEntry(parseRequest(peer.PutStateMetadata, payload));
  }

  #putEntry(request: MetadataRequest): void {
    const place = this.#writable(request);
    const metadata = request.getMetadata() ?? new peer.StateMetadata();
    this.#options.simulator.putMetadata(place, new Map([[metadata.getMetakey(), metadata.getValue_asU8()]]));
  }

  async #range(payload: Uint8Array): Promise<Uint8Array> {
    const request = parseRequest(peer.GetStateByRange, payload);
    const { simulator, namespace } = this.#options;
    const collection = request.getCollection();
    const bounds = { startKey: request.getStartkey(), endKey: request.getEndkey() };
    if (collection !== '') {
      this.#enterCollections();
      this.#options.collections.requireRead(namespace, collection);
      return this.#iterators.open(this.#rowsOf(simulator.privateRange(namespace, collection, bounds)));
    }
    const page = pagination(request.getMetadata_asU8());
    const scan = simulator.range(namespace, {
      startKey: page?.bookmark || bounds.startKey,
      endKey: bounds.endKey,
      paged: page !== undefined,
    });
    return this.#iterators.open(this.#rowsOf(scan), page?.pageSize);
  }

  /** As every Fabric peer that keeps its state in LevelDB. */
  async #query(payload: Uint8Array): Promise<never> {
    const collection = parseRequest(peer.GetQueryResult, payload).getCollection();
    if (collection !== '') {
      this.#enterCollections();
      this.#options.collections.requireRead(this.#options.namespace, collection);
    }
    throw new Error('ExecuteQuery not supported for leveldb');
  }

  async #history(payload: Uint8Array): Promise<Uint8Array> {
    const key = parseRequest(peer.GetHistoryForKey, payload).getKey();
    const changes = this.#options.history(this.#options.namespace, key)[Symbol.asyncIterator]();
    return this.#iterators.open({
      next: async () => {
        const change = await changes.next();
        return change.done === true ? undefined : keyModificationBytes(change.value);
      },
      bookmark: async () => '',
      close: async () => {
        await changes.return?.();
      },
    });
  }

  #rowsOf(scan: Scan): ResultSource {
    return {
      next: async () => {
        const row = await scan.next();
        return row && keyValueBytes(this.#options.namespace, row.key, row.value);
      },
      bookmark: () => scan.bookmark(),
      close: () => scan.close(),
    };
  }

  #get(place: StateKey): Promise<Uint8Array | undefined> {
    const { simulator } = this.#options;
    return place.collection === '' ? simulator.getState(place.namespace, place.key) : simulator.getPrivateData(place);
  }

  #put(place: StateKey, value: Uint8Array): void {
    const { simulator } = this.#options;
    if (place.collection === '') simulator.putState(place.namespace, place.key, value);
    else simulator.putPrivateData(place, value);
  }

  #readable(request: KeyRequest): StateKey {
    const place = this.#place(request);
    if (place.collection === '') return place;
    this.#enterCollections();
    this.#options.collections.requireRead(place.namespace, place.collection);
    return place;
  }

  #writable(request: KeyRequest): StateKey {
    const place = this.#place(request);
    if (place.collection === '') return place;
    this.#enterCollections();
    this.#options.collections.requireWrite(place.namespace, place.collection);
    return place;
  }

  #place(request: KeyRequest): StateKey {
    return { namespace: this.#options.namespace, collection: request.getCollection(), key: request.getKey() };
  }

  /** Every request about private data comes by here: it rests on the collections that the chaincode has. */
  #enterCollections(): void {
    this.#options.simulator.recordDefinition(this.#options.namespace);
    if (this.#options.isInit) throw new Error('private data APIs are not allowed in chaincode Init()');
  }
}

const NOTHING = new Uint8Array();

interface KeyRequest {
  getKey(): string;
  getCollection(): string;
}

interface MetadataRequest extends KeyRequest {
  getMetadata(): peer.StateMetadata | undefined;
}

/** Undefined when the query asks for all rows. */
function pagination(metadata: Uint8Array): { pageSize: number; bookmark: string } | undefined {
  if (metadata.length === 0) return undefined;
  const query = parseRequest(peer.QueryMetadata, metadata);
  const page = { pageSize: query.getPagesize(), bookmark: query.getBookmark() };
  return page.pageSize === 0 && page.bookmark === '' ? undefined : page;
}

function keyValueBytes(namespace: string, key: string, value: Uint8Array): Uint8Array {
  const row = new ledger.queryresult.KV();
  row.setNamespace(namespace);
  row.setKey(key);
  row.setValue(value);
  return row.serializeBinary();
}

/** Serialised queryresult.KeyModification. */
function keyModificationBytes(change: KeyModification): Uint8Array {
  return Buffer.concat([
    lengthDelimitedField(1, Buffer.from(change.txId, 'utf8')),
    ...(change.isDelete ? [] : [lengthDelimitedField(2, change.value)]),
    lengthDelimitedField(3, timestampBytes(change.timestampMs)),
    varintField(4, change.isDelete ? 1 : 0),
  ]);
}
