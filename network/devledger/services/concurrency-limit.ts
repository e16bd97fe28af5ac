import { status } from '@grpc/grpc-js';
import { RpcError } from './rpc-error.js';

/** How many calls of one service may run at once; the next is turned away rather than queued, as Fabric does. */
export class ConcurrencyLimit {
  readonly #service: string;
  readonly #callsMax: number;
  #running = 0;

  constructor(service: string, callsMax: number) {
    this.#service = service;
    this.#callsMax = callsMax;
  }

  /**
   * @returns to be called once when the call is over
   * @throws RpcError RESOURCE_EXHAUSTED
   */
  enter(): () => void {
    if (this.#running >= this.#callsMax) {
      throw new RpcError(
        status.RESOURCE_EXHAUSTED,
        `too many requests for ${this.#service}, exceeding concurrency limit (${this.#callsMax})`,
      );
    }
    this.#running += 1;
    return () => {
      this.#running -= 1;
    };
  }
}
