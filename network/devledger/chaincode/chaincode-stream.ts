import { status } from '@grpc/grpc-js';
import { peer } from '@hyperledger/fabric-protos';
import type { Logger } from 'pino';
import type { Simulator } from '../endorse/simulator.js';
import type { KeyModification } from '../peer-ledger.js';
import type { CollectionAccess } from '../endorse/collection-access.js';
import { type CallChaincode, StateRequests } from './state-requests.js';
import { parseMessage } from '../wire/parse-message.js';

/** Fabric's gateway knows a crashed chaincode by this end of a message. */
export const STREAM_TERMINATED = 'chaincode stream terminated';

export interface ChaincodeInvocation {
  readonly channel: string;
  readonly txId: string;
  /** Serialised ChaincodeInput. */
  readonly input: Uint8Array;
  readonly signedProposal: peer.SignedProposal;
  readonly isInit: boolean;
  readonly simulator: Simulator;
  readonly collections: CollectionAccess;
  readonly history: (namespace: string, key: string) => AsyncIterable<KeyModification>;
  readonly callChaincode: CallChaincode;
}

/** What a chaincode answered; its status may be an error. */
export interface ChaincodeAnswer {
  readonly response: peer.Response;
  readonly event: peer.ChaincodeEvent | undefined;
}

/** The chaincode gave up: it did not even answer with an error. */
export class ChaincodeFailure extends Error {
  /** What it said, in its own bytes. */
  readonly payload: Uint8Array;

  constructor(payload: Uint8Array) {
    super(`transaction returned with failure: ${Buffer.from(payload).toString('utf8')}`);
    this.payload = payload;
  }
}

export interface ChaincodeStreamOptions {
  readonly chaincodeName: string;
  readonly executeTimeoutMs: number;
  readonly log: Logger;
  /** The chaincode has registered and takes transactions. */
  readonly onReady: () => void;
  /** The stream is over; called once. */
  readonly onEnd: (reason: string) => void;
}

interface RunningTransaction {
  readonly requests: StateRequests;
  /** A chaincode waits for each answer before it asks again. */
  isAnswering: boolean;
  settle(outcome: ChaincodeAnswer | Error): void;
}

/** A stream of messages with a chaincode, whichever side has opened it. */
export interface ChaincodeCall {
  on(event: 'data', listener: (message: peer.ChaincodeMessage) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error & { code?: number }) => void): unknown;
  on(event: 'drain', listener: () => void): unknown;
  /** @returns false when the chaincode is behind with reading */
  write(message: peer.ChaincodeMessage): boolean;
  pause(): unknown;
  resume(): unknown;
  cancel(): void;
}

const { Type } = peer.ChaincodeMessage;
/** Keys of one batched read or write; Fabric's default. */
const BATCH_KEYS_MAX = 1_000;
/** What a chaincode may send besides: batched reads and writes, as Fabric offers them since 3.1. */
const OFFER = offerBytes();
const TYPE_NAMES = new Map<number, string>(Object.entries(Type).map(([name, value]) => [value, name]));

/**
 * The peer's side of one chaincode stream, from REGISTER to its end. Transactions run on it side by side, each known
 * by channel and transaction id. Never sends KEEPALIVE, which makes the Node shim exit.
 */
export class ChaincodeStream {
  readonly #call: ChaincodeCall;
  readonly #options: ChaincodeStreamOptions;
  readonly #running = new Map<string, RunningTransaction>();
  #ended = false;

  constructor(call: ChaincodeCall, options: ChaincodeStreamOptions) {
    this.#call = call;
    this.#options = options;
    call.on('data', (message: peer.ChaincodeMessage) => this.#onData(message));
    call.on('drain', () => call.resume());
    call.on('end', () => this.#end('the chaincode closed the stream'));
    call.on('error', (error: Error & { code?: number }) => {
      this.#end(error.code === status.CANCELLED ? 'the stream was cancelled' : error.message);
    });
  }

  /**
   * @throws Error the peer's side failed: timeout, lost stream, the same transaction already running. What the
   * chaincode itself refuses is an answer with an error status.
   */
  async execute(invocation: ChaincodeInvocation): Promise<ChaincodeAnswer> {
    const key = invocation.channel + invocation.txId;
    if (this.#ended) throw new Error(`error sending: ${STREAM_TERMINATED}`);
    if (this.#running.has(key)) {
      throw new Error(`error sending: txid: ${invocation.txId}(${invocation.channel}) exists`);
    }
    const requests = new StateRequests({
      ...invocation,
      namespace: this.#options.chaincodeName,
    });
    try {
      return await this.#run(key, requests, invocation);
    } finally {
      this.#running.delete(key);
      await requests.close();
    }
  }

  cancel(): void {
    this.#call.cancel();
  }

  #run(key: string, requests: StateRequests, invocation: ChaincodeInvocation): Promise<ChaincodeAnswer> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error('error sending: timeout expired while executing transaction')),
        this.#options.executeTimeoutMs,
      );
      const settle = (outcome: ChaincodeAnswer | Error) => {
        clearTimeout(timer);
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      };
      this.#running.set(key, { requests, settle, isAnswering: false });
      const message = new peer.ChaincodeMessage();
      message.setType(invocation.isInit ? Type.INIT : Type.TRANSACTION);
      message.setChannelId(invocation.channel);
      message.setTxid(invocation.txId);
      message.setPayload(invocation.input);
      message.setProposal(invocation.signedProposal);
      this.#write(message);
    });
  }

  /** What a chaincode sends may be anything; an error here would otherwise end the process. */
  #onData(message: peer.ChaincodeMessage): void {
    if (this.#ended) return;
    try {
      this.#onMessage(message);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#end(`the chaincode sent what cannot be read: ${reason}`);
      this.#call.cancel();
    }
  }

  #onMessage(message: peer.ChaincodeMessage): void {
    switch (message.getType()) {
      case Type.REGISTER:
        this.#register(message);
        break;
      case Type.COMPLETED:
      case Type.ERROR:
        this.#complete(message);
        break;
      case Type.KEEPALIVE:
        break;
      default:
        void this.#answer(message);
    }
  }

  #register(message: peer.ChaincodeMessage): void {
    const packageId = parseMessage(peer.ChaincodeID, message.getPayload_asU8()).getName();
    this.#options.log.info({ packageId }, 'chaincode registered');
    this.#send(Type.REGISTERED);
    this.#send(Type.READY, undefined, OFFER);
    this.#options.onReady();
  }

  #complete(message: peer.ChaincodeMessage): void {
    const running = this.#running.get(message.getChannelId() + message.getTxid());
    if (running === undefined) return;
    if (message.getType() === Type.ERROR) {
      running.settle(new ChaincodeFailure(message.getPayload_asU8()));
      return;
    }
    const event = message.getChaincodeEvent();
    // Whose event it is, the peer says, not the chaincode.
    event?.setChaincodeId(this.#options.chaincodeName);
    event?.setTxId(message.getTxid());
    running.settle({ response: parseMessage(peer.Response, message.getPayload_asU8()), event });
  }

  /** As on Fabric's peers a request that comes before the last one was answered gets no answer at all. */
  async #answer(message: peer.ChaincodeMessage): Promise<void> {
    const type = message.getType();
    const running = this.#running.get(message.getChannelId() + message.getTxid());
    if (running?.isAnswering === true) {
      this.#options.log.warn({ txId: message.getTxid(), type }, 'another request of this transaction is pending');
      return;
    }
    try {
      if (running === undefined) throw new Error('no ledger context');
      running.isAnswering = true;
      const payload = await running.requests.answer(type, message.getPayload_asU8());
      running.isAnswering = false;
      this.#send(Type.RESPONSE, message, payload);
    } catch (error) {
      if (running !== undefined) running.isAnswering = false;
      const reason = error instanceof Error ? error.message : String(error);
      const text = `${TYPE_NAMES.get(type) ?? type} failed: transaction ID: ${message.getTxid()}: ${reason}`;
      this.#send(Type.ERROR, message, Buffer.from(text, 'utf8'));
    }
  }

  #send(
    type: peer.ChaincodeMessage.TypeMap[keyof peer.ChaincodeMessage.TypeMap],
    request?: peer.ChaincodeMessage,
    payload?: Uint8Array,
  ): void {
    if (this.#ended) return;
    const message = new peer.ChaincodeMessage();
    message.setType(type);
    if (payload !== undefined) message.setPayload(payload);
    if (request !== undefined) {
      message.setTxid(request.getTxid());
      message.setChannelId(request.getChannelId());
    }
    this.#write(message);
  }

  /** Who asks and does not read what is answered, is not listened to until it does. */
  #write(message: peer.ChaincodeMessage): void {
    if (!this.#call.write(message)) this.#call.pause();
  }

  #end(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const running of this.#running.values()) running.settle(new Error(`error sending: ${STREAM_TERMINATED}`));
    this.#running.clear();
    this.#options.onEnd(reason);
  }
}

function offerBytes(): Uint8Array {
  const offer = new peer.ChaincodeAdditionalParams();
  offer.setUseWriteBatch(true);
  offer.setMaxSizeWriteBatch(BATCH_KEYS_MAX);
  offer.setUseGetMultipleKeys(true);
  offer.setMaxSizeGetMultipleKeys(BATCH_KEYS_MAX);
  return offer.serializeBinary();
}
