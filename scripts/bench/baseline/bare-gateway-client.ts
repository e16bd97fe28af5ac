// Baseline, frozen: a transaction by fabric-gateway alone, with node:crypto's signatures. test/network/bench holds the
// digest of this file.
import { readFileSync } from 'node:fs';
import { Client, credentials } from '@grpc/grpc-js';
import { connect, hash } from '@hyperledger/fabric-gateway';

export interface BareClientOptions {
  readonly address: string;
  readonly hostName: string;
  readonly tlsRootFile: string;
  readonly channel: string;
  readonly chaincode: string;
  readonly mspId: string;
  readonly certificatePem: string;
  readonly sign: (message: Uint8Array) => Promise<Uint8Array>;
}

export interface BareClient {
  /** One transaction, committed when it returns. */
  submit(name: string, ...args: string[]): Promise<void>;
  evaluate(name: string, ...args: string[]): Promise<string>;
  close(): void;
}

export function openBareClient(options: BareClientOptions): BareClient {
  const client = new Client(options.address, credentials.createSsl(readFileSync(options.tlsRootFile)), {
    'grpc.ssl_target_name_override': options.hostName,
  });
  const gateway = connect({
    client,
    identity: { mspId: options.mspId, credentials: Buffer.from(options.certificatePem) },
    hash: hash.none,
    signer: options.sign,
  });
  const contract = gateway.getNetwork(options.channel).getContract(options.chaincode);
  return {
    submit: async (name, ...args) => {
      await contract.submitTransaction(name, ...args);
    },
    evaluate: async (name, ...args) => Buffer.from(await contract.evaluateTransaction(name, ...args)).toString('utf8'),
    close: () => {
      gateway.close();
      client.close();
    },
  };
}
