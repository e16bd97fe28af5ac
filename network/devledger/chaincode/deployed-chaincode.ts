import type { ChaincodeRuntime } from '../endorse/chaincode-calls.js';
import type { ChaincodeConnection } from './chaincode-connection.js';
import type { ChaincodeAnswer, ChaincodeInvocation } from './chaincode-stream.js';
import type { DialInChaincode } from './dial-in.js';

/**
 * A chaincode of which only its author knows which side connects: as a service it is connected to, else it dials in.
 * Whichever came first is used.
 */
export class DeployedChaincode implements ChaincodeRuntime {
  readonly dialIn: DialInChaincode;
  readonly #connection: ChaincodeConnection | undefined;

  constructor(parts: { readonly dialIn: DialInChaincode; readonly connection?: ChaincodeConnection }) {
    this.dialIn = parts.dialIn;
    this.#connection = parts.connection;
  }

  isReady(): boolean {
    return this.dialIn.isReady() || this.#connection?.isReady() === true;
  }

  /** @returns false when it did not come in time */
  async whenReady(timeoutMs: number): Promise<boolean> {
    const connected = this.#connection?.whenReady(timeoutMs).then(
      () => true,
      () => false,
    );
    const either = [this.dialIn.whenReady(timeoutMs), ...(connected === undefined ? [] : [connected])];
    const first = await Promise.race(either);
    return first || this.isReady();
  }

  async execute(invocation: ChaincodeInvocation): Promise<ChaincodeAnswer> {
    if (this.#connection === undefined || this.dialIn.isReady()) return this.dialIn.execute(invocation);
    return this.#connection.execute(invocation);
  }

  stop(): void {
    this.dialIn.stop();
    this.#connection?.stop();
  }
}
