import { join } from 'node:path';
import { issueCertificate, type Subject } from './certificate.js';
import { PRIVATE_FILE_MODE, replaceFile } from './durable-file.js';
import { ensureKeyPair, issuerOf, type KeyPair, readText } from './key-pair.js';
import { BACKDATED_MS, ensureText } from './organisation-folder.js';

/** Certificates between one peer and the chaincode that dials in to it. */
export interface DialInTls {
  /** What the peer shows, PEM. */
  readonly certificatePem: string;
  readonly keyPem: string;
  /** The authority of both sides, PEM. */
  readonly caPem: string;
  /** Makes the certificate of a chaincode, once; it is on disk when the promise settles. */
  clientFor(packageId: string): Promise<DialInClient>;
}

/** What one chaincode shows its peer. */
export interface DialInClient {
  readonly certificateDer: Uint8Array;
  /** Environment variables that fabric-shim and the Go shim read, by name. */
  readonly env: Readonly<Record<string, string>>;
}

const YEAR_MS = 365 * 86_400_000;
const AUTHORITY_LIFE_MS = 20 * YEAR_MS;
const LEAF_LIFE_MS = 2 * YEAR_MS;

/**
 * An authority for nothing but chaincode, as each peer of Fabric has: who holds a certificate of the organisation is
 * not by that a chaincode. Fabric makes it anew at each start; here it stays, so that a chaincode which is started by
 * hand outlives a restart of the ledger.
 *
 * @param folder - of one peer
 * @param host - name in the peer's certificate, beside localhost and 127.0.0.1
 * @throws IdentitiesError IDENTITIES_UNREADABLE
 * @see Fabric internal/peer/node/start.go, createChaincodeServer; core/chaincode/accesscontrol
 */
export async function ensureDialInTls(folder: string, host: string, nowMs: number): Promise<DialInTls> {
  const subject = { commonName: `chaincode-ca.${host}` };
  const authority: Authority = { subject, nowMs, pair: await ensureAuthority(folder, subject, nowMs) };
  const paths = { certificate: join(folder, 'server.crt'), key: join(folder, 'server.key') };
  const server = await leaf(authority, paths, { commonName: host, dnsNames: [host, 'localhost'] });
  const caPem = authority.pair.certificatePem;
  return {
    certificatePem: server.certificatePem,
    keyPem: readText(paths.key),
    caPem,
    clientFor: (packageId) => client(authority, folder, packageId),
  };
}

interface Authority {
  readonly subject: Subject;
  readonly pair: KeyPair;
  readonly nowMs: number;
}

function ensureAuthority(folder: string, subject: Subject, nowMs: number): Promise<KeyPair> {
  return ensureKeyPair(
    { certificate: join(folder, 'ca.crt'), key: join(folder, 'ca.key') },
    {
      nowMs,
      issuedBy: undefined,
      issue: async (publicKeySpki, privateKey) => {
        const issued = await issueCertificate({
          subject,
          publicKeySpki,
          issuer: { subject, publicKeySpki, privateKey },
          notBeforeMs: nowMs - BACKDATED_MS,
          notAfterMs: nowMs + AUTHORITY_LIFE_MS,
          use: { kind: 'authority' },
        });
        return issued.pem;
      },
    },
  );
}

function leaf(
  { subject, pair, nowMs }: Authority,
  paths: { readonly certificate: string; readonly key: string },
  name: { readonly commonName: string; readonly dnsNames: readonly string[] },
): Promise<KeyPair> {
  return ensureKeyPair(paths, {
    nowMs,
    issuedBy: pair,
    issue: async (publicKeySpki) => {
      const issued = await issueCertificate({
        subject: { commonName: name.commonName },
        publicKeySpki,
        issuer: issuerOf(pair, subject),
        notBeforeMs: nowMs - BACKDATED_MS,
        notAfterMs: nowMs + LEAF_LIFE_MS,
        use: { kind: 'tls', dnsNames: name.dnsNames, ipAddresses: ['127.0.0.1'] },
      });
      return issued.pem;
    },
  });
}

/**
 * The files and variables that Fabric gives a chaincode. Two of the files are the same as two others in base64: that is
 * how they are read where only CORE_TLS_CLIENT_KEY_PATH and CORE_TLS_CLIENT_CERT_PATH are known.
 *
 * @see Fabric core/container/dockercontroller/dockercontroller.go, GetEnv
 */
async function client(authority: Authority, peerFolder: string, packageId: string): Promise<DialInClient> {
  // A colon is no part of a file's name everywhere, and @ of no name and no version.
  const folder = join(peerFolder, packageId.replaceAll(':', '@'));
  const paths = { certificate: join(folder, 'client_pem.crt'), key: join(folder, 'client_pem.key') };
  const own = await leaf(authority, paths, { commonName: 'chaincode', dnsNames: ['localhost'] });
  const encoded = { certificate: join(folder, 'client.crt'), key: join(folder, 'client.key') };
  const root = join(folder, 'peer.crt');
  ensureText(encoded.certificate, Buffer.from(own.certificatePem).toString('base64'));
  replaceFile(encoded.key, Buffer.from(readText(paths.key)).toString('base64'), PRIVATE_FILE_MODE);
  ensureText(root, authority.pair.certificatePem);
  return {
    certificateDer: own.certificate.raw,
    env: {
      CORE_PEER_TLS_ENABLED: 'true',
      CORE_TLS_CLIENT_KEY_PATH: encoded.key,
      CORE_TLS_CLIENT_CERT_PATH: encoded.certificate,
      CORE_TLS_CLIENT_KEY_FILE: paths.key,
      CORE_TLS_CLIENT_CERT_FILE: paths.certificate,
      CORE_PEER_TLS_ROOTCERT_FILE: root,
    },
  };
}
