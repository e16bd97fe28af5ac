import { status } from '@grpc/grpc-js';
import { type common, discovery, msp, type peer } from '@hyperledger/fabric-protos';
import type { Logger } from 'pino';
import { parseBlock } from '../commit/block-codec.js';
import { configIn } from '../commit/channel-config.js';
import { compileSignaturePolicy, type Policy } from '../commit/signature-policy.js';
import type { Endorser } from '../endorse/endorser.js';
import type { ChaincodeInterest } from '../endorse/interest.js';
import type { AccessPolicy } from './access-policy.js';
import { byOrganisation, discoveredPeer } from './discovered-peers.js';
import { endorsementLayouts, signerOf } from './endorsement-plan.js';
import { DISCOVERY_PAYLOAD_SHAPE, parseBounded } from './message-bounds.js';
import { messageOf, RpcError } from './rpc-error.js';
import { parseMessage } from '../wire/parse-message.js';

export interface DiscoveryOptions {
  readonly channel: string;
  readonly access: AccessPolicy;
  /** The peer that is asked. */
  readonly local: Endorser;
  readonly others: readonly Endorser[];
  /** Where orderers are now; block 0 says where they were when the channel was made. */
  readonly orderers: readonly { readonly mspId: string; readonly host: string; readonly port: number }[];
  readonly log: Logger;
}

/** Each costs a search for sets of peers, at once. */
const QUERIES_MAX = 10;
const { QueryCase } = discovery.Query;

/**
 * What SDKs older than the gateway ask before they propose: the channel's MSPs and orderers, its peers, and which sets of
 * peers are enough to endorse.
 *
 * @throws RpcError for what is no request
 * @see Fabric discovery/service.go
 */
export async function discover(
  signed: discovery.SignedRequest,
  options: DiscoveryOptions,
): Promise<discovery.Response> {
  const payload = signed.getPayload_asU8();
  const request = parseBounded(payload, DISCOVERY_PAYLOAD_SHAPE, discovery.Request);
  const identity = request.getAuthentication()?.getClientIdentity_asU8() ?? new Uint8Array();
  if (identity.length === 0) {
    throw new RpcError(status.UNKNOWN, "access denied, client identity wasn't supplied");
  }
  const queries = request.getQueriesList();
  const asked = queries.reduce(
    (sum, query) => sum + Math.max(1, query.getCcQuery()?.getInterestsList().length ?? 0),
    0,
  );
  if (asked > QUERIES_MAX) {
    throw new RpcError(
      status.RESOURCE_EXHAUSTED,
      `a request asks at most ${QUERIES_MAX} things: ask again for the rest`,
    );
  }
  const mayAsk = allowance({ identity, data: payload, signature: signed.getSignature_asU8() }, options);
  const response = new discovery.Response();
  for (const query of queries) {
    response.addResults(mayAsk(query) ? await answer(query, options) : failed('access denied'));
  }
  return response;
}

/** Who may write to the channel may ask about it; about the peer itself, an administrator of its organisation. */
function allowance(
  signed: Parameters<AccessPolicy['verifyWriter']>[0],
  { access, channel, local, log }: DiscoveryOptions,
): (query: discovery.Query) => boolean {
  try {
    if (access.isOfEndedCertificate(signed.identity)) return () => false;
    const { mspId, ou } = access.verifyWriter(signed);
    const isAdministrator = mspId === local.mspId && ou === 'admin';
    return (query) => (query.getChannel() === '' ? isAdministrator : query.getChannel() === channel);
  } catch (error) {
    log.warn({ reason: messageOf(error) }, 'discovery refused');
    return () => false;
  }
}

async function answer(query: discovery.Query, options: DiscoveryOptions): Promise<discovery.QueryResult> {
  const isLocal = query.getChannel() === '';
  switch (query.getQueryCase()) {
    case QueryCase.LOCAL_PEERS:
      return isLocal ? members(byOrganisation(inService(options), 'local')) : failed(UNKNOWN_QUERY);
    case QueryCase.PEER_QUERY:
      return isLocal ? failed(UNKNOWN_QUERY) : members(peersFor(query.getPeerQuery(), options));
    case QueryCase.CONFIG_QUERY:
      return isLocal ? failed(UNKNOWN_QUERY) : config(await options.local.ledger.blockByNumber(0), options);
    case QueryCase.CC_QUERY:
      return isLocal ? failed(UNKNOWN_QUERY) : endorsers(query.getCcQuery()?.getInterestsList() ?? [], options);
    default:
      return failed(UNKNOWN_QUERY);
  }
}

const UNKNOWN_QUERY = 'unknown or missing request type';

function inService({ local, others }: DiscoveryOptions): Endorser[] {
  return [local, ...others].filter((endorser) => endorser.isInService());
}

/** Peers that have the chaincodes, and are members of the collections, of the filter. */
function peersFor(
  query: discovery.PeerMembershipQuery | undefined,
  options: DiscoveryOptions,
): discovery.PeerMembershipResult {
  const asked = query?.getFilter()?.getChaincodesList() ?? [];
  const { rules } = options.local;
  const isWanted = (endorser: Endorser) =>
    asked.every(
      (call) =>
        endorser.hasApplicationChaincode(call.getName()) &&
        (call.getNoPrivateReads() ||
          call
            .getCollectionNamesList()
            .every((name) => rules.collection(call.getName(), name)?.isMember(signerOf(endorser)) === true)),
    );
  return byOrganisation(inService(options).filter(isWanted), 'channel');
}

function endorsers(interests: readonly peer.ChaincodeInterest[], options: DiscoveryOptions): discovery.QueryResult {
  if (interests.length === 0) return failed('chaincode query must have at least one chaincode interest');
  const result = new discovery.ChaincodeQueryResult();
  for (const interest of interests) {
    const calls = interest.getChaincodesList();
    if (calls.length === 0) return failed('chaincode interest must contain at least one chaincode');
    if (calls.some((call) => call.getName() === '')) return failed('chaincode name in interest cannot be empty');
    const descriptor = describeEndorsers(calls, options);
    if (descriptor === undefined) return failed(`failed constructing descriptor for ${textOf(calls)}`);
    result.addContent(descriptor);
  }
  const found = new discovery.QueryResult();
  found.setCcQueryRes(result);
  return found;
}

/** As Go prints an interest. */
function textOf(calls: readonly peer.ChaincodeCall[]): string {
  return calls.map((call) => `chaincodes:{name:${JSON.stringify(call.getName())}}`).join(' ');
}

/** Each organisation's peer is a group of its own; each set that is enough is a layout with one of each of its groups. */
function describeEndorsers(
  calls: readonly peer.ChaincodeCall[],
  options: DiscoveryOptions,
): discovery.EndorsementDescriptor | undefined {
  const { rules } = options.local;
  const candidates = inService(options).filter((endorser) =>
    calls.every((call) => endorser.hasApplicationChaincode(call.getName())),
  );
  const interest = calls.flatMap(interestOf);
  const layouts = endorsementLayouts(interest, { rules, candidates, protectTransientData: false });
  if (layouts.length === 0) return undefined;
  const groups = [...new Set(layouts.flat())];
  const descriptor = new discovery.EndorsementDescriptor();
  descriptor.setChaincode(calls[0]?.getName() ?? '');
  for (const [index, endorser] of groups.entries()) {
    const peers = new discovery.Peers();
    peers.setPeersList([discoveredPeer(endorser, 'channel')]);
    descriptor.getEndorsersByGroupsMap().set(`G${index}`, peers);
  }
  descriptor.setLayoutsList(
    layouts.map((layout) => {
      const message = new discovery.Layout();
      for (const endorser of layout) message.getQuantitiesByGroupMap().set(`G${groups.indexOf(endorser)}`, 1);
      return message;
    }),
  );
  return descriptor;
}

function interestOf(call: peer.ChaincodeCall): ChaincodeInterest[] {
  const chaincode = call.getName();
  const keyPolicies = call.getKeyPoliciesList().map(compiled);
  const needsPolicy = !call.getDisregardNamespacePolicy();
  const hasPrivateReads = !call.getNoPrivateReads();
  return [
    { chaincode, collection: '', needsPolicy, keyPolicies, hasPrivateReads: false },
    ...call.getCollectionNamesList().map((collection) => ({
      chaincode,
      collection,
      needsPolicy: true,
      keyPolicies: [],
      hasPrivateReads,
    })),
  ];
}

function compiled(policy: common.SignaturePolicyEnvelope): Policy | undefined {
  try {
    return compileSignaturePolicy(policy);
  } catch (error) {
    // A policy that is none can be satisfied by nobody.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function config(genesis: Uint8Array | undefined, { orderers }: DiscoveryOptions): discovery.QueryResult {
  const [envelope = new Uint8Array()] = parseBlock(genesis ?? new Uint8Array()).envelopes;
  const channel = configIn(envelope)?.getChannelGroup();
  const result = new discovery.ConfigResult();
  for (const section of ['Application', 'Orderer']) {
    const organisations = channel?.getGroupsMap().get(section)?.getGroupsMap();
    for (const mspId of organisations?.keys() ?? []) {
      const value = organisations?.get(mspId)?.getValuesMap().get('MSP')?.getValue_asU8() ?? new Uint8Array();
      const fabricConfig = parseMessage(msp.MSPConfig, value).getConfig_asU8();
      result.getMspsMap().set(mspId, parseMessage(msp.FabricMSPConfig, fabricConfig));
    }
  }
  for (const { mspId, host, port } of orderers) {
    const endpoint = new discovery.Endpoint();
    endpoint.setHost(host);
    endpoint.setPort(port);
    const endpoints = result.getOrderersMap().get(mspId) ?? new discovery.Endpoints();
    endpoints.addEndpoint(endpoint);
    result.getOrderersMap().set(mspId, endpoints);
  }
  const found = new discovery.QueryResult();
  found.setConfigResult(result);
  return found;
}

function members(result: discovery.PeerMembershipResult): discovery.QueryResult {
  const found = new discovery.QueryResult();
  found.setMembers(result);
  return found;
}

function failed(content: string): discovery.QueryResult {
  const error = new discovery.Error();
  error.setContent(content);
  const result = new discovery.QueryResult();
  result.setError(error);
  return result;
}
