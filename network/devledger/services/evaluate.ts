import { status } from '@grpc/grpc-js';
import { gateway } from '@hyperledger/fabric-protos';
import type { Endorser, SimulationResult } from '../endorse/endorser.js';
import { type Proposal, parseProposal } from '../endorse/proposal.js';
import { checkProposal, type ProposalCheckOptions } from '../endorse/proposal-checks.js';
import { messageOf, RpcError, type RpcErrorDetail } from './rpc-error.js';

export interface EndorsingPeers {
  /** The peer whose server this is. */
  readonly local: Endorser;
  /** Every other peer of the channel. */
  readonly others: readonly Endorser[];
  readonly checks: ProposalCheckOptions;
}

/**
 * Runs a query on one peer: the local one, or one of the organisations named. What the chaincode answers is final;
 * where the peer itself fails, the next one is asked.
 *
 * @throws RpcError
 * @see Fabric internal/pkg/gateway/evaluate.go
 */
export async function evaluate(
  request: gateway.EvaluateRequest,
  peers: EndorsingPeers,
): Promise<gateway.EvaluateResponse> {
  const proposal = unpack(request, peers.checks.channel);
  const candidates = evaluators(proposal, request.getTargetOrganizationsList(), peers);
  refuseUnchecked(proposal, candidates, peers.checks);
  const details: RpcErrorDetail[] = [];
  for (const endorser of candidates) {
    const result = await endorser.simulate(proposal, 'evaluate');
    if (result.kind === 'success') {
      const response = new gateway.EvaluateResponse();
      response.setResult(result.response);
      return response;
    }
    details.push({ address: endorser.address, mspId: endorser.mspId, message: result.message });
    refuseFinal(result, details);
  }
  throw new RpcError(status.ABORTED, 'failed to evaluate transaction, see attached details for more info', details);
}

function unpack(request: gateway.EvaluateRequest, channel: string): Proposal {
  let proposal: Proposal;
  try {
    proposal = parseProposal(request.getProposedTransaction());
  } catch (error) {
    throw new RpcError(status.INVALID_ARGUMENT, `failed to unpack transaction proposal: ${messageOf(error)}`);
  }
  if (proposal.channel !== channel) {
    throw new RpcError(status.UNAVAILABLE, `failed to get config for channel [${proposal.channel}]: it is not known`);
  }
  return proposal;
}

/** Local peer first, then the others, highest first. */
function evaluators(proposal: Proposal, targets: readonly string[], peers: EndorsingPeers): Endorser[] {
  const others = [...peers.others].sort((left, right) => right.height() - left.height());
  const serving = [peers.local, ...others].filter(
    (endorser) =>
      endorser.isInService() &&
      endorser.hasChaincode(proposal.chaincodeName) &&
      (targets.length === 0 || targets.includes(endorser.mspId)),
  );
  if (serving.length === 0) {
    throw new RpcError(
      status.FAILED_PRECONDITION,
      `no peers available to evaluate chaincode ${proposal.chaincodeName} in channel ${proposal.channel}`,
    );
  }
  // Whose chaincode is away comes last: it would only be waited for.
  const ready = serving.filter((endorser) => endorser.canRun(proposal.chaincodeName));
  return [...ready, ...serving.filter((endorser) => !ready.includes(endorser))];
}

function refuseUnchecked(proposal: Proposal, candidates: readonly Endorser[], checks: ProposalCheckOptions): void {
  const refusal = checkProposal(proposal, checks);
  if (refusal === undefined) return;
  const details = candidates.map(({ address, mspId }) => ({ address, mspId, message: refusal.message }));
  if (refusal.kind === 'filtered') {
    throw new RpcError(
      status.UNAVAILABLE,
      'failed to evaluate transaction, see attached details for more info',
      details,
    );
  }
  throw new RpcError(
    status.FAILED_PRECONDITION,
    `evaluate call to endorser returned error: ${refusal.message}`,
    details.slice(0, 1),
  );
}

function refuseFinal(result: Exclude<SimulationResult, { kind: 'success' }>, details: RpcErrorDetail[]): void {
  if (result.kind === 'peer-failure') return;
  const code = result.kind === 'chaincode-error' ? status.UNKNOWN : status.FAILED_PRECONDITION;
  throw new RpcError(code, `evaluate call to endorser returned error: ${result.message}`, details);
}
