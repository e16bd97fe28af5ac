import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import { peer } from '@hyperledger/fabric-protos';
import { mutated } from './mutations.js';

const { Type } = peer.ChaincodeMessage;

export interface OddChaincode {
  /** host:port */
  readonly address: string;
  /** Requests sent within transactions. */
  readonly sent: () => number;
  stop(): void;
}

/** Right bytes for each kind of request that a chaincode has; by ChaincodeMessage.Type. */
export function rightRequests(called: string): ReadonlyMap<number, readonly Uint8Array[]> {
  const place = { setKey: 'a', setCollection: '' };
  const metadata = new peer.StateMetadata();
  metadata.setMetakey('VALIDATION_PARAMETER');
  metadata.setValue(Buffer.from('0a0412020800', 'hex'));
  const page = new peer.QueryMetadata();
  page.setPagesize(2);
  const range = { setStartkey: 'a', setEndkey: 'z' };
  const id = new peer.ChaincodeID();
  id.setName(called);
  const input = new peer.ChaincodeInput();
  input.setArgsList([Buffer.from('GetChainInfo'), Buffer.from('mychannel')]);
  return new Map([
    [Type.GET_STATE, [filled(peer.GetState, place), filled(peer.GetState, { setKey: 'a', setCollection: 'c' })]],
    [Type.GET_PRIVATE_DATA_HASH, [filled(peer.GetState, { setKey: 'a', setCollection: 'c' })]],
    [Type.GET_STATE_METADATA, [filled(peer.GetStateMetadata, place)]],
    [Type.PUT_STATE, [filled(peer.PutState, { ...place, setValue: Buffer.from('x') })]],
    [Type.DEL_STATE, [filled(peer.DelState, place)]],
    [Type.PURGE_PRIVATE_DATA, [filled(peer.PurgePrivateState, { setKey: 'a', setCollection: 'c' })]],
    [Type.PUT_STATE_METADATA, [filled(peer.PutStateMetadata, { ...place, setMetadata: metadata })]],
    [
      Type.GET_STATE_BY_RANGE,
      [
        filled(peer.GetStateByRange, range),
        filled(peer.GetStateByRange, { ...range, setMetadata: page.serializeBinary() }),
      ],
    ],
    [Type.GET_QUERY_RESULT, [filled(peer.GetQueryResult, { setQuery: '{"selector":{}}' })]],
    [Type.GET_HISTORY_FOR_KEY, [filled(peer.GetHistoryForKey, { setKey: 'a' })]],
    [Type.QUERY_STATE_NEXT, [filled(peer.QueryStateNext, { setId: '1' })]],
    [Type.QUERY_STATE_CLOSE, [filled(peer.QueryStateClose, { setId: '1' })]],
    [Type.INVOKE_CHAINCODE, [filled(peer.ChaincodeSpec, { setChaincodeId: id, setInput: input })]],
  ]);
}

function filled<Message extends { serializeBinary(): Uint8Array }>(
  type: new () => Message,
  fields: Record<string, unknown>,
): Uint8Array {
  const message = new type();
  for (const [setter, value] of Object.entries(fields)) {
    (message as unknown as Record<string, (value: unknown) => void>)[setter]?.(value);
  }
  return message.serializeBinary();
}

/**
 * A chaincode as a service that makes odd requests within each transaction, one after the other as they are answered,
 * and ends it with something odd as well.
 *
 * @param each - requests within a transaction
 */
export async function startOddChaincode(random: () => number, each: number): Promise<OddChaincode> {
  const server = new Server();
  const { connect } = peer.ChaincodeService;
  const odd = new OddRequests(random);
  server.addService(
    { connect: { ...connect, responseSerialize: (bytes: Buffer) => bytes } },
    { connect: (stream: Stream) => converse(stream, odd, each) },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { address: `127.0.0.1:${port}`, sent: () => odd.sent, stop: () => server.forceShutdown() };
}

type Stream = ServerDuplexStream<peer.ChaincodeMessage, Buffer>;

function converse(stream: Stream, odd: OddRequests, each: number): void {
  /** Requests to come, by transaction. */
  const left = new Map<string, number>();
  stream.on('error', () => undefined);
  stream.on('data', (message: peer.ChaincodeMessage) => {
    const txId = message.getTxid();
    if (message.getType() === Type.TRANSACTION) left.set(txId, each);
    const count = left.get(txId) ?? -1;
    left.set(txId, count - 1);
    if (count > 0) stream.write(odd.next(message));
    else left.delete(txId);
    if (count === 0) stream.write(odd.last(message));
  });
  const id = new peer.ChaincodeID();
  id.setName('odd:1');
  stream.write(bytesOf(Type.REGISTER, id.serializeBinary(), new peer.ChaincodeMessage()));
}

class OddRequests {
  readonly #random: () => number;
  readonly #right = [...rightRequests('qscc')];
  sent = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  next(transaction: peer.ChaincodeMessage): Buffer {
    this.sent += 1;
    const [type, payloads] = this.#right[Math.floor(this.#random() * this.#right.length)] ?? [Type.GET_STATE, []];
    const payload = this.#random() < 0.2 ? payloads[0] : mutated(payloads, this.#random);
    return bytesOf(type, payload ?? new Uint8Array(), transaction);
  }

  last(transaction: peer.ChaincodeMessage): Buffer {
    const response = new peer.Response();
    response.setStatus(200);
    response.setPayload(Buffer.from('done'));
    const right = response.serializeBinary();
    return bytesOf(Type.COMPLETED, this.#random() < 0.1 ? mutated([right], this.#random) : right, transaction);
  }
}

function bytesOf(type: number, payload: Uint8Array, transaction: peer.ChaincodeMessage): Buffer {
  const message = new peer.ChaincodeMessage();
  message.setType(type as 0);
  message.setPayload(payload);
  message.setTxid(transaction.getTxid());
  message.setChannelId(transaction.getChannelId());
  return Buffer.from(message.serializeBinary());
}
