import { status } from '@grpc/grpc-js';
import { peer } from '@hyperledger/fabric-protos';
import type { Endorser } from '../endorse/endorser.js';
import { type Proposal, parseAnyProposal } from '../endorse/proposal.js';
import { checkProposal } from '../endorse/proposal-checks.js';
import type { EndorsingPeers } from './evaluate.js';
import { messageOf, RpcError } from './rpc-error.js';

export type ProcessProposalOptions = Pick<EndorsingPeers, 'local' | 'checks'>;

const PEER_FAILED = 500;
/** Of what was endorsed. */
const RESPONSE_VERSION = 1;

/**
 * Endorses a proposal on the one peer that is asked: Fabric's own tools and older SDKs choose the peers themselves and
 * make the transaction out of what each of them signed. What is wrong with the proposal itself is a failure of the call;
 * what goes wrong with it is told in the response.
 *
 * @throws RpcError
 * @see Fabric core/endorser/endorser.go, ProcessProposal
 */
export async function processProposal(
  signedProposal: peer.SignedProposal,
  options: ProcessProposalOptions,
): Promise<peer.ProposalResponse> {
  const proposal = unpack(signedProposal);
  const { local, checks } = options;
  const isToThePeer = proposal.channel === '';
  const refusal = checkProposal(proposal, isToThePeer ? { ...checks, channel: '' } : checks);
  if (refusal?.kind === 'unknown-channel') return failed(refusal.message);
  if (refusal !== undefined) throw invalid(refusal.message);
  if (isToThePeer && local.hasApplicationChaincode(proposal.chaincodeName)) return failed(noChannel(proposal));
  if (!local.isInService()) {
    throw new RpcError(
      status.UNAVAILABLE,
      `the peer of ${local.mspId} is out of service for the moment: ask another one`,
    );
  }
  return simulate(proposal, local);
}

async function simulate(proposal: Proposal, local: Endorser): Promise<peer.ProposalResponse> {
  const result = await local.simulate(proposal, 'endorse');
  if (result.kind === 'duplicate') throw invalid(result.message);
  if (result.kind === 'peer-failure') return failed(result.message);
  const answer = new peer.ProposalResponse();
  answer.setResponse(result.response);
  // What was said outside of a channel is nothing that a transaction could be made of.
  if (result.kind === 'chaincode-error' || proposal.channel === '') return answer;
  answer.setVersion(RESPONSE_VERSION);
  answer.setPayload(result.payload);
  answer.setEndorsement(local.endorse(result.payload));
  return answer;
}

function unpack(signedProposal: peer.SignedProposal): Proposal {
  try {
    return parseAnyProposal(signedProposal);
  } catch (error) {
    throw invalid(messageOf(error));
  }
}

function noChannel({ chaincodeName }: Proposal): string {
  return `make sure the chaincode ${chaincodeName} has been successfully defined on channel  and try again: a proposal for it names the channel`;
}

function failed(message: string): peer.ProposalResponse {
  const response = new peer.Response();
  response.setStatus(PEER_FAILED);
  response.setMessage(message);
  const answer = new peer.ProposalResponse();
  answer.setResponse(response);
  return answer;
}

/** As an error that Fabric's Go code returns without a code. */
function invalid(message: string): RpcError {
  return new RpcError(status.UNKNOWN, message);
}
