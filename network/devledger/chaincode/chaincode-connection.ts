import { type ChannelCredentials, type ChannelOptions, Client, credentials } from '@grpc/grpc-js';
import { peer } from '@hyperledger/fabric-protos';
import type { Logger } from 'pino';
import { CHAINCODE_SHAPE, parseBounded } from '../services/message-bounds.js';
import { type ChaincodeAnswer, type ChaincodeInvocation, ChaincodeStream } from './chaincode-stream.js';

export interface ChaincodeConnectionOptions {
  readonly chaincodeName: string;
  /** host:port of the chaincode service. */
  readonly address: string;
  /** Plain where left out. */
  readonly tls?: ChaincodeTls;
  readonly log: Logger;
  /** How long one transaction may run; default 30 s, as Fabric's. */
  readonly executeTimeoutMs?: number;
  /** How long a transaction waits for a chaincode that is not there at the moment; default 3 s. */
  readonly readyTimeoutMs?: number;
}

/** What peer and chaincode service know each other by; PEM. */
export interface ChaincodeTls {
  /** The peer's own; left out where the service asks for none. */
  readonly certificatePem?: string;
  readonly keyPem?: string;
  /** Authority of the service's certificate. */
  readonly caPem: string;
  /** Name in it; that of the address where left out. */
  readonly serverName?: string;
}

/** Longest message between peer and chaincode, as between peer and client. */
export const MESSAGE_SIZE_MAX_BYTES = 32 * 1024 * 1024;
const EXECUTE_TIMEOUT_MS = 30_000;
const READY_TIMEOUT_MS = 3_000;
const REGISTER_TIMEOUT_MS = 5_000;
const RECONNECT_MIN_MS = 50;
const RECONNECT_MAX_MS = 1_000;
const STOPPED = 'the connection to the chaincode was stopped';

/**
 * A peer's connection to its chaincode service. Connects as a client, as Fabric does to chaincode-as-a-service, and
 * connects again whenever the chaincode goes away, until it is stopped.
 */
export class ChaincodeConnection {
  readonly #options: ChaincodeConnectionOptions;
  readonly #client: Client;
  readonly #waiters = new Set<(failure?: Error) => void>();
  #stream: ChaincodeStream | undefined;
  #ready = false;
  #stopped = false;
  #reconnectMs = RECONNECT_MIN_MS;
  #timer: NodeJS.Timeout | undefined;
  /** Why it is not connected. */
  #reason = 'it does not answer';

  constructor(options: ChaincodeConnectionOptions) {
    this.#options = options;
    const { credentials: shown, names } = securityOf(options.tls);
    this.#client = new Client(options.address, shown, {
      ...names,
      'grpc.max_receive_message_length': MESSAGE_SIZE_MAX_BYTES,
      'grpc.max_send_message_length': MESSAGE_SIZE_MAX_BYTES,
      'grpc.initial_reconnect_backoff_ms': RECONNECT_MIN_MS,
      'grpc.min_reconnect_backoff_ms': RECONNECT_MIN_MS,
      'grpc.max_reconnect_backoff_ms': RECONNECT_MAX_MS,
      // A stream is never made again by itself; being ready to would cost a layer and a copy for each message.
      'grpc.enable_retries': 0,
      // Channels to one address are otherwise shared, and one peer's lost stream would be another's.
      'grpc.use_local_subchannel_pool': 1,
    });
    this.#open();
  }

  isReady(): boolean {
    return this.#ready;
  }

  /** @throws Error when the chaincode is not there in time */
  async whenReady(timeoutMs: number): Promise<void> {
    if (this.#ready) return;
    if (this.#stopped) throw new Error(STOPPED);
    await new Promise<void>((resolve, reject) => {
      const { chaincodeName, address } = this.#options;
      const waiter = (failure?: Error) => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        if (failure === undefined) resolve();
        else reject(failure);
      };
      const timer = setTimeout(
        () =>
          waiter(
            new Error(`could not launch chaincode ${chaincodeName}: connection to ${address} failed: ${this.#reason}`),
          ),
        timeoutMs,
      );
      this.#waiters.add(waiter);
    });
  }

  /** @throws Error the peer's side failed; see ChaincodeStream.execute */
  async execute(invocation: ChaincodeInvocation): Promise<ChaincodeAnswer> {
    await this.whenReady(this.#options.readyTimeoutMs ?? READY_TIMEOUT_MS);
    if (this.#stream === undefined) throw new Error(STOPPED);
    return this.#stream.execute(invocation);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#stream?.cancel();
    this.#client.close();
    for (const waiter of this.#waiters) waiter(new Error(STOPPED));
  }

  #open(): void {
    const { chaincodeName, address, log } = this.#options;
    const { connect } = peer.ChaincodeService;
    const call = this.#client.makeBidiStreamRequest(connect.path, connect.requestSerialize, (bytes: Buffer) =>
      parseBounded(bytes, CHAINCODE_SHAPE, peer.ChaincodeMessage),
    );
    const registerTimer = setTimeout(() => call.cancel(), REGISTER_TIMEOUT_MS);
    this.#stream = new ChaincodeStream(call, {
      chaincodeName,
      executeTimeoutMs: this.#options.executeTimeoutMs ?? EXECUTE_TIMEOUT_MS,
      log,
      onReady: () => {
        clearTimeout(registerTimer);
        this.#onReady();
      },
      onEnd: (reason) => {
        clearTimeout(registerTimer);
        this.#reason = reason;
        if (this.#stopped) log.debug({ address }, 'connection to the chaincode stopped');
        else if (this.#ready) log.warn({ address, reason }, 'chaincode went away; connecting again');
        else log.debug({ address, reason }, 'chaincode is not there yet');
        this.#onEnd();
      },
    });
  }

  #onReady(): void {
    this.#ready = true;
    this.#reconnectMs = RECONNECT_MIN_MS;
    for (const waiter of this.#waiters) waiter();
  }

  #onEnd(): void {
    this.#ready = false;
    this.#stream = undefined;
    if (this.#stopped) return;
    this.#timer = setTimeout(() => this.#open(), this.#reconnectMs);
    this.#reconnectMs = Math.min(this.#reconnectMs * 2, RECONNECT_MAX_MS);
  }
}

function securityOf(tls: ChaincodeTls | undefined): { credentials: ChannelCredentials; names: ChannelOptions } {
  if (tls === undefined) return { credentials: credentials.createInsecure(), names: {} };
  const { caPem, keyPem, certificatePem, serverName } = tls;
  return {
    credentials: credentials.createSsl(Buffer.from(caPem), bytesOf(keyPem), bytesOf(certificatePem)),
    names:
      serverName === undefined
        ? {}
        : { 'grpc.ssl_target_name_override': serverName, 'grpc.default_authority': serverName },
  };
}

function bytesOf(pem: string | undefined): Buffer | null {
  return pem === undefined ? null : Buffer.from(pem);
}
