import type { KeyObject } from 'node:crypto';
import type { Contract, Gateway, Proposal } from '@hyperledger/fabric-gateway';
import { gateway as messages, peer } from '@hyperledger/fabric-protos';
import { signLowS } from '../../network/devledger/low-s.js';

/**
 * A call as `peer chaincode invoke --isInit` makes it. The client library has no word for it: the flag is set in the
 * proposal's bytes, which are signed anew.
 */
export function initCall(
  from: { readonly gateway: Gateway; readonly contract: Contract; readonly privateKey: KeyObject },
  functionName: string,
  ...args: readonly string[]
): Proposal {
  const bytes = from.contract.newProposal(functionName, { arguments: [...args] }).getBytes();
  const proposed = messages.ProposedTransaction.deserializeBinary(bytes);
  const signed = proposed.getProposal() ?? new peer.SignedProposal();
  const proposal = peer.Proposal.deserializeBinary(signed.getProposalBytes_asU8());
  const payload = peer.ChaincodeProposalPayload.deserializeBinary(proposal.getPayload_asU8());
  const invocation = peer.ChaincodeInvocationSpec.deserializeBinary(payload.getInput_asU8());
  invocation.getChaincodeSpec()?.getInput()?.setIsInit(true);
  payload.setInput(invocation.serializeBinary());
  proposal.setPayload(payload.serializeBinary());
  signed.setProposalBytes(proposal.serializeBinary());
  proposed.setProposal(signed);
  const signature = signLowS(from.privateKey, signed.getProposalBytes_asU8());
  return from.gateway.newSignedProposal(proposed.serializeBinary(), signature);
}
