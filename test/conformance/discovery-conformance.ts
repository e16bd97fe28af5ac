import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Client, ServiceError } from '@grpc/grpc-js';
import { discovery, gossip, peer } from '@hyperledger/fabric-protos';
import { serialiseIdentity } from '../../network/devledger/services/peer-nodes.js';
import { ORDERER_MSP_ID, readAdminIdentity } from '../../network/identities/index.js';
import type { Member } from '../network/ledger-front/front-client.js';
import { organisationOf } from './conformance-members.js';
import { CALLEE, GOVERNMENT, HOSPITAL_A, HOSPITAL_B, INSURER, type LedgerUnderTest } from './ledger-under-test.js';
import { type MemberClient, useMember } from './member-client.js';
import { connectPeer } from './node-calls.js';
import { signerOf } from './signed-messages.js';

const ALL = [GOVERNMENT, HOSPITAL_A, HOSPITAL_B];

/** What SDKs older than the gateway ask before they propose. */
export function describeDiscovery(ledger: () => LedgerUnderTest): void {
  describeAnswers(ledger);
  describeRefusals(ledger);
}

function describeAnswers(ledger: () => LedgerUnderTest): void {
  describe('discovery', () => {
    const client = useMember(ledger, HOSPITAL_A);
    const ask = useDiscovery(ledger, client);
    const ofChannel = () => queryOf(ledger().topology.channel);

    it('names the MSPs and the orderers of the channel', async () => {
      const query = ofChannel();
      query.setConfigQuery(new discovery.ConfigQuery());
      const config = (await ask(query)).getConfigResult();
      expect([...(config?.getMspsMap().keys() ?? [])].sort()).toEqual([...ALL, INSURER, ORDERER_MSP_ID].sort());
      const root = config?.getMspsMap().get(HOSPITAL_B)?.getRootCertsList_asU8()[0] ?? new Uint8Array();
      expect(Buffer.from(root).toString()).toMatch(/^-----BEGIN CERTIFICATE-----/);
      const [endpoint] = config?.getOrderersMap().get(ORDERER_MSP_ID)?.getEndpointList() ?? [];
      expect(endpoint?.getPort()).toBe(ledger().topology.orderers[0]?.port);
    });

    it('names the peers with their heights and chaincodes', async () => {
      const query = ofChannel();
      query.setPeerQuery(new discovery.PeerMembershipQuery());
      const members = (await ask(query)).getMembers();
      const found = [...(members?.getPeersByOrgMap().keys() ?? [])].filter(
        (mspId) => peersOf(members, mspId).length > 0,
      );
      expect(found.sort()).toEqual(ALL);
      const [one] = peersOf(members, HOSPITAL_B);
      const { port } = organisationOf(ledger().topology, HOSPITAL_B).peer ?? {};
      expect(messageIn(one?.getMembershipInfo()).getAliveMsg()?.getMembership()?.getEndpoint()).toMatch(`:${port}`);
      const properties = messageIn(one?.getStateInfo()).getStateInfo()?.getProperties();
      expect(properties?.getLedgerHeight()).toBeGreaterThan(0);
      const chaincodes = properties?.getChaincodesList().map((chaincode) => chaincode.getName());
      expect(chaincodes).toEqual(expect.arrayContaining([ledger().topology.chaincode.name, CALLEE]));
    });

    it('says which sets of peers are enough', async () => {
      const content = (await ask(endorsersOf(ofChannel(), [ledger().topology.chaincode.name])))
        .getCcQueryRes()
        ?.getContentList();
      const [descriptor] = content ?? [];
      expect(descriptor?.getChaincode()).toBe(ledger().topology.chaincode.name);
      const groups = descriptor?.getEndorsersByGroupsMap();
      expect([...(groups?.keys() ?? [])]).toHaveLength(3);
      const layouts = descriptor?.getLayoutsList().map((layout) => {
        const quantities = layout.getQuantitiesByGroupMap();
        return [...quantities.keys()].map((group: string) => quantities.get(group));
      });
      // Two of three.
      expect(layouts).toEqual([
        [1, 1],
        [1, 1],
        [1, 1],
      ]);
    });
  });
}

function describeRefusals(ledger: () => LedgerUnderTest): void {
  describe('discovery', () => {
    const client = useMember(ledger, HOSPITAL_A);
    const ask = useDiscovery(ledger, client);
    const ofChannel = (channel = ledger().topology.channel) => queryOf(channel);

    it('of what nobody has is an error, and nothing else', async () => {
      expect((await ask(endorsersOf(ofChannel(), ['nobody']))).getError()?.getContent()).toMatch(
        /^failed constructing descriptor for chaincodes:\{\s*name:\s*"nobody"\}/,
      );
      expect((await ask(endorsersOf(ofChannel(), []))).getError()?.getContent()).toBe(
        'chaincode interest must contain at least one chaincode',
      );
    });

    it('is denied to strangers, of other channels, and of the peer itself to all but its administrators', async () => {
      const query = ofChannel('elsewhere');
      query.setConfigQuery(new discovery.ConfigQuery());
      expect((await ask(query)).getError()?.getContent()).toBe('access denied');
      const local = new discovery.Query();
      local.setLocalPeers(new discovery.LocalPeerQuery());
      expect((await ask(local)).getError()?.getContent()).toBe('access denied');
      const { domain } = organisationOf(ledger().topology, HOSPITAL_A);
      const { mspId, certificatePem, privateKey } = readAdminIdentity(ledger().dataDir, domain);
      const administrator = { identity: { mspId, credentials: Buffer.from(certificatePem) }, privateKey };
      expect(peersOf((await ask(local, administrator)).getMembers(), HOSPITAL_B)).toHaveLength(1);
    });
  });
}

type Ask = (query: discovery.Query, member?: Member) => Promise<discovery.QueryResult>;

/** Asks the peer of Hospital A one thing. */
function useDiscovery(ledger: () => LedgerUnderTest, client: () => MemberClient): Ask {
  let node: Client | undefined;
  beforeAll(() => {
    node = connectPeer(ledger(), HOSPITAL_A);
  });
  afterAll(() => node?.close());
  return async (query, member = client().member) => {
    if (node === undefined) throw new Error('no node');
    const [result] = await discover(node, member, [query]);
    return result ?? new discovery.QueryResult();
  };
}

function queryOf(channel: string): discovery.Query {
  const query = new discovery.Query();
  query.setChannel(channel);
  return query;
}

function peersOf(members: discovery.PeerMembershipResult | undefined, mspId: string): discovery.Peer[] {
  return members?.getPeersByOrgMap().get(mspId)?.getPeersList() ?? [];
}

function messageIn(envelope: gossip.Envelope | undefined): gossip.GossipMessage {
  return gossip.GossipMessage.deserializeBinary(envelope?.getPayload_asU8() ?? new Uint8Array());
}

function endorsersOf(query: discovery.Query, chaincodes: readonly string[]): discovery.Query {
  const interest = new peer.ChaincodeInterest();
  for (const name of chaincodes) {
    const call = new peer.ChaincodeCall();
    call.setName(name);
    interest.addChaincodes(call);
  }
  const asked = new discovery.ChaincodeQuery();
  asked.setInterestsList([interest]);
  query.setCcQuery(asked);
  return query;
}

function discover(
  node: Client,
  member: Member,
  queries: readonly discovery.Query[],
): Promise<readonly discovery.QueryResult[]> {
  const { mspId, credentials } = member.identity;
  const authentication = new discovery.AuthInfo();
  authentication.setClientIdentity(serialiseIdentity(mspId, Buffer.from(credentials).toString('utf8')));
  const request = new discovery.Request();
  request.setAuthentication(authentication);
  request.setQueriesList([...queries]);
  const signed = new discovery.SignedRequest();
  signed.setPayload(request.serializeBinary());
  signed.setSignature(signerOf(member)(signed.getPayload_asU8()));
  return new Promise((resolve, reject) => {
    node.makeUnaryRequest(
      '/discovery.Discovery/Discover',
      (message: discovery.SignedRequest) => Buffer.from(message.serializeBinary()),
      discovery.Response.deserializeBinary,
      signed,
      (error: ServiceError | null, response) => {
        if (error === null) resolve(response?.getResultsList() ?? []);
        else reject(error);
      },
    );
  });
}
