import { createHash } from 'node:crypto';
import { discovery, gossip, msp } from '@hyperledger/fabric-protos';
import type { Endorser } from '../endorse/endorser.js';
import { parseMessage } from '../wire/parse-message.js';

/** What members of a channel learn of a peer. There is no gossip here, so that what gossip signs has no signature. */
export function discoveredPeer(endorser: Endorser, scope: 'channel' | 'local'): discovery.Peer {
  const peer = new discovery.Peer();
  peer.setIdentity(endorser.serialized);
  peer.setMembershipInfo(envelope(aliveMessage(endorser)));
  if (scope === 'channel') peer.setStateInfo(envelope(stateInfo(endorser)));
  return peer;
}

/** By the MSP ids of their organisations. */
export function byOrganisation(
  endorsers: readonly Endorser[],
  scope: 'channel' | 'local',
): discovery.PeerMembershipResult {
  const result = new discovery.PeerMembershipResult();
  for (const endorser of endorsers) {
    const peers = new discovery.Peers();
    peers.setPeersList([discoveredPeer(endorser, scope)]);
    result.getPeersByOrgMap().set(endorser.mspId, peers);
  }
  return result;
}

function aliveMessage(endorser: Endorser): gossip.GossipMessage {
  const member = new gossip.Member();
  member.setEndpoint(endorser.address);
  member.setPkiId(pkiId(endorser.serialized));
  const alive = new gossip.AliveMessage();
  alive.setMembership(member);
  alive.setTimestamp(new gossip.PeerTime());
  const message = new gossip.GossipMessage();
  message.setTag(gossip.GossipMessage.Tag.EMPTY);
  message.setAliveMsg(alive);
  return message;
}

function stateInfo(endorser: Endorser): gossip.GossipMessage {
  const properties = new gossip.Properties();
  properties.setLedgerHeight(endorser.height());
  properties.setChaincodesList(
    endorser.rules
      .definitions()
      .filter(({ name }) => endorser.hasApplicationChaincode(name))
      .map(({ name, version }) => {
        const chaincode = new gossip.Chaincode();
        chaincode.setName(name);
        chaincode.setVersion(version);
        return chaincode;
      }),
  );
  const info = new gossip.StateInfo();
  info.setPkiId(pkiId(endorser.serialized));
  info.setTimestamp(new gossip.PeerTime());
  info.setProperties(properties);
  const message = new gossip.GossipMessage();
  message.setTag(gossip.GossipMessage.Tag.CHAN_OR_ORG);
  message.setStateInfo(info);
  return message;
}

function envelope(message: gossip.GossipMessage): gossip.Envelope {
  const sealed = new gossip.Envelope();
  sealed.setPayload(message.serializeBinary());
  return sealed;
}

/** @see Fabric internal/peer/gossip/mcs.go, GetPKIidOfCert */
function pkiId(serializedIdentity: Uint8Array): Uint8Array {
  const identity = parseMessage(msp.SerializedIdentity, serializedIdentity);
  return createHash('sha256').update(identity.getMspid()).update(identity.getIdBytes_asU8()).digest();
}
