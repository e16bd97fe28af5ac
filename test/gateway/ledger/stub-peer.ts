import { verify, X509Certificate } from 'node:crypto';
import {
  Metadata,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  status,
  type StatusObject,
} from '@grpc/grpc-js';
import { common, gateway, google, msp, orderer, peer } from '@hyperledger/fabric-protos';
import { assemble, readProposal, type StubProposal } from './stub-envelope.js';
import type { StubChain, StubChaincode } from './stub-chain.js';

export type Stage = 'evaluate' | 'endorse' | 'submit' | 'commitStatus';

/** What goes wrong with one call: answered so instead of being done, or done and then not answered. */
export type Fault =
  | { readonly instead: Partial<StatusObject> }
  | { readonly loseReply: 'unavailable' | 'silence' }
  | { readonly afterwards: Partial<StatusObject> }
  /** Answered as if it were done. */
  | { readonly lost: true }
  | { readonly cutConnection: true };

export interface StubPeerOptions {
  readonly chain: StubChain;
  readonly chaincode: StubChaincode;
  /** Organisations in the order they endorse; the first is whose peer this is. */
  readonly mspIds: readonly string[];
  readonly tls: { readonly certificatePem: string; readonly keyPem: string };
  /** Of a peer that says it has committed fewer blocks than there are. */
  readonly height?: () => number;
  /** Asked before each call; `count` is how often this stage was called before. */
  readonly fault?: (stage: Stage, count: number) => Fault | undefined;
}

export interface PeerDetail {
  readonly mspId: string;
  readonly message: string;
}

/** An error as Fabric's gateway makes them: google.rpc.Status with a detail for each peer. */
export function rpcError(code: status, message: string, details: readonly PeerDetail[] = []): Partial<StatusObject> {
  const rpcStatus = new google.rpc.Status();
  rpcStatus.setCode(code);
  rpcStatus.setMessage(message);
  for (const detail of details) {
    const body = new gateway.ErrorDetail();
    body.setMspId(detail.mspId);
    body.setMessage(detail.message);
    body.setAddress(`${detail.mspId}:7051`);
    const any: { setTypeUrl(url: string): void; setValue(bytes: Uint8Array): void } = rpcStatus.addDetails();
    any.setTypeUrl('type.googleapis.com/gateway.ErrorDetail');
    any.setValue(body.serializeBinary());
  }
  const metadata = new Metadata();
  metadata.set('grpc-status-details-bin', Buffer.from(rpcStatus.serializeBinary()));
  return { code, details: message, metadata };
}

/** Fabric's Gateway and Deliver services in front of a StubChain, with faults on demand. Stop and start at will. */
export class StubPeer {
  readonly calls: { [stage in Stage]: number } = { evaluate: 0, endorse: 0, submit: 0, commitStatus: 0 };
  readonly #options: StubPeerOptions;
  #server: Server | undefined;
  port = 0;

  constructor(options: StubPeerOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const server = new Server();
    server.addService(gateway.GatewayService, {
      evaluate: this.#unary('evaluate', (request: gateway.EvaluateRequest) => this.#evaluate(request)),
      endorse: this.#unary('endorse', (request: gateway.EndorseRequest) => this.#endorse(request)),
      submit: this.#unary('submit', (request: gateway.SubmitRequest) => this.#submit(request)),
      commitStatus: this.#unary('commitStatus', (request: gateway.SignedCommitStatusRequest, cancelled) =>
        this.#commitStatus(request, cancelled),
      ),
      chaincodeEvents: () => undefined,
    });
    server.addService(peer.DeliverService, {
      deliver: (stream: ServerDuplexStream<common.Envelope, peer.DeliverResponse>) => this.#deliver(stream),
      deliverFiltered: () => undefined,
      deliverWithPrivateData: () => undefined,
    });
    const { certificatePem, keyPem } = this.#options.tls;
    const pair = { cert_chain: Buffer.from(certificatePem), private_key: Buffer.from(keyPem) };
    this.port = await new Promise((resolve, reject) => {
      server.bindAsync(`127.0.0.1:${this.port}`, ServerCredentials.createSsl(null, [pair]), (error, port) =>
        error === null ? resolve(port) : reject(error),
      );
    });
    this.#server = server;
  }

  /** Every connection is cut at once, as by kill -9. */
  kill(): void {
    this.#server?.forceShutdown();
    this.#server = undefined;
  }

  #unary<Request, Response>(stage: Stage, answer: (request: Request, cancelled: AbortSignal) => Promise<Response>) {
    return (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>) => {
      const fault = this.#options.fault?.(stage, this.calls[stage]++);
      if (fault !== undefined && 'instead' in fault) return callback(fault.instead);
      if (fault !== undefined && 'lost' in fault) return callback(null, new gateway.SubmitResponse() as Response);
      const cancelled = new AbortController();
      call.on('cancelled', () => cancelled.abort());
      answer(call.request, cancelled.signal).then(
        (response) => this.#reply(fault, () => callback(null, response), callback),
        (error) =>
          callback(error instanceof RpcError ? error.status : { code: status.INTERNAL, details: String(error) }),
      );
    };
  }

  #reply<Response>(fault: Fault | undefined, reply: () => void, callback: sendUnaryData<Response>): void {
    if (fault === undefined) reply();
    else if ('afterwards' in fault) callback(fault.afterwards);
    else if ('cutConnection' in fault) {
      this.kill();
      void this.start();
    } else if ('loseReply' in fault && fault.loseReply === 'unavailable')
      callback({ code: status.UNAVAILABLE, details: 'connection reset' });
  }

  async #evaluate(request: gateway.EvaluateRequest): Promise<gateway.EvaluateResponse> {
    const proposal = readProposal(request.getProposedTransaction());
    const [mspId = this.#options.mspIds[0] ?? ''] = request.getTargetOrganizationsList();
    const result = new peer.Response();
    result.setStatus(200);
    if (proposal.name === 'GetChainInfo') result.setPayload(this.#chainInfo());
    else if (proposal.chaincode === 'qscc')
      result.setPayload(this.#processedTransaction(mspId, proposal.args[1] ?? ''));
    else result.setPayload(Buffer.from(this.#simulate(proposal, mspId, status.UNKNOWN).payload));
    const response = new gateway.EvaluateResponse();
    response.setResult(result);
    return response;
  }

  #chainInfo(): Uint8Array {
    const info = new common.BlockchainInfo();
    info.setHeight(this.#options.height?.() ?? this.#options.chain.blocks.length);
    return info.serializeBinary();
  }

  #processedTransaction(mspId: string, txId: string): Uint8Array {
    const found = this.#options.chain.transaction(txId);
    if (found === undefined) {
      const message = `chaincode response 500, Failed to get transaction with id ${txId}, error no such transaction ID`;
      throw new RpcError(status.UNKNOWN, `evaluate call to endorser returned error: ${message}`, [{ mspId, message }]);
    }
    const processed = new peer.ProcessedTransaction();
    processed.setTransactionenvelope(found.envelope);
    processed.setValidationcode(found.code);
    return processed.serializeBinary();
  }

  async #endorse(request: gateway.EndorseRequest): Promise<gateway.EndorseResponse> {
    const signed = request.getProposedTransaction();
    const proposal = readProposal(signed);
    const named = request.getEndorsingOrganizationsList();
    const mspIds = named.length > 0 ? named : this.#options.mspIds.slice(0, 2);
    const results = mspIds.map((mspId) => this.#simulate(proposal, mspId, status.ABORTED).responsePayload);
    const [first = new Uint8Array()] = results;
    const odd = results.findIndex((payload) => Buffer.compare(payload, first) !== 0);
    if (odd >= 0)
      throw new RpcError(status.ABORTED, 'failed to collect enough transaction endorsements', [
        { mspId: mspIds[odd] ?? '', message: 'ProposalResponsePayloads do not match' },
      ]);
    const response = new gateway.EndorseResponse();
    response.setPreparedTransaction(assemble(proposal, first, mspIds));
    return response;
  }

  async #submit(request: gateway.SubmitRequest): Promise<gateway.SubmitResponse> {
    const envelope = request.getPreparedTransaction() ?? new common.Envelope();
    const payload = common.Payload.deserializeBinary(envelope.getPayload_asU8());
    const header = payload.getHeader()?.getSignatureHeader_asU8() ?? new Uint8Array();
    const creator = common.SignatureHeader.deserializeBinary(header).getCreator_asU8();
    const certificate = msp.SerializedIdentity.deserializeBinary(creator).getIdBytes_asU8();
    const { publicKey } = new X509Certificate(certificate);
    if (!verify('sha256', envelope.getPayload_asU8(), publicKey, envelope.getSignature_asU8()))
      throw new RpcError(status.ABORTED, 'received unsuccessful response from orderer: status=FORBIDDEN');
    this.#options.chain.order(envelope);
    return new gateway.SubmitResponse();
  }

  async #commitStatus(
    request: gateway.SignedCommitStatusRequest,
    cancelled: AbortSignal,
  ): Promise<gateway.CommitStatusResponse> {
    const txId = gateway.CommitStatusRequest.deserializeBinary(request.getRequest_asU8()).getTransactionId();
    const { chain } = this.#options;
    while (chain.transaction(txId) === undefined && !cancelled.aborted) await nextBlock(chain, cancelled);
    const found = chain.transaction(txId);
    if (found === undefined) throw new RpcError(status.CANCELLED, 'cancelled');
    const response = new gateway.CommitStatusResponse();
    response.setResult(found.code as ReturnType<gateway.CommitStatusResponse['getResult']>);
    response.setBlockNumber(found.blockNumber);
    return response;
  }

  #deliver(stream: ServerDuplexStream<common.Envelope, peer.DeliverResponse>): void {
    const { chain } = this.#options;
    const cancelled = new AbortController();
    stream.on('cancelled', () => cancelled.abort());
    stream.on('data', async (envelope: common.Envelope) => {
      const payload = common.Payload.deserializeBinary(envelope.getPayload_asU8());
      const seek = orderer.SeekInfo.deserializeBinary(payload.getData_asU8());
      let number = seek.getStart()?.getSpecified()?.getNumber() ?? chain.blocks.length;
      while (!cancelled.signal.aborted) {
        const block = chain.blocks[number];
        if (block === undefined) {
          await nextBlock(chain, cancelled.signal);
          continue;
        }
        const response = new peer.DeliverResponse();
        response.setBlock(block);
        stream.write(response);
        number += 1;
      }
    });
  }

  #simulate(proposal: StubProposal, mspId: string, code: status) {
    try {
      return this.#options.chain.simulate(this.#options.chaincode, { ...proposal, mspId });
    } catch (error) {
      const message = `chaincode response 500, ${error instanceof Error ? error.message : String(error)}`;
      throw new RpcError(code, 'see attached details', [{ mspId, message }]);
    }
  }
}

class RpcError extends Error {
  readonly status: Partial<StatusObject>;

  constructor(code: status, message: string, details: readonly PeerDetail[] = []) {
    super(message);
    this.status = rpcError(code, message, details);
  }
}

function nextBlock(chain: StubChain, cancelled: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stop();
      resolve();
    };
    const stop = chain.onBlock(done);
    cancelled.addEventListener('abort', done, { once: true });
  });
}
