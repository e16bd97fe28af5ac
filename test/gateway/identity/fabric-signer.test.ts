import { createHash, createPublicKey, verify } from 'node:crypto';
import { Client, credentials, Server, ServerCredentials, type ServiceError, status } from '@grpc/grpc-js';
import { connect, hash } from '@hyperledger/fabric-gateway';
import { type gateway, gateway as gatewayProtos } from '@hyperledger/fabric-protos';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { generateMemberKeys, unlockedIdentity } from '../../../gateway/identity/member-keys.js';

const keys = generateMemberKeys();
const identity = unlockedIdentity(
  { memberId: 'dr-hale', role: 'doctor', mspId: 'HospitalAMSP', certificatePem: 'certificate' },
  keys,
);
const publicKey = createPublicKey({ key: Buffer.from(keys.signingPublicKeySpki), format: 'der', type: 'spki' });

/** A gateway service that keeps what it is asked and answers nothing. */
const asked: gateway.EvaluateRequest[] = [];
const server = new Server();
let client: Client;

beforeAll(async () => {
  server.addService(gatewayProtos.GatewayService, {
    evaluate: (call: { request: gateway.EvaluateRequest }, answer: (error: Partial<ServiceError>) => void) => {
      asked.push(call.request);
      answer({ code: status.UNIMPLEMENTED, details: 'kept' });
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
});
afterAll(() => {
  client.close();
  server.forceShutdown();
});

describe('UnlockedIdentity.sign as the signer of fabric-gateway', () => {
  it('with hash.none it is handed the whole proposal, and a peer can verify what it returns', async () => {
    const messages: Uint8Array[] = [];
    const signer = async (message: Uint8Array) => {
      messages.push(message);
      return identity.sign(message);
    };
    const gateway = connect({
      client,
      hash: hash.none,
      identity: { mspId: identity.mspId, credentials: Buffer.from(identity.certificatePem) },
      signer,
    });
    const contract = gateway.getNetwork('medledger').getContract('medledger');
    await expect(contract.evaluateTransaction('members:get', 'x')).rejects.toThrow('kept');
    gateway.close();
    const signed = asked.at(-1)?.getProposedTransaction();
    const proposal = signed?.getProposalBytes_asU8() ?? new Uint8Array();
    const signature = signed?.getSignature_asU8() ?? new Uint8Array();
    expect(messages.map((message) => Buffer.from(message).equals(proposal))).toEqual([true]);
    expect(proposal.length).toBeGreaterThan(100);
    expect(verify('sha256', proposal, publicKey, signature)).toBe(true);
  });

  it('without hash.none it is handed a digest, hashes it again, and no peer can verify it', async () => {
    const gateway = connect({
      client,
      identity: { mspId: identity.mspId, credentials: Buffer.from(identity.certificatePem) },
      signer: identity.sign,
    });
    const contract = gateway.getNetwork('medledger').getContract('medledger');
    await expect(contract.evaluateTransaction('members:get', 'x')).rejects.toThrow('kept');
    gateway.close();
    const signed = asked.at(-1)?.getProposedTransaction();
    const proposal = signed?.getProposalBytes_asU8() ?? new Uint8Array();
    const signature = signed?.getSignature_asU8() ?? new Uint8Array();
    expect(verify('sha256', proposal, publicKey, signature)).toBe(false);
    expect(verify('sha256', createHash('sha256').update(proposal).digest(), publicKey, signature)).toBe(true);
  });
});
