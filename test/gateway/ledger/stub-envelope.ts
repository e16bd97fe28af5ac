import { common, msp, peer } from '@hyperledger/fabric-protos';
import { serializedIdentity } from './stub-chain.js';

export type StubProposal = ReturnType<typeof readProposal>;

export function readProposal(signed: peer.SignedProposal | undefined) {
  const proposal = peer.Proposal.deserializeBinary(signed?.getProposalBytes_asU8() ?? new Uint8Array());
  const header = common.Header.deserializeBinary(proposal.getHeader_asU8());
  const channelHeader = common.ChannelHeader.deserializeBinary(header.getChannelHeader_asU8());
  const signatureHeader = common.SignatureHeader.deserializeBinary(header.getSignatureHeader_asU8());
  const creator = msp.SerializedIdentity.deserializeBinary(signatureHeader.getCreator_asU8());
  const payload = peer.ChaincodeProposalPayload.deserializeBinary(proposal.getPayload_asU8());
  const spec = peer.ChaincodeInvocationSpec.deserializeBinary(payload.getInput_asU8()).getChaincodeSpec();
  const [name = '', ...args] = (spec?.getInput()?.getArgsList_asU8() ?? []).map((arg) => Buffer.from(arg).toString());
  const time = channelHeader.getTimestamp();
  return {
    header,
    payload: proposal.getPayload_asU8(),
    chaincode: spec?.getChaincodeId()?.getName() ?? '',
    name,
    args,
    txId: channelHeader.getTxId(),
    timestampMs: (time?.getSeconds() ?? 0) * 1000 + Math.floor((time?.getNanos() ?? 0) / 1e6),
    creatorMspId: creator.getMspid(),
    creatorCertificatePem: Buffer.from(creator.getIdBytes_asU8()).toString(),
    proposalHash: new Uint8Array(32),
  };
}

/** What the orderer is handed: a proposal with the endorsements of its answer. */
export function assemble(
  proposal: StubProposal,
  responsePayload: Uint8Array,
  mspIds: readonly string[],
): common.Envelope {
  const endorsed = new peer.ChaincodeEndorsedAction();
  endorsed.setProposalResponsePayload(responsePayload);
  endorsed.setEndorsementsList(
    mspIds.map((mspId) => {
      const endorsement = new peer.Endorsement();
      endorsement.setEndorser(serializedIdentity(mspId, 'the certificate of a peer'));
      endorsement.setSignature(new Uint8Array(70));
      return endorsement;
    }),
  );
  const actionPayload = new peer.ChaincodeActionPayload();
  actionPayload.setChaincodeProposalPayload(proposal.payload);
  actionPayload.setAction(endorsed);
  const action = new peer.TransactionAction();
  action.setHeader(proposal.header.getSignatureHeader_asU8());
  action.setPayload(actionPayload.serializeBinary());
  const transaction = new peer.Transaction();
  transaction.setActionsList([action]);
  const payload = new common.Payload();
  payload.setHeader(proposal.header);
  payload.setData(transaction.serializeBinary());
  const envelope = new common.Envelope();
  envelope.setPayload(payload.serializeBinary());
  return envelope;
}
