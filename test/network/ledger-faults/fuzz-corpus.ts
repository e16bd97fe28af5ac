import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { common, gateway, peer } from '@hyperledger/fabric-protos';
import { signLowS } from '../../../network/devledger/low-s.js';
import type { StrangerClient } from '../ledger-product/stranger.js';

export type UnaryName = 'Evaluate' | 'Endorse' | 'Submit' | 'CommitStatus';

/** Right bytes of each kind of request, and how a member signs what was changed. */
export interface Corpus {
  readonly proposals: readonly Uint8Array[];
  readonly envelopePayloads: readonly Uint8Array[];
  readonly statusRequests: readonly Uint8Array[];
  readonly eventRequests: readonly Uint8Array[];
  readonly seekPayloads: readonly Uint8Array[];
  readonly unary: Readonly<Record<UnaryName, readonly Uint8Array[]>>;
  readonly seeks: readonly Uint8Array[];
  /** The request with the member's signature under these bytes. */
  signed(name: UnaryName, bytes: Uint8Array): Uint8Array;
  signedEnvelope(payload: Uint8Array): Uint8Array;
  /** protos.SignedProposal */
  signedProposal(bytes: Uint8Array): Uint8Array;
}

const { EvaluateRequest, EndorseRequest, SubmitRequest, SignedCommitStatusRequest, ProposedTransaction } = gateway;

export async function fuzzCorpus(client: StrangerClient, dataDir: string): Promise<Corpus> {
  const key = memberKey(dataDir);
  const proposals: Uint8Array[] = [];
  for (const args of [['mychannel'], ['mychannel', '1'], ['x'.repeat(2000), 'mychannel']]) {
    const proposal = client.contract('qscc').newProposal('GetBlockByNumber', { arguments: args });
    const bytes = ProposedTransaction.deserializeBinary(proposal.getBytes()).getProposal()?.getProposalBytes_asU8();
    proposals.push(bytes ?? new Uint8Array());
  }
  const put = client.contract('notes').newProposal('put', { arguments: ['a', 'x'] });
  const endorsed = await put.endorse();
  const prepared = gateway.PreparedTransaction.deserializeBinary(endorsed.getBytes()).getEnvelope();
  const envelopePayloads = [prepared?.getPayload_asU8() ?? new Uint8Array()];
  const commit = await endorsed.submit();
  const statusRequests = [SignedCommitStatusRequest.deserializeBinary(commit.getBytes()).getRequest_asU8()];
  const network = client.gateway.getNetwork('mychannel');
  const events = network.newChaincodeEventsRequest('notes', { startBlock: 0n }).getBytes();
  // Its fields are those of a signed request for a status.
  const eventRequests = [SignedCommitStatusRequest.deserializeBinary(events).getRequest_asU8()];
  const seek = network.newBlockEventsRequest({ startBlock: 0n }).getBytes();
  const seekPayloads = [common.Envelope.deserializeBinary(seek).getPayload_asU8()];
  const signed = (name: UnaryName, bytes: Uint8Array) => SIGNED[name](bytes, signLowS(key, bytes));
  const signedEnvelope = (payload: Uint8Array) => envelopeOf(payload, signLowS(key, payload)).serializeBinary();
  const each = (name: UnaryName, all: readonly Uint8Array[]) => all.map((bytes) => signed(name, bytes));
  return {
    proposals,
    envelopePayloads,
    statusRequests,
    eventRequests,
    seekPayloads,
    seeks: seekPayloads.map(signedEnvelope),
    unary: {
      Evaluate: each('Evaluate', proposals),
      Endorse: each('Endorse', proposals),
      Submit: each('Submit', envelopePayloads),
      CommitStatus: each('CommitStatus', statusRequests),
    },
    signed,
    signedEnvelope,
    signedProposal: (bytes) => signedProposal(bytes, signLowS(key, bytes)).serializeBinary(),
  };
}

const SIGNED: Record<UnaryName, (bytes: Uint8Array, signature: Uint8Array) => Uint8Array> = {
  Evaluate: (bytes, signature) => {
    const request = new EvaluateRequest();
    request.setChannelId('mychannel');
    request.setProposedTransaction(signedProposal(bytes, signature));
    return request.serializeBinary();
  },
  Endorse: (bytes, signature) => {
    const request = new EndorseRequest();
    request.setChannelId('mychannel');
    request.setProposedTransaction(signedProposal(bytes, signature));
    return request.serializeBinary();
  },
  Submit: (bytes, signature) => {
    const request = new SubmitRequest();
    request.setChannelId('mychannel');
    request.setPreparedTransaction(envelopeOf(bytes, signature));
    return request.serializeBinary();
  },
  CommitStatus: (bytes, signature) => {
    const request = new SignedCommitStatusRequest();
    request.setRequest(bytes);
    request.setSignature(signature);
    return request.serializeBinary();
  },
};

function signedProposal(bytes: Uint8Array, signature: Uint8Array): peer.SignedProposal {
  const proposal = new peer.SignedProposal();
  proposal.setProposalBytes(bytes);
  proposal.setSignature(signature);
  return proposal;
}

function envelopeOf(payload: Uint8Array, signature: Uint8Array): common.Envelope {
  const envelope = new common.Envelope();
  envelope.setPayload(payload);
  envelope.setSignature(signature);
  return envelope;
}

function memberKey(dataDir: string): KeyObject {
  const user = 'organizations/peerOrganizations/org1.example.com/users/User1@org1.example.com';
  return createPrivateKey(readFileSync(join(dataDir, user, 'msp/keystore/priv_sk')));
}
