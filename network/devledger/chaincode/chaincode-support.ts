import { EventEmitter } from 'node:events';
import { type ServerDuplexStream, type ServiceDefinition, Server, ServerCredentials, status } from '@grpc/grpc-js';
import { peer } from '@hyperledger/fabric-protos';
import type { Logger } from 'pino';
import { MESSAGE_SIZE_MAX_BYTES } from './chaincode-connection.js';
import { CHAINCODE_SHAPE, parseBounded } from '../services/message-bounds.js';
import type { ChaincodeCall } from './chaincode-stream.js';
import type { DialInChaincode } from './dial-in.js';
import { parseMessage } from '../wire/parse-message.js';

export interface ChaincodeSupportOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Plain where left out. */
  readonly tls?: { readonly certificatePem: string; readonly keyPem: string; readonly caPem: string };
  readonly log: Logger;
  /** The chaincode that this package id belongs to. */
  readonly find: (packageId: string) => DialInChaincode | undefined;
}

export interface ChaincodeSupport {
  /** host:port for `peer.address` of a chaincode. */
  readonly address: string;
  stop(): Promise<void>;
}

type RegisterStream = ServerDuplexStream<Uint8Array, peer.ChaincodeMessage>;

/** Whoever connects and says nothing is cut off. */
const REGISTER_TIMEOUT_MS = 5_000;
/** A chaincode needs one. */
const STREAMS_PER_CONNECTION_MAX = 100;

/**
 * What a chaincode dials in to: protos.ChaincodeSupport, which a peer of Fabric offers at its chaincode listen address.
 * With TLS each chaincode shows the certificate that was made for it; without, as on Fabric's peers in development,
 * whoever reaches the port may be one: bind it to loopback.
 *
 * @throws Error the port is taken
 */
export async function startChaincodeSupport(options: ChaincodeSupportOptions): Promise<ChaincodeSupport> {
  const server = new Server({
    'grpc.max_receive_message_length': MESSAGE_SIZE_MAX_BYTES,
    'grpc.max_send_message_length': MESSAGE_SIZE_MAX_BYTES,
    'grpc.max_concurrent_streams': STREAMS_PER_CONNECTION_MAX,
  });
  const { register: registering } = peer.ChaincodeSupportService;
  // Parsed here: a stream that grpc-js could not parse a message of takes no further one and does not end.
  const requestDeserialize = (bytes: Buffer) => bytes;
  const definition: ServiceDefinition = { register: { ...registering, requestDeserialize } };
  server.addService(definition, {
    register: (stream: RegisterStream) => register(stream, options),
  });
  const { host } = options;
  const port = await bind(server, credentialsOf(options), options);
  return {
    address: `${host}:${port}`,
    // Its streams never end by themselves.
    stop: async () => server.forceShutdown(),
  };
}

function credentialsOf({ tls }: ChaincodeSupportOptions): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const pair = { private_key: Buffer.from(tls.keyPem), cert_chain: Buffer.from(tls.certificatePem) };
  return ServerCredentials.createSsl(Buffer.from(tls.caPem), [pair], true);
}

function bind(
  server: Server,
  credentials: ServerCredentials,
  { host, port }: Pick<ChaincodeSupportOptions, 'host' | 'port'>,
): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`${host}:${port}`, credentials, (error, boundPort) => {
      if (error === null) return resolve(boundPort);
      const taken = error.message.includes('EADDRINUSE') ? 'is taken' : `cannot be used (${error.message})`;
      const advice = 'stop what uses it, or choose another chaincodePort in the topology';
      reject(new Error(`Port ${port} of ${host}, where chaincode dials in, ${taken}: ${advice}.`, { cause: error }));
    });
  });
}

function register(stream: RegisterStream, { find, log }: ChaincodeSupportOptions): void {
  const refuse = (message: string) => {
    log.warn({ reason: message }, 'a chaincode was refused');
    stream.emit('error', Object.assign(new Error(message), { code: status.FAILED_PRECONDITION, details: message }));
  };
  const timer = setTimeout(() => refuse('it did not register in time'), REGISTER_TIMEOUT_MS);
  // Without a listener an aborted stream would end the process.
  stream.on('error', (error) => log.debug({ reason: error.message }, 'a chaincode stream failed'));
  stream.once('data', (bytes: Uint8Array) => {
    clearTimeout(timer);
    const message = readMessage(bytes);
    const packageId = readPackageId(message);
    if (message === undefined || packageId === undefined)
      return refuse('the first message of a chaincode is not REGISTER');
    const chaincode = find(packageId);
    if (chaincode === undefined) return refuse(`no chaincode ${packageId} is deployed on this peer`);
    const certificateDer = stream.getAuthContext().sslPeerCertificate?.raw;
    if (!chaincode.admits(certificateDer)) {
      return refuse(`Chaincode ${packageId} with the given certificate belongs to a different chaincode`);
    }
    if (chaincode.isTaken()) return refuse(`duplicate chaincodeID: ${packageId}`);
    const call = new AcceptedCall(stream);
    chaincode.attach(call);
    call.emit('data', message);
  });
  stream.once('close', () => clearTimeout(timer));
  // Its other half would stay open, with all that belongs to it.
  stream.once('end', () => stream.end());
}

/** @returns undefined for what is no message */
function readMessage(bytes: Uint8Array): peer.ChaincodeMessage | undefined {
  try {
    return parseBounded(bytes, CHAINCODE_SHAPE, peer.ChaincodeMessage);
  } catch {
    return undefined;
  }
}

function readPackageId(message: peer.ChaincodeMessage | undefined): string | undefined {
  if (message?.getType() !== peer.ChaincodeMessage.Type.REGISTER) return undefined;
  try {
    return parseMessage(peer.ChaincodeID, message.getPayload_asU8()).getName();
  } catch {
    // Not a chaincode id: the caller says what was expected.
    return undefined;
  }
}

/** A stream that was opened by the chaincode, seen as one that was opened by the peer. */
class AcceptedCall extends EventEmitter implements ChaincodeCall {
  readonly #stream: RegisterStream;

  constructor(stream: RegisterStream) {
    super();
    this.#stream = stream;
    stream.on('data', (bytes: Uint8Array) => {
      const message = readMessage(bytes);
      if (message !== undefined) return this.emit('data', message);
      stream.end();
      return this.emit('error', new Error('it sent what is no message'));
    });
    for (const event of ['end', 'close', 'cancelled']) stream.on(event, () => this.emit('end'));
    stream.on('error', (error) => this.emit('error', error));
    stream.on('drain', () => this.emit('drain'));
  }

  write(message: peer.ChaincodeMessage): boolean {
    return this.#stream.write(message);
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  cancel(): void {
    this.#stream.end();
  }
}
