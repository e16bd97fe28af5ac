import { status } from '@grpc/grpc-js';
import { common, gateway, peer } from '@hyperledger/fabric-protos';
import type { Endorser } from '../endorse/endorser.js';
import { type Proposal, parseProposal } from '../endorse/proposal.js';
import { checkProposal } from '../endorse/proposal-checks.js';
import { EndorsementRound } from './endorsement-round.js';
import type { EndorsingPeers } from './evaluate.js';
import { messageOf, RpcError } from './rpc-error.js';

export interface EndorseOptions extends EndorsingPeers {
  /** Organisations whose peers may endorse for the channel's policy. */
  readonly endorsingMspIds: readonly string[];
  readonly endorsementsNeeded: number;
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
  if (named.length > 0) await collectNamed(round, named, options);
  else await collectByPolicy(round, options);
  const response = new gateway.EndorseResponse();
  response.setPreparedTransaction(prepareTransaction(proposal, round.endorsedAction()));
  return response;
}

function unpack(request: gateway.EndorseRequest): Proposal {
  try {
    return parseProposal(request.getProposedTransaction());
  } catch (error) {
    throw new RpcError(status.INVALID_ARGUMENT, messageOf(error));
  }
}

async function collectNamed(round: EndorsementRound, named: readonly string[], options: EndorseOptions): Promise<void> {
  const endorsers = namedEndorsers(round.proposal, named, options);
  const refusal = checkProposal(round.proposal, options.checks);
  if (refusal !== undefined) throw notEnough(round.failAll(endorsers, refusal.message));
  const agreed = await round.ask(endorsers);
  if (agreed.includes(false)) throw notEnough(round);
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

async function collectByPolicy(round: EndorsementRound, options: EndorseOptions): Promise<void> {
  const { first, rest } = endorsersByPolicy(round.proposal, options);
  const refusal = checkProposal(round.proposal, options.checks);
  if (refusal !== undefined) throw failedFirst(round.failAll([first], refusal.message));

  // The others start together with the first, before it is known to succeed: nothing is shared between the two, and
  // a transaction waits for the slower one rather than for both.
  const together = rest.slice(0, options.endorsementsNeeded - 1);
  const [firstAgreed, ...othersAgreed] = await round.ask([first, ...together]);
  if (firstAgreed !== true) throw failedFirst(round.onlyDetailsOf(first));
  let collected = 1 + othersAgreed.filter((agreed) => agreed).length;
  for (const endorser of rest.slice(together.length)) {
    if (collected >= options.endorsementsNeeded) return;
    const [agreed] = await round.ask([endorser]);
    if (agreed === true) collected += 1;
  }
  if (collected < options.endorsementsNeeded) throw notEnough(round);
}

/** The local peer first, unless it cannot serve at the moment and another one can. */
function endorsersByPolicy(proposal: Proposal, options: EndorseOptions): { first: Endorser; rest: Endorser[] } {
  const { chaincodeName, channel } = proposal;
  const able = [options.local, ...options.shuffle(options.others)].filter(
    (endorser) => options.endorsingMspIds.includes(endorser.mspId) && endorser.isInService(),
  );
  const known = channel === options.checks.channel && options.local.hasApplicationChaincode(chaincodeName);
  const ready = able.filter((endorser) => endorser.canRun(chaincodeName));
  const [first, ...rest] = [...ready, ...able.filter((endorser) => !ready.includes(endorser))];
  if (!known || first === undefined || able.length < options.endorsementsNeeded) {
    throw new RpcError(
      status.FAILED_PRECONDITION,
      'no combination of peers can be derived which satisfy the endorsement policy: ' +
        (known
          ? `${able.length} of ${options.endorsementsNeeded} organisations have a peer in service`
          : `no metadata was found for chaincode ${chaincodeName} in channel ${channel}`),
    );
  }
  return { first, rest };
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
