import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import {
  type Contract,
  connect,
  type Gateway,
  type GatewayError,
  hash,
  type Identity,
  type Network,
} from '@hyperledger/fabric-gateway';
import { openCertificateAuthority } from '../../../network/identities/index.js';
import { signLowS } from '../../../network/devledger/low-s.js';

export interface Member {
  readonly identity: Identity;
  readonly privateKey: KeyObject;
}

export interface MemberClient {
  readonly gateway: Gateway;
  readonly network: Network;
  readonly contract: Contract;
  readonly qscc: Contract;
  close(): void;
}

let members = 0;

/** A member with a new key and a certificate of the organisation's authority. */
export async function enrol(
  dataDir: string,
  organisation: { mspId: string; domain: string },
  notAfterMs?: number,
): Promise<Member> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  members += 1;
  const certificate = await openCertificateAuthority(dataDir, organisation.domain).issueMember({
    publicKeySpki: publicKey.export({ format: 'der', type: 'spki' }),
    memberId: `member-${members}`,
    role: 'doctor',
    agencyId: 'agency-1',
    ou: 'client',
    ...(notAfterMs === undefined ? {} : { notAfterMs }),
  });
  return { identity: { mspId: organisation.mspId, credentials: Buffer.from(certificate) }, privateKey };
}

export function memberClient(
  endpoint: { address: string; host: string },
  tlsCaPem: string,
  member: Member,
): MemberClient {
  const client = new Client(endpoint.address, credentials.createSsl(Buffer.from(tlsCaPem)), {
    'grpc.ssl_target_name_override': endpoint.host,
    'grpc.use_local_subchannel_pool': 1,
  });
  const gateway = connect({
    client,
    identity: member.identity,
    hash: hash.none,
    signer: async (message) => signLowS(member.privateKey, message),
  });
  const network = gateway.getNetwork('medledger');
  return {
    gateway,
    network,
    contract: network.getContract('medledger'),
    qscc: network.getContract('qscc'),
    close: () => {
      gateway.close();
      client.close();
    },
  };
}

export function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}

export interface Failure {
  readonly code: number;
  readonly message: string;
  readonly details: readonly { address: string; mspId: string; message: string }[];
}

/** What a call failed with, as the client library reports it. */
export async function failureOf(call: Promise<unknown>): Promise<Failure> {
  try {
    await call;
  } catch (error) {
    const { code, details, cause } = error as GatewayError & { cause: ServiceError };
    return { code, message: cause.details, details };
  }
  throw new Error('the call succeeded');
}
