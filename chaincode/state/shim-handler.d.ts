/** What state/ uses of the shim's inside, which the package ships without types. Version 2.5.8, pinned. */
declare module 'fabric-shim/lib/handler.js' {
  /** protos.ChaincodeMessage, in the shim's own copy of the protocol. */
  export interface ShimMessage {
    getType(): number;
    getPayload_asU8(): Uint8Array;
    setType(type: number): void;
    setPayload(payload: Uint8Array): void;
    setTxid(txId: string): void;
    setChannelId(channel: string): void;
    cloneMessage(): this;
  }

  /** The chaincode's side of one stream with a peer. */
  export class ChaincodeMessageHandler {
    readonly _stream: { on(event: 'data', listener: (message: ShimMessage) => void): unknown };
    chat(starter: unknown): void;
    /** Sends when the transaction's earlier requests are answered; rejects with what the peer answers as an ERROR. */
    _askPeerAndListen(message: ShimMessage, method: string): Promise<Buffer>;
  }
}
