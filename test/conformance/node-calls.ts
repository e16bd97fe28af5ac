import { readFileSync } from 'node:fs';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { common, gateway, orderer, peer } from '@hyperledger/fabric-protos';
import { authorityPaths, organisationFolder, tlsCaBundle } from '../../network/identities/index.js';
import { ORDERER_DOMAIN } from '../../network/topology.js';
import type { LedgerUnderTest, PeerEndpoint } from './ledger-under-test.js';
import type { MemberClient, StubCall } from './member-client.js';
import { alteredProposal, type ProposalChange, signerOf } from './signed-messages.js';
import { headerParts } from './transaction-parts.js';

/** Calls of Fabric's services below the gateway's: those of its own tools, and of SDKs older than the gateway. */

/** A connection to a peer. */
export function connectPeer(ledger: LedgerUnderTest, mspId: string): Client {
  return connectTo(ledger.endpointOf(mspId), tlsCaBundle(ledger.dataDir, ledger.topology));
}

/** A connection to the first orderer. */
export function connectOrderer({ dataDir, topology }: LedgerUnderTest): Client {
  const [first] = topology.orderers;
  const folder = organisationFolder(dataDir, ORDERER_DOMAIN, 'orderer');
  const caPem = readFileSync(authorityPaths(folder, ORDERER_DOMAIN, 'tlsca').certificate, 'utf8');
  return connectTo({ address: `127.0.0.1:${first?.port}`, host: first?.host ?? '' }, caPem);
}

function connectTo({ address, host }: PeerEndpoint, caPem: string): Client {
  return new Client(address, credentials.createSsl(Buffer.from(caPem)), {
    'grpc.ssl_target_name_override': host,
    'grpc.use_local_subchannel_pool': 1,
  });
}

/** A signed proposal of the conformance chaincode. */
export function signedProposal(
  client: MemberClient,
  calls: readonly StubCall[],
  change: ProposalChange = {},
): peer.SignedProposal {
  const bytes = alteredProposal(client, calls, change).getBytes();
  return gateway.ProposedTransaction.deserializeBinary(bytes).getProposal() ?? new peer.SignedProposal();
}

/** A signed proposal to any chaincode, also to the peer itself where the channel is empty. */
export function proposalTo(
  client: MemberClient,
  chaincode: string,
  { channel, args }: { readonly channel: string; readonly args: readonly string[] },
): peer.SignedProposal {
  const id = new peer.ChaincodeID();
  id.setName(chaincode);
  const extension = new peer.ChaincodeHeaderExtension();
  extension.setChaincodeId(id);
  const input = new peer.ChaincodeInput();
  input.setArgsList(args.map((arg) => Buffer.from(arg)));
  const spec = new peer.ChaincodeSpec();
  spec.setChaincodeId(id);
  spec.setInput(input);
  const invocation = new peer.ChaincodeInvocationSpec();
  invocation.setChaincodeSpec(spec);
  const payload = new peer.ChaincodeProposalPayload();
  payload.setInput(invocation.serializeBinary());
  // Everything else of the header is that of a proposal that the client library makes.
  const honest = signedProposal(client, []);
  const proposal = peer.Proposal.deserializeBinary(honest.getProposalBytes_asU8());
  const header = common.Header.deserializeBinary(proposal.getHeader_asU8());
  const { channelHeader } = headerParts(header);
  channelHeader.setChannelId(channel);
  channelHeader.setExtension$(extension.serializeBinary());
  header.setChannelHeader(channelHeader.serializeBinary());
  proposal.setHeader(header.serializeBinary());
  proposal.setPayload(payload.serializeBinary());
  const signed = new peer.SignedProposal();
  signed.setProposalBytes(proposal.serializeBinary());
  signed.setSignature(signerOf(client.member)(signed.getProposalBytes_asU8()));
  return signed;
}

/** @returns the answer, or gRPC status and text of a call that failed */
export function processProposal(
  node: Client,
  signed: peer.SignedProposal,
): Promise<peer.ProposalResponse | { readonly code: number; readonly message: string }> {
  return new Promise((resolve) => {
    node.makeUnaryRequest(
      '/protos.Endorser/ProcessProposal',
      (message: peer.SignedProposal) => Buffer.from(message.serializeBinary()),
      peer.ProposalResponse.deserializeBinary,
      signed,
      (error: ServiceError | null, response) =>
        resolve(
          error === null && response !== undefined
            ? response
            : { code: error?.code ?? -1, message: error?.details ?? '' },
        ),
    );
  });
}

/** @throws Error the call failed */
export async function endorsedBy(node: Client, signed: peer.SignedProposal): Promise<peer.ProposalResponse> {
  const answer = await processProposal(node, signed);
  if ('code' in answer) throw new Error(answer.message);
  return answer;
}

/** The transaction that a client makes of what peers signed. */
export function transactionOf(
  client: MemberClient,
  signed: peer.SignedProposal,
  answers: readonly peer.ProposalResponse[],
): { readonly txId: string; readonly envelope: common.Envelope } {
  const proposal = peer.Proposal.deserializeBinary(signed.getProposalBytes_asU8());
  const header = common.Header.deserializeBinary(proposal.getHeader_asU8());
  const endorsed = new peer.ChaincodeEndorsedAction();
  endorsed.setProposalResponsePayload(answers[0]?.getPayload_asU8() ?? new Uint8Array());
  endorsed.setEndorsementsList(answers.flatMap((answer) => answer.getEndorsement() ?? []));
  const action = new peer.ChaincodeActionPayload();
  const withoutTransient = peer.ChaincodeProposalPayload.deserializeBinary(proposal.getPayload_asU8());
  withoutTransient.getTransientmapMap().clear();
  action.setChaincodeProposalPayload(withoutTransient.serializeBinary());
  action.setAction(endorsed);
  const only = new peer.TransactionAction();
  only.setHeader(header.getSignatureHeader_asU8());
  only.setPayload(action.serializeBinary());
  const transaction = new peer.Transaction();
  transaction.setActionsList([only]);
  const payload = new common.Payload();
  payload.setHeader(header);
  payload.setData(transaction.serializeBinary());
  return { txId: headerParts(header).channelHeader.getTxId(), envelope: signedEnvelope(client, payload) };
}

/** Of a type and a channel; the data is nothing. */
export function envelopeOf(client: MemberClient, type: number, channel: string): common.Envelope {
  const proposal = peer.Proposal.deserializeBinary(signedProposal(client, []).getProposalBytes_asU8());
  const header = common.Header.deserializeBinary(proposal.getHeader_asU8());
  const { channelHeader } = headerParts(header);
  channelHeader.setType(type as 0);
  channelHeader.setChannelId(channel);
  header.setChannelHeader(channelHeader.serializeBinary());
  const payload = new common.Payload();
  payload.setHeader(header);
  return signedEnvelope(client, payload);
}

function signedEnvelope(client: MemberClient, payload: common.Payload): common.Envelope {
  const envelope = new common.Envelope();
  envelope.setPayload(payload.serializeBinary());
  envelope.setSignature(signerOf(client.member)(envelope.getPayload_asU8()));
  return envelope;
}

/**
 * Hands envelopes to an orderer on one stream, all at once.
 *
 * @returns what it answered until it ended the stream, or until each had its answer
 */
export function broadcast(node: Client, envelopes: readonly common.Envelope[]): Promise<orderer.BroadcastResponse[]> {
  return new Promise((resolve, reject) => {
    const call = node.makeBidiStreamRequest(
      '/orderer.AtomicBroadcast/Broadcast',
      (message: common.Envelope) => Buffer.from(message.serializeBinary()),
      orderer.BroadcastResponse.deserializeBinary,
    );
    const answers: orderer.BroadcastResponse[] = [];
    call.on('data', (answer: orderer.BroadcastResponse) => {
      answers.push(answer);
      if (answers.length === envelopes.length) call.end();
    });
    call.on('end', () => resolve(answers));
    call.on('error', reject);
    for (const envelope of envelopes) call.write(envelope);
  });
}
