import { status } from '@grpc/grpc-js';
import { common, gateway, peer } from '@hyperledger/fabric-protos';
import type { Endorser } from '../endorse/endorser.js';
import { type Proposal, parseProposal } from '../endorse/proposal.js';
import { checkProposal } from '../endorse/proposal-checks.js';
import { defaultInterest, endorsementLayouts } from './endorsement-plan.js';
import { EndorsementRound } from './endorsement-round.js';
import type { EndorsingPeers } from './evaluate.js';
import { messageOf, RpcError } from './rpc-error.js';

export interface EndorseOptions extends EndorsingPeers {
  /** In which order to ask the other organisations; Fabric shuffles. */
  readonly shuffle: (endorsers: readonly Endorser[]) => Endorser[];
}

/**
 * Collects endorsements and assembles the transaction for the client to sign. Either exactly the organisations the
 * client names, or the local peer and as many others as the policy needs.
 *
 * As in Fabric, whatever makes the *local* peer fail ends the call, its chaincode's refusal included: a client whose
 * own peer may be at fault names the other organisations. Where another peer fails or disagrees, the next is asked.
 *
 * @throws RpcError
 * @see Fabric internal/pkg/gateway/endorse.go
 */
export async function endorse(
  request: gateway.EndorseRequest,
  options: EndorseOptions,
): Promise<gateway.EndorseResponse> {
  const proposal = unpack(request);
  const named = [...new Set(request.getEndorsingOrganizationsList())];
  const round = new EndorsementRound(proposal, options.local);
  const endorsers =
    named.length > 0 ? await collectNamed(round, named, options) : await collectByPolicy(round, options);
  const response = new gateway.EndorseResponse();
  response.setPreparedTransaction(prepareTransaction(proposal, round.endorsedAction(endorsers)));
  return response;
}

function unpack(request: gateway.EndorseRequest): Proposal {
  try {
    return parseProposal(request.getProposedTransaction());
  } catch (error) {
    throw new RpcError(status.INVALID_ARGUMENT, messageOf(error));
  }
}

async function collectNamed(
  round: EndorsementRound,
  named: readonly string[],
  options: EndorseOptions,
): Promise<Endorser[]> {
  const endorsers = namedEndorsers(round.proposal, named, options);
  const refusal = checkProposal(round.proposal, options.checks);
  if (refusal !== undefined) throw notEnough(round.failAll(endorsers, refusal.message));
  const agreed = await round.ask(endorsers);
  if (agreed.includes(false)) throw notEnough(round);
  return endorsers;
}

function namedEndorsers(proposal: Proposal, named: readonly string[], options: EndorseOptions): Endorser[] {
  const all = [options.local, ...options.others];
  const missing: string[] = [];
  const endorsers = named.flatMap((mspId) => {
    const endorser = all.find((candidate) => candidate.mspId === mspId);
    const serves = endorser?.isInService() === true && endorser.hasChaincode(proposal.chaincodeName);
    if (endorser !== undefined && serves && proposal.channel === options.checks.channel) return [endorser];
    missing.push(mspId);
    return [];
  });
  if (missing.length > 0) {
    throw new RpcError(status.UNAVAILABLE, `failed to find any endorsing peers for org(s): ${missing.join(', ')}`);
  }
  return endorsers;
}

async function collectByPolicy(round: EndorsementRound, options: EndorseOptions): Promise<Endorser[]> {
  const { proposal } = round;
  const { first, candidates } = candidatesFor(proposal, options);
  const refusal = checkProposal(proposal, options.checks);
  if (refusal !== undefined) throw failedFirst(round.failAll([first], refusal.message));

  const [firstAgreed] = await round.ask([first, ...othersAtOnce(first, candidates, proposal)]);
  if (firstAgreed !== true) throw failedFirst(round.onlyDetailsOf(first));
  const layouts = plannedLayouts(round, first, candidates);
  for (const layout of layouts) {
    if (layout.some((endorser) => round.hasFailed(endorser))) continue;
    const agreed = await round.ask(layout.filter((endorser) => !round.hasEndorsed(endorser)));
    if (!agreed.includes(false)) return layout;
  }
  throw notEnough(round);
}

/**
 * The others start together with the first, before it is known to succeed: nothing is shared between the two, and a
 * transaction waits for the slower one rather than for both. Where private data may be concerned, nobody is shown
 * anything before it is known who may see it.
 */
function othersAtOnce(first: Endorser, candidates: readonly Endorser[], proposal: Proposal): Endorser[] {
  const { rules } = first;
  const { chaincodeName, hasTransientData } = proposal;
  if (hasTransientData || rules.collections(chaincodeName).length > 0) return [];
  const plan = { rules, candidates, protectTransientData: false };
  const [layout = []] = preferring(first, endorsementLayouts([defaultInterest(chaincodeName)], plan));
  return layout.includes(first) ? layout.filter((endorser) => endorser !== first) : [];
}

/** Sets of peers that are enough, those with the first one's organisation before the others. */
function plannedLayouts(round: EndorsementRound, first: Endorser, candidates: readonly Endorser[]): Endorser[][] {
  const { hasTransientData, chaincodeName } = round.proposal;
  const interest = round.interest.length > 0 ? round.interest : [defaultInterest(chaincodeName)];
  const plan = { rules: first.rules, candidates };
  const layouts = endorsementLayouts(interest, { ...plan, protectTransientData: hasTransientData });
  if (layouts.length > 0) return preferring(first, layouts);
  if (hasTransientData && endorsementLayouts(interest, { ...plan, protectTransientData: false }).length > 0) {
    const collections = interest
      .filter((one) => one.needsPolicy && !one.hasPrivateReads)
      .flatMap(({ collection }) => collection || []);
    throw new RpcError(
      status.FAILED_PRECONDITION,
      'requires endorsement from organisation(s) that are not in the distribution policy of the private data ' +
        `collection(s): [${collections.join(' ')}]; retry specifying trusted endorsing organizations to protect transient data`,
    );
  }
  throw unplannable('no peer combination can satisfy the endorsement policy');
}

function preferring(first: Endorser, layouts: readonly Endorser[][]): Endorser[][] {
  return [
    ...layouts.filter((layout) => layout.includes(first)),
    ...layouts.filter((layout) => !layout.includes(first)),
  ];
}

/** The local peer first, unless it cannot serve at the moment and another one can. */
function candidatesFor(proposal: Proposal, options: EndorseOptions): { first: Endorser; candidates: Endorser[] } {
  const { chaincodeName, channel, hasTransientData } = proposal;
  if (channel !== options.checks.channel || !options.local.hasApplicationChaincode(chaincodeName)) {
    throw unplannable(`No metadata was found for chaincode ${chaincodeName} in channel ${channel}`);
  }
  const able = [options.local, ...options.shuffle(options.others)].filter((endorser) => endorser.isInService());
  const ready = able.filter((endorser) => endorser.canRun(chaincodeName));
  const candidates = [...ready, ...able.filter((endorser) => !ready.includes(endorser))];
  const first = hasTransientData ? candidates.find((endorser) => endorser === options.local) : candidates[0];
  if (first !== undefined) return { first, candidates };
  if (!hasTransientData) throw unplannable('no peer combination can satisfy the endorsement policy');
  throw new RpcError(
    status.FAILED_PRECONDITION,
    "no endorsers found in the gateway's organization; retry specifying endorsing organization(s) to protect transient data",
  );
}

function unplannable(reason: string): RpcError {
  return new RpcError(
    status.FAILED_PRECONDITION,
    `no combination of peers can be derived which satisfy the endorsement policy: ${reason}`,
  );
}

function failedFirst(round: EndorsementRound): RpcError {
  return new RpcError(
    status.ABORTED,
    'failed to endorse transaction, see attached details for more info',
    round.details,
  );
}

function notEnough(round: EndorsementRound): RpcError {
  return new RpcError(
    status.ABORTED,
    'failed to collect enough transaction endorsements, see attached details for more info',
    round.details,
  );
}

function prepareTransaction(proposal: Proposal, action: peer.ChaincodeEndorsedAction): common.Envelope {
  const actionPayload = new peer.ChaincodeActionPayload();
  actionPayload.setChaincodeProposalPayload(proposal.payloadWithoutTransient);
  actionPayload.setAction(action);
  const transactionAction = new peer.TransactionAction();
  transactionAction.setHeader(proposal.header.getSignatureHeader_asU8());
  transactionAction.setPayload(actionPayload.serializeBinary());
  const transaction = new peer.Transaction();
  transaction.setActionsList([transactionAction]);
  const payload = new common.Payload();
  payload.setHeader(proposal.header);
  payload.setData(transaction.serializeBinary());
  const envelope = new common.Envelope();
  envelope.setPayload(payload.serializeBinary());
  return envelope;
}
