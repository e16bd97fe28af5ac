import { ledger, peer } from '@hyperledger/fabric-protos';
import type { Simulator } from '../endorse/simulator.js';
import { lengthDelimitedField, timestampBytes, varintField } from '../endorse/wire-format.js';
import type { KeyModification } from '../peer-ledger.js';
import { QueryIterators, type ResultSource } from './query-iterators.js';

export interface StateRequestsOptions {
  readonly channel: string;
  /** The chaincode's own keys: its name. */
  readonly namespace: string;
  readonly simulator: Simulator;
  readonly history: (namespace: string, key: string) => AsyncIterable<KeyModification>;
}

const { Type } = peer.ChaincodeMessage;

/**
 * Answers what a chaincode asks its peer for while one transaction runs: state, ranges, history.
 *
 * @see Fabric core/chaincode/handler.go
 */
export class StateRequests {
  readonly #options: StateRequestsOptions;
  readonly #iterators = new QueryIterators();

  constructor(options: StateRequestsOptions) {
    this.#options = options;
  }

  /**
   * @param type - ChaincodeMessage.Type of the request
   * @returns payload of the RESPONSE; undefined where it has none
   * @throws Error whose message goes to the chaincode as an ERROR
   */
  async answer(type: number, payload: Uint8Array): Promise<Uint8Array | undefined> {
    switch (type) {
      case Type.GET_STATE:
        return this.#getState(payload);
      case Type.PUT_STATE:
        return this.#putState(payload);
      case Type.DEL_STATE:
        return this.#deleteState(payload);
      case Type.GET_STATE_BY_RANGE:
        return this.#range(payload);
      case Type.GET_HISTORY_FOR_KEY:
        return this.#history(payload);
      case Type.QUERY_STATE_NEXT:
        return this.#iterators.next(peer.QueryStateNext.deserializeBinary(payload).getId());
      case Type.QUERY_STATE_CLOSE:
        return this.#iterators.close(peer.QueryStateClose.deserializeBinary(payload).getId());
      default:
        throw new Error(refusal(type));
    }
  }

  /** Releases what the transaction left open; the snapshot may be closed after it. */
  async close(): Promise<void> {
    await this.#iterators.closeAll();
  }

  #refuseCollection(collection: string): void {
    if (collection === '') return;
    // Private data is not built: no chaincode of this ledger has collections.
    throw new Error(`collection ${this.#options.channel}/${this.#options.namespace}/${collection} could not be found`);
  }

  async #getState(payload: Uint8Array): Promise<Uint8Array | undefined> {
    const request = peer.GetState.deserializeBinary(payload);
    this.#refuseCollection(request.getCollection());
    return this.#options.simulator.getState(this.#options.namespace, request.getKey());
  }

  #putState(payload: Uint8Array): undefined {
    const request = peer.PutState.deserializeBinary(payload);
    this.#refuseCollection(request.getCollection());
    this.#options.simulator.putState(this.#options.namespace, request.getKey(), request.getValue_asU8());
  }

  #deleteState(payload: Uint8Array): undefined {
    const request = peer.DelState.deserializeBinary(payload);
    this.#refuseCollection(request.getCollection());
    this.#options.simulator.putState(this.#options.namespace, request.getKey(), new Uint8Array());
  }

  async #range(payload: Uint8Array): Promise<Uint8Array> {
    const request = peer.GetStateByRange.deserializeBinary(payload);
    this.#refuseCollection(request.getCollection());
    const page = pagination(request.getMetadata_asU8());
    const scan = this.#options.simulator.range(this.#options.namespace, {
      startKey: page?.bookmark || request.getStartkey(),
      endKey: request.getEndkey(),
      paged: page !== undefined,
    });
    const source: ResultSource = {
      next: async () => {
        const row = await scan.next();
        return row && keyValueBytes(this.#options.namespace, row.key, row.value);
      },
      bookmark: () => scan.bookmark(),
      close: () => scan.close(),
    };
    return this.#iterators.open(source, page?.pageSize);
  }

  async #history(payload: Uint8Array): Promise<Uint8Array> {
    const key = peer.GetHistoryForKey.deserializeBinary(payload).getKey();
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
}

/** Undefined when the query asks for all rows. */
function pagination(metadata: Uint8Array): { pageSize: number; bookmark: string } | undefined {
  if (metadata.length === 0) return undefined;
  const query = peer.QueryMetadata.deserializeBinary(metadata);
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

function refusal(type: number): string {
  switch (type) {
    case Type.GET_QUERY_RESULT:
      return 'ExecuteQuery not supported for leveldb';
    case Type.GET_STATE_METADATA:
    case Type.PUT_STATE_METADATA:
      return 'key level endorsement is not enabled on this channel';
    case Type.INVOKE_CHAINCODE:
      return 'no other chaincode is defined on this channel, and a chaincode cannot call itself';
    default:
      return `message type ${type} is not supported by this peer`;
  }
}
