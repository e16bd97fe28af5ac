import { status } from '@grpc/grpc-js';
import { peer } from '@hyperledger/fabric-protos';
import type { PeerLedger, TransactionLocation } from '../peer-ledger.js';
import { RpcError } from './rpc-error.js';

interface Waiter {
  resolve(location: TransactionLocation): void;
  reject(error: RpcError): void;
}

/** Tells whoever waits for a transaction that one peer has committed it. */
export class CommitNotifier {
  readonly #waiters = new Map<string, Set<Waiter>>();
  readonly #unsubscribe: () => void;
  #failure: RpcError | undefined;

  constructor(ledger: PeerLedger) {
    this.#unsubscribe = ledger.onCommit((block) => {
      for (const [txNumber, { txId, validationCode }] of block.transactions.entries()) {
        // The id of a duplicate belongs to the transaction that came before it.
        if (validationCode === peer.TxValidationCode.DUPLICATE_TXID) continue;
        const location = { blockNumber: block.blockNumber, txNumber, validationCode };
        for (const waiter of this.#waiters.get(txId) ?? []) waiter.resolve(location);
      }
    });
  }

  /**
   * @param signal - aborted when the caller is gone
   * @returns `committed` rejects with an RpcError when the caller or the peer is gone; `cancel` after use
   */
  wait(txId: string, signal: AbortSignal): { committed: Promise<TransactionLocation>; cancel: () => void } {
    let cancel = () => {};
    const committed = new Promise<TransactionLocation>((resolve, reject) => {
      if (this.#failure !== undefined) reject(this.#failure);
      const waiter: Waiter = { resolve, reject };
      const onAbort = () => reject(new RpcError(status.CANCELLED, 'context canceled'));
      const waiters = this.#waiters.get(txId) ?? new Set<Waiter>();
      this.#waiters.set(txId, waiters.add(waiter));
      signal.addEventListener('abort', onAbort);
      cancel = () => {
        signal.removeEventListener('abort', onAbort);
        waiters.delete(waiter);
        if (waiters.size === 0) this.#waiters.delete(txId);
      };
    });
    // Whoever found the transaction in the ledger never looks at this promise again.
    committed.catch(() => {});
    return { committed, cancel };
  }

  /** The peer will commit nothing more: everyone who waits, and who would, is told why. */
  fail(reason: string): void {
    this.#failure = new RpcError(status.UNAVAILABLE, reason);
    for (const waiters of this.#waiters.values()) {
      for (const waiter of waiters) waiter.reject(this.#failure);
    }
  }

  close(): void {
    this.#unsubscribe();
    this.fail('the peer is shutting down');
  }
}
