import 'reflect-metadata';
import { createPrivateKey, type KeyObject, randomBytes, webcrypto } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { msp } from '@hyperledger/fabric-protos';
import * as x509 from '@peculiar/x509';
import { encodeBlock, orderedMetadata, parseBlock } from '../../network/devledger/commit/block-codec.js';
import { blockDataHash, blockHeaderHash } from '../../network/devledger/commit/block-hash.js';
import type { PeerLedgerOptions } from '../../network/devledger/commit/open-peer-ledger.js';
import { RulesByBlock } from '../../network/devledger/commit/rules-by-block.js';
import { SignatureCache } from '../../network/devledger/commit/signature-cache.js';
import { type MspDefinition, MspRegistry } from '../../network/devledger/msp.js';
import type { PeerLedger } from '../../network/devledger/peer-ledger.js';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const HOUR_MS = 3_600_000;

x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0]);

export interface TestIdentity {
  readonly mspId: string;
  readonly certificatePem: string;
  readonly key: KeyObject;
  /** msp.SerializedIdentity */
  readonly serialized: Uint8Array;
}

export interface TestAuthority {
  readonly mspId: string;
  readonly caCertPem: string;
  issue(name: string, options?: IssueOptions): Promise<TestIdentity>;
}

export interface IssueOptions {
  readonly ou?: string;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

export async function createAuthority(mspId: string): Promise<TestAuthority> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: randomBytes(15).toString('hex').padStart(32, '01'),
    name: `CN=ca.${mspId}, O=${mspId}`,
    notBefore: new Date(Date.now() - HOUR_MS),
    notAfter: new Date(Date.now() + 24 * HOUR_MS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.digitalSignature, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return {
    mspId,
    caCertPem: ca.toString('pem'),
    issue: (name, options = {}) => issue({ mspId, ca, keys }, name, options),
  };
}

async function issue(
  authority: { mspId: string; ca: x509.X509Certificate; keys: webcrypto.CryptoKeyPair },
  name: string,
  { ou = 'client', notBefore, notAfter }: IssueOptions,
): Promise<TestIdentity> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: randomBytes(15).toString('hex').padStart(32, '01'),
    subject: `CN=${name}${ou === '' ? '' : `, OU=${ou}`}`,
    issuer: authority.ca.subject,
    notBefore: notBefore ?? new Date(Date.now() - HOUR_MS),
    notAfter: notAfter ?? new Date(Date.now() + HOUR_MS),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: authority.keys.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      await x509.AuthorityKeyIdentifierExtension.create(authority.keys.publicKey),
    ],
  });
  const certificatePem = certificate.toString('pem');
  const serialized = new msp.SerializedIdentity();
  serialized.setMspid(authority.mspId);
  serialized.setIdBytes(Buffer.from(certificatePem));
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  return {
    mspId: authority.mspId,
    certificatePem,
    key: createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }),
    serialized: serialized.serializeBinary(),
  };
}

/** Three endorsing organisations and one that only reads, as in the product's topology. */
export interface TestNetwork {
  readonly authorities: readonly TestAuthority[];
  readonly msps: readonly MspDefinition[];
  readonly peers: readonly TestIdentity[];
  readonly client: TestIdentity;
  readonly insurer: TestIdentity;
  readonly registry: MspRegistry;
  readonly signatureCache: SignatureCache;
}

export const CHANNEL = 'medledger';
export const CHAINCODE = 'medledger';
export const ENDORSERS = ['HospitalAMSP', 'HospitalBMSP', 'GovernmentMSP'];
export const POLICY = { endorsers: ENDORSERS, needed: 2 };

export async function createNetwork(): Promise<TestNetwork> {
  const authorities = await Promise.all([...ENDORSERS, 'InsurerMSP'].map(createAuthority));
  const msps = authorities.map(({ mspId, caCertPem }) => ({ mspId, caCertPems: [caCertPem] }));
  const registry = new MspRegistry(msps);
  const issued = await Promise.all(authorities.map((authority) => authority.issue('peer0', { ou: 'peer' })));
  const [hospitalA] = authorities as [TestAuthority];
  const insurer = authorities[3] as TestAuthority;
  return {
    authorities,
    msps,
    peers: issued,
    client: await hospitalA.issue('patient'),
    insurer: await insurer.issue('insurer'),
    registry,
    signatureCache: new SignatureCache(registry),
  };
}

export function peerOptions(network: TestNetwork, directory: string, mspId = 'HospitalAMSP'): PeerLedgerOptions {
  const { msps, signatureCache } = network;
  return { mspId, directory, channel: CHANNEL, policy: POLICY, msps, signatureCache, chaincodes: [CHAINCODE] };
}

/** As the peers of `peerOptions` judge. */
export function rulesOf(network: TestNetwork): RulesByBlock {
  const { signatureCache: signatures, ...rules } = peerOptions(network, '');
  return new RulesByBlock({ ...rules, signatures });
}

/** A block that continues a peer's chain, as the orderer would cut it. */
export async function nextBlock(ledgerOfPeer: PeerLedger, envelopes: readonly Uint8Array[]): Promise<Uint8Array> {
  const previous = await ledgerOfPeer.blockByNumber(ledgerOfPeer.height() - 1);
  return encodeBlock({
    number: ledgerOfPeer.height(),
    previousHash: blockHeaderHash(parseBlock(previous ?? new Uint8Array())),
    dataHash: blockDataHash(envelopes),
    envelopes,
    metadata: orderedMetadata(new Uint8Array(8)),
  });
}

/** Commits one block and returns the validation codes. */
export async function commitAll(ledgerOfPeer: PeerLedger, envelopes: readonly Uint8Array[]): Promise<number[]> {
  const committed = await ledgerOfPeer.commit(await nextBlock(ledgerOfPeer, envelopes));
  return committed.transactions.map(({ validationCode }) => validationCode);
}

export async function temporaryFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'devledger-test-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
