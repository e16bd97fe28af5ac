// Frozen: a proposal as fabric-gateway makes it, by nothing but fabric-gateway. test/network/bench holds the digest of
// this file.
import { Client, credentials } from '@grpc/grpc-js';
import { connect, hash } from '@hyperledger/fabric-gateway';

export interface BareProposalOptions {
  readonly channel: string;
  readonly chaincode: string;
  readonly mspId: string;
  readonly certificatePem: string;
}

export interface BareProposal {
  readonly transactionId: string;
  /** gateway.ProposedTransaction, serialised; not signed. */
  readonly bytes: Uint8Array;
}

/** @returns a function that makes proposals; each is a transaction of its own */
export function bareProposals({
  channel,
  chaincode,
  mspId,
  certificatePem,
}: BareProposalOptions): (name: string, args: readonly string[]) => BareProposal {
  // Nothing is ever sent here.
  const client = new Client('127.0.0.1:1', credentials.createInsecure());
  const identity = { mspId, credentials: Buffer.from(certificatePem) };
  const contract = connect({ client, identity, hash: hash.none }).getNetwork(channel).getContract(chaincode);
  return (name, args) => {
    const proposal = contract.newProposal(name, { arguments: [...args] });
    return { transactionId: proposal.getTransactionId(), bytes: proposal.getBytes() };
  };
}
