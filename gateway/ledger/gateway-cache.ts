import type { Client } from '@grpc/grpc-js';
import { type Contract, connect, type Gateway, hash, type Network } from '@hyperledger/fabric-gateway';
import type { LedgerIdentity } from './ledger.js';

/** What fabric-gateway makes of one identity. */
export interface IdentityGateway {
  readonly gateway: Gateway;
  readonly network: Network;
  readonly contract: Contract;
  readonly qscc: Contract;
}

/** Fabric's query system chaincode. */
const QSCC = 'qscc';

/** @returns the gateway of an identity; kept as long as the identity object itself, a session's, is in use */
export function gatewayCache(options: {
  readonly client: Client;
  readonly channel: string;
  readonly chaincode: string;
}): (identity: LedgerIdentity) => IdentityGateway {
  const gateways = new WeakMap<LedgerIdentity, IdentityGateway>();
  return (identity) => {
    const known = gateways.get(identity);
    if (known !== undefined) return known;
    const made = gatewayOf(identity, options);
    gateways.set(identity, made);
    return made;
  };
}

function gatewayOf(
  identity: LedgerIdentity,
  { client, channel, chaincode }: Parameters<typeof gatewayCache>[0],
): IdentityGateway {
  const gateway = connect({
    client,
    identity: { mspId: identity.mspId, credentials: Buffer.from(identity.certificatePem) },
    // The signer hashes by itself: node:crypto signs messages, not digests.
    hash: hash.none,
    signer: identity.sign,
  });
  const network = gateway.getNetwork(channel);
  return { gateway, network, contract: network.getContract(chaincode), qscc: network.getContract(QSCC) };
}
