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
  /** What an endorser misses in it, and a gateway before it does not look at. */
  readonly missing: string | undefined;
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
  return parseWith(signedProposal, gatewaySpec);
}

/** The same as an endorser takes it: also one to the peer itself, which names no channel. */
export function parseAnyProposal(signedProposal: peer.SignedProposal | undefined): Proposal {
  return parseWith(signedProposal, endorserSpec);
}

function parseWith(signedProposal: peer.SignedProposal | undefined, specOf: typeof gatewaySpec): Proposal {
  const proposalBytes = signedProposal?.getProposalBytes_asU8();
  if (signedProposal === undefined || proposalBytes === undefined || proposalBytes.length === 0) {
    throw new Error('a signed proposal is required');
  }
  const proposal = parseMessage(peer.Proposal, proposalBytes);
  const header = parseMessage(common.Header, proposal.getHeader_asU8());
  const channelHeader = parseMessage(common.ChannelHeader, header.getChannelHeader_asU8());
  const signatureHeader = parseMessage(common.SignatureHeader, header.getSignatureHeader_asU8());
  const payload = parseMessage(peer.ChaincodeProposalPayload, proposal.getPayload_asU8());
  const invocationSpec = payload.getInput_asU8();
  const spec = parseMessage(peer.ChaincodeInvocationSpec, invocationSpec).getChaincodeSpec();
  const { specified, input } = specOf(spec, channelHeader.getChannelId());
  const id = parseMessage(peer.ChaincodeHeaderExtension, channelHeader.getExtension_asU8()).getChaincodeId();
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
    chaincodeName: id?.getName() || specified,
    missing: missingPart(id, input),
    args: input?.getArgsList_asU8() ?? [],
    hasTransientData: payload.getTransientmapMap().getLength() > 0,
    input: input?.serializeBinary() ?? new Uint8Array(),
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

interface SpecifiedCall {
  /** Name of the chaincode, where the header may lack it. */
  readonly specified: string;
  readonly input: peer.ChaincodeInput | undefined;
}

/** @see Fabric internal/pkg/gateway/evaluate.go, getChannelAndChaincodeFromSignedProposal */
function gatewaySpec(spec: peer.ChaincodeSpec | undefined, channel: string): SpecifiedCall {
  if (channel === '') throw new Error('no channel id provided');
  if (spec === undefined) throw new Error(`no chaincode spec is provided, channel id [${channel}]`);
  const id = spec.getChaincodeId();
  if (id === undefined) throw new Error(`no chaincode id is provided, channel id [${channel}]`);
  if (id.getName() === '') throw new Error(`no chaincode name is provided, channel id [${channel}]`);
  return { specified: id.getName(), input: spec.getInput() };
}

function endorserSpec(spec: peer.ChaincodeSpec | undefined): SpecifiedCall {
  if (spec === undefined) throw new Error('chaincode invocation spec did not contain chaincode spec');
  return { specified: '', input: spec.getInput() };
}

function missingPart(id: peer.ChaincodeID | undefined, input: peer.ChaincodeInput | undefined): string | undefined {
  if (id === undefined) return 'ChaincodeHeaderExtension.ChaincodeId is nil';
  if (id.getName() === '') return 'ChaincodeHeaderExtension.ChaincodeId.Name is empty';
  return input === undefined ? 'chaincode input did not contain any input' : undefined;
}
