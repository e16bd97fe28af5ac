import { createHash } from 'node:crypto';
import { common, peer } from '@hyperledger/fabric-protos';
import { parseMessage } from '../wire/parse-message.js';

/** A signed proposal taken apart once; every peer that simulates it works from this. */
export interface Proposal {
  readonly signedProposal: peer.SignedProposal;
  readonly proposalBytes: Uint8Array;
  readonly signature: Uint8Array;
  readonly header: common.Header;
  readonly headerType: number;
  readonly epoch: number;
  readonly channel: string;
  readonly txId: string;
  /** The client's claim. */
  readonly timestampMs: number;
  /** Serialised msp.SerializedIdentity. */
  readonly creator: Uint8Array;
  readonly nonce: Uint8Array;
  readonly chaincodeName: string;
  readonly args: readonly Uint8Array[];
  /** Whether it carries data that goes to endorsers and not into the transaction. */
  readonly hasTransientData: boolean;
  /** Serialised ChaincodeInput, as the chaincode gets it. */
  readonly input: Uint8Array;
  /** Serialised ChaincodeProposalPayload without the transient map: the part that goes into the transaction. */
  readonly payloadWithoutTransient: Uint8Array;
  /** SHA-256 over channel header, signature header and payload without the transient map. */
  readonly proposalHash: Uint8Array;
}

/**
 * @throws Error a part is missing or not the message it has to be; nothing is verified yet
 * @see Fabric core/endorser/msgvalidation.go, UnpackProposal
 */
export function parseProposal(signedProposal: peer.SignedProposal | undefined): Proposal {
  const proposal = parseAnyProposal(signedProposal);
  if (proposal.channel === '') throw new Error('no channel id provided');
  return proposal;
}

/** The same, also for one to the peer itself, which names no channel. */
export function parseAnyProposal(signedProposal: peer.SignedProposal | undefined): Proposal {
  const proposalBytes = signedProposal?.getProposalBytes_asU8();
  if (signedProposal === undefined || proposalBytes === undefined || proposalBytes.length === 0) {
    throw new Error('a signed proposal is required');
  }
  const proposal = parseMessage(peer.Proposal, proposalBytes);
  const header = parseMessage(common.Header, proposal.getHeader_asU8());
  const { channelHeader, chaincodeName } = parseChannelHeader(header.getChannelHeader_asU8());
  const signatureHeader = parseMessage(common.SignatureHeader, header.getSignatureHeader_asU8());
  const { input, invocationSpec, hasTransientData } = parsePayload(proposal.getPayload_asU8());
  const withoutTransient = new peer.ChaincodeProposalPayload();
  withoutTransient.setInput(invocationSpec);
  const payloadWithoutTransient = withoutTransient.serializeBinary();
  return {
    signedProposal,
    proposalBytes,
    signature: signedProposal.getSignature_asU8(),
    header,
    headerType: channelHeader.getType(),
    epoch: channelHeader.getEpoch(),
    channel: channelHeader.getChannelId(),
    txId: channelHeader.getTxId(),
    timestampMs: timestampOf(channelHeader),
    creator: signatureHeader.getCreator_asU8(),
    nonce: signatureHeader.getNonce_asU8(),
    chaincodeName,
    args: input.getArgsList_asU8(),
    hasTransientData,
    input: input.serializeBinary(),
    payloadWithoutTransient,
    proposalHash: createHash('sha256')
      .update(header.getChannelHeader_asU8())
      .update(header.getSignatureHeader_asU8())
      .update(payloadWithoutTransient)
      .digest(),
  };
}

/** Time in a channel header; 0 when it has none. */
export function timestampOf(channelHeader: common.ChannelHeader): number {
  const timestamp: { getSeconds(): number; getNanos(): number } | undefined = channelHeader.getTimestamp();
  if (timestamp === undefined) return 0;
  return timestamp.getSeconds() * 1000 + Math.floor(timestamp.getNanos() / 1_000_000);
}

function parseChannelHeader(bytes: Uint8Array): { channelHeader: common.ChannelHeader; chaincodeName: string } {
  const channelHeader = parseMessage(common.ChannelHeader, bytes);
  const extension = parseMessage(peer.ChaincodeHeaderExtension, channelHeader.getExtension_asU8());
  const chaincodeName = extension.getChaincodeId()?.getName() ?? '';
  if (chaincodeName === '') throw new Error('ChaincodeHeaderExtension.ChaincodeId.Name is empty');
  return { channelHeader, chaincodeName };
}

function parsePayload(bytes: Uint8Array): {
  input: peer.ChaincodeInput;
  invocationSpec: Uint8Array;
  hasTransientData: boolean;
} {
  const payload = parseMessage(peer.ChaincodeProposalPayload, bytes);
  const invocationSpec = payload.getInput_asU8();
  const spec = parseMessage(peer.ChaincodeInvocationSpec, invocationSpec).getChaincodeSpec();
  if (spec === undefined) throw new Error('chaincode invocation spec did not contain chaincode spec');
  const input = spec.getInput();
  if (input === undefined) throw new Error('chaincode input did not contain any input');
  return { input, invocationSpec, hasTransientData: payload.getTransientmapMap().getLength() > 0 };
}
