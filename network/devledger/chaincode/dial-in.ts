import type { Logger } from 'pino';
import {
  type ChaincodeAnswer,
  type ChaincodeCall,
  type ChaincodeInvocation,
  ChaincodeStream,
} from './chaincode-stream.js';

export interface DialInOptions {
  readonly chaincodeName: string;
  /** What the chaincode has to register as. */
  readonly packageId: string;
  /** DER; who may register. Anyone who reaches the port where left out. */
  readonly certificateDer?: Uint8Array;
  readonly log: Logger;
  /** How long one transaction may run; default 30 s, as Fabric's. */
  readonly executeTimeoutMs?: number;
  /** How long a transaction waits for a chaincode that is not there at the moment; default 3 s. */
  readonly readyTimeoutMs?: number;
}

const EXECUTE_TIMEOUT_MS = 30_000;
const READY_TIMEOUT_MS = 3_000;

/** A chaincode that connects to its peer by itself (`peer.address`), and may go and come back. */
export class DialInChaincode {
  readonly packageId: string;
  readonly #options: DialInOptions;
  readonly #waiters = new Set<() => void>();
  #stream: ChaincodeStream | undefined;
  #ready = false;

  constructor(options: DialInOptions) {
    this.packageId = options.packageId;
    this.#options = options;
  }

  isReady(): boolean {
    return this.#ready;
  }

  /** Whether one has registered and not gone; Fabric refuses a second one as well. */
  isTaken(): boolean {
    return this.#stream !== undefined;
  }

  /** @param certificateDer - of the TLS connection; undefined in plain */
  admits(certificateDer: Uint8Array | undefined): boolean {
    const wanted = this.#options.certificateDer;
    if (wanted === undefined) return true;
    return certificateDer !== undefined && Buffer.compare(wanted, certificateDer) === 0;
  }

  attach(call: ChaincodeCall): void {
    const { chaincodeName, executeTimeoutMs = EXECUTE_TIMEOUT_MS, log, packageId } = this.#options;
    this.#stream = new ChaincodeStream(call, {
      chaincodeName,
      executeTimeoutMs,
      log,
      onReady: () => {
        this.#ready = true;
        for (const waiter of this.#waiters) waiter();
      },
      onEnd: (reason) => {
        this.#ready = false;
        this.#stream = undefined;
        log.warn({ packageId, reason }, 'chaincode went away; it may register again');
      },
    });
  }

  /** @returns false when it did not register in time */
  async whenReady(timeoutMs: number): Promise<boolean> {
    if (this.#ready) return true;
    return new Promise((resolve) => {
      const settle = (isReady: boolean) => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        resolve(isReady);
      };
      const waiter = () => settle(true);
      const timer = setTimeout(() => settle(false), timeoutMs);
      this.#waiters.add(waiter);
    });
  }

  /** @throws Error the peer's side failed; see ChaincodeStream.execute */
  async execute(invocation: ChaincodeInvocation): Promise<ChaincodeAnswer> {
    await this.whenReady(this.#options.readyTimeoutMs ?? READY_TIMEOUT_MS);
    if (this.#stream === undefined || !this.#ready) {
      const { chaincodeName, packageId } = this.#options;
      throw new Error(`could not launch chaincode ${chaincodeName}: nothing has registered as ${packageId}`);
    }
    return this.#stream.execute(invocation);
  }

  stop(): void {
    this.#stream?.cancel();
  }
}
