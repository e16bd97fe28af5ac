import { status } from '@grpc/grpc-js';
import { gateway } from '@hyperledger/fabric-protos';
import type { Endorser, SimulationResult } from '../endorse/endorser.js';
import { type Proposal, parseProposal } from '../endorse/proposal.js';
import { checkProposal, type ProposalCheckOptions } from '../endorse/proposal-checks.js';
import { remoteRefusal } from './endorsement-round.js';
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
  const named = request.getTargetOrganizationsList();
  const isProtected = proposal.hasTransientData && named.length === 0;
  const candidates = evaluators(proposal, isProtected ? [peers.local.mspId] : named, peers);
  if (candidates.length === 0) throw nobodyServes(proposal, isProtected);
  refuseUnchecked(proposal, candidates, peers);
  const details: RpcErrorDetail[] = [];
  let code: status = status.ABORTED;
  for (const endorser of candidates) {
    const result = await endorser.simulate(proposal, 'evaluate');
    if (result.kind === 'success') {
      const response = new gateway.EvaluateResponse();
      response.setResult(result.response);
      return response;
    }
    const failure = failureOf(endorser, result, peers.local);
    details.push({ address: endorser.address, mspId: endorser.mspId, message: failure.message });
    if (failure.isFinal) throw new RpcError(failure.code, `${RETURNED}${failure.message}`, details);
    code = failure.code;
  }
  throw new RpcError(code, ALL_FAILED, details);
}

const RETURNED = 'evaluate call to endorser returned error: ';
const ALL_FAILED = 'failed to evaluate transaction, see attached details for more info';

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
  // Whose chaincode is away comes last: it would only be waited for.
  const ready = serving.filter((endorser) => endorser.canRun(proposal.chaincodeName));
  return [...ready, ...serving.filter((endorser) => !ready.includes(endorser))];
}

/** Transient data goes to the client's own organisation, unless the client says otherwise. */
function nobodyServes({ chaincodeName, channel }: Proposal, isProtected: boolean): RpcError {
  const nobody = `no peers available to evaluate chaincode ${chaincodeName} in channel ${channel}`;
  return new RpcError(
    status.FAILED_PRECONDITION,
    isProtected
      ? `no endorsers found in the gateway's organization; retry specifying target organization(s) to protect transient data: ${nobody}`
      : nobody,
  );
}

/** The peer that was asked says itself what is wrong with a proposal; of another one all it knows is that it failed. */
function refuseUnchecked(proposal: Proposal, candidates: readonly Endorser[], peers: EndorsingPeers): void {
  const refusal = checkProposal(proposal, peers.checks);
  if (refusal === undefined) return;
  const details = candidates.map((endorser) => ({
    address: endorser.address,
    mspId: endorser.mspId,
    message: endorser === peers.local ? refusal.message : remoteRefusal(refusal.message),
  }));
  if (candidates[0] !== peers.local || refusal.kind === 'filtered') {
    throw new RpcError(status.UNAVAILABLE, ALL_FAILED, details);
  }
  throw new RpcError(status.FAILED_PRECONDITION, `${RETURNED}${refusal.message}`, details.slice(0, 1));
}

/** @see Fabric internal/pkg/gateway/apiutils.go, responseStatus */
function failureOf(
  endorser: Endorser,
  result: Exclude<SimulationResult, { kind: 'success' }>,
  local: Endorser,
): { code: status; message: string; isFinal: boolean } {
  const { kind, message } = result;
  if (kind === 'chaincode-error') return { code: status.UNKNOWN, message, isFinal: true };
  if (kind === 'peer-failure') return { code: status.ABORTED, message, isFinal: false };
  if (endorser === local) return { code: status.FAILED_PRECONDITION, message, isFinal: true };
  return { code: status.UNAVAILABLE, message: remoteRefusal(message), isFinal: false };
}
