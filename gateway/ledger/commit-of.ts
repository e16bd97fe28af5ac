import { gateway as gatewayProtos, msp } from '@hyperledger/fabric-protos';
import type { Commit, Gateway } from '@hyperledger/fabric-gateway';

/** By which a gateway is asked how a transaction ended; any member of the channel may ask about any transaction id. */
export function commitOf(gateway: Gateway, channel: string, transactionId: string): Commit {
  const { mspId, credentials } = gateway.getIdentity();
  const creator = new msp.SerializedIdentity();
  creator.setMspid(mspId);
  creator.setIdBytes(credentials);
  const request = new gatewayProtos.CommitStatusRequest();
  request.setChannelId(channel);
  request.setTransactionId(transactionId);
  request.setIdentity(creator.serializeBinary());
  const unsigned = new gatewayProtos.SignedCommitStatusRequest();
  unsigned.setRequest(request.serializeBinary());
  return gateway.newCommit(unsigned.serializeBinary());
}
