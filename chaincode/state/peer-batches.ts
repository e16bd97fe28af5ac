import type { ChaincodeStub } from 'fabric-shim-api';
import { ChaincodeMessageHandler, type ShimMessage } from 'fabric-shim/lib/handler.js';
import {
  type BatchOffer,
  formatManyKeys,
  formatManyWrites,
  GET_STATE_MULTIPLE,
  parseBatchOffer,
  parseManyValues,
  READY,
  WRITE_BATCH_STATE,
} from './batch-messages.js';

/** Several keys in one message to the peer. What is read and written is the same as key by key. */
export interface PeerBatches extends BatchOffer {
  /** @returns values in the order of the keys, empty where nothing is stored; at most `readMax` */
  read(keys: readonly string[]): Promise<readonly Uint8Array[]>;
  /** @param writes - at most `writeMax`; without a text the key is deleted */
  write(writes: readonly { readonly key: string; readonly text?: string }[]): Promise<void>;
}

interface ReadyPeer {
  readonly offer: BatchOffer;
  /** Others are made from it: so they are of the shim's own class. */
  readonly ready: ShimMessage;
}

const readyPeers = new WeakMap<ChaincodeMessageHandler, ReadyPeer>();

/**
 * A transaction may have one request with its peer at a time, and each is a round trip of some 60 µs of CPU on either
 * side. Since 3.1 a peer offers, with READY, to take several keys in one; the shim (2.5.8) does not look. Here the
 * offer is read and kept. Call once, when the process starts.
 */
export function takeUpOffers(): void {
  const { chat } = ChaincodeMessageHandler.prototype;
  ChaincodeMessageHandler.prototype.chat = function (this: ChaincodeMessageHandler, starter: unknown): void {
    this._stream.on('data', (message) => {
      if (message.getType() !== READY) return;
      readyPeers.set(this, { offer: parseBatchOffer(message.getPayload_asU8()), ready: message });
    });
    Reflect.apply(chat, this, [starter]);
  };
}

/** @returns undefined for a peer that has offered nothing */
export function batchesOf(stub: ChaincodeStub): PeerBatches | undefined {
  const handler = 'handler' in stub && stub.handler instanceof ChaincodeMessageHandler ? stub.handler : undefined;
  const peer = handler === undefined ? undefined : readyPeers.get(handler);
  if (handler === undefined || peer === undefined) return undefined;
  const ask = (type: number, payload: Uint8Array): Promise<Buffer> => {
    const message = peer.ready.cloneMessage();
    message.setType(type);
    message.setPayload(payload);
    message.setTxid(stub.getTxID());
    message.setChannelId(stub.getChannelID());
    return handler._askPeerAndListen(message, type === GET_STATE_MULTIPLE ? 'GetStateMultiple' : 'WriteBatchState');
  };
  return {
    ...peer.offer,
    read: async (keys) => parseManyValues(await ask(GET_STATE_MULTIPLE, formatManyKeys(keys))),
    write: async (writes) => {
      await ask(WRITE_BATCH_STATE, formatManyWrites(writes));
    },
  };
}
