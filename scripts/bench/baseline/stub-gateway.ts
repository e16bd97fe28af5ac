// Baseline, frozen: Fabric's Gateway service with nothing behind it, for measuring the client alone. Both sides of the
// figure call the same stub. test/network/bench holds the digest of this file.
//
//   node stub-gateway.js <port> <TLS certificate file> <TLS key file>
import { readFileSync } from 'node:fs';
import { Server, ServerCredentials, type sendUnaryData, type ServerUnaryCall, status } from '@grpc/grpc-js';
import { common, gateway, peer } from '@hyperledger/fabric-protos';

/** What a records:add comes to: the chaincode's answer, the read-write set, a peer's certificate and signature. */
const ANSWER_BYTES = 850;
const READ_WRITE_SET_BYTES = 3_400;
const ENDORSER_BYTES = 900;
const SIGNATURE_BYTES = 71;
const ENDORSEMENTS = 2;

const submitted = new Set<string>();

function endorse(request: gateway.EndorseRequest): gateway.EndorseResponse {
  const proposal = peer.Proposal.deserializeBinary(
    request.getProposedTransaction()?.getProposalBytes_asU8() ?? new Uint8Array(),
  );
  const header = common.Header.deserializeBinary(proposal.getHeader_asU8());
  const actionPayload = new peer.ChaincodeActionPayload();
  actionPayload.setChaincodeProposalPayload(proposal.getPayload_asU8());
  actionPayload.setAction(endorsedAction());
  const action = new peer.TransactionAction();
  action.setHeader(header.getSignatureHeader_asU8());
  action.setPayload(actionPayload.serializeBinary());
  const transaction = new peer.Transaction();
  transaction.setActionsList([action]);
  const payload = new common.Payload();
  payload.setHeader(header);
  payload.setData(transaction.serializeBinary());
  const envelope = new common.Envelope();
  envelope.setPayload(payload.serializeBinary());
  const response = new gateway.EndorseResponse();
  response.setPreparedTransaction(envelope);
  return response;
}

function endorsedAction(): peer.ChaincodeEndorsedAction {
  const answer = new peer.Response();
  answer.setStatus(200);
  answer.setPayload(Buffer.alloc(ANSWER_BYTES, 'a'));
  const chaincodeAction = new peer.ChaincodeAction();
  chaincodeAction.setResults(Buffer.alloc(READ_WRITE_SET_BYTES, 'r'));
  chaincodeAction.setResponse(answer);
  const responsePayload = new peer.ProposalResponsePayload();
  responsePayload.setProposalHash(new Uint8Array(32));
  responsePayload.setExtension$(chaincodeAction.serializeBinary());
  const action = new peer.ChaincodeEndorsedAction();
  action.setProposalResponsePayload(responsePayload.serializeBinary());
  action.setEndorsementsList(
    Array.from({ length: ENDORSEMENTS }, () => {
      const endorsement = new peer.Endorsement();
      endorsement.setEndorser(Buffer.alloc(ENDORSER_BYTES, 'c'));
      endorsement.setSignature(Buffer.alloc(SIGNATURE_BYTES, 's'));
      return endorsement;
    }),
  );
  return action;
}

function submit(request: gateway.SubmitRequest): gateway.SubmitResponse {
  submitted.add(request.getTransactionId());
  return new gateway.SubmitResponse();
}

function commitStatus(signed: gateway.SignedCommitStatusRequest): gateway.CommitStatusResponse {
  const request = gateway.CommitStatusRequest.deserializeBinary(signed.getRequest_asU8());
  const response = new gateway.CommitStatusResponse();
  const { VALID, NIL_ENVELOPE } = peer.TxValidationCode;
  response.setResult(submitted.has(request.getTransactionId()) ? VALID : NIL_ENVELOPE);
  response.setBlockNumber(submitted.size);
  return response;
}

function unary<Request, Response>(answer: (request: Request) => Response) {
  return (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>) => {
    callback(null, answer(call.request));
  };
}

function refuse(_call: unknown, callback: sendUnaryData<never>): void {
  callback({ code: status.UNIMPLEMENTED, details: 'not part of this stub' });
}

const [port = '0', certificateFile = '', keyFile = ''] = process.argv.slice(2);
const server = new Server();
server.addService(gateway.GatewayService, {
  evaluate: refuse,
  endorse: unary(endorse),
  submit: unary(submit),
  commitStatus: unary(commitStatus),
  chaincodeEvents: (call: { destroy(): void }) => call.destroy(),
});
const pair = { cert_chain: readFileSync(certificateFile), private_key: readFileSync(keyFile) };
server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createSsl(null, [pair]), (error) => {
  if (error !== null) throw error;
  process.stdout.write(`${JSON.stringify({ ready: true })}\n`);
});
