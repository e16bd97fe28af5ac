import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { Type } from 'typebox';
import { Errors } from 'typebox/value';
import type { ChaincodeEntry, ServiceTlsFiles } from '../../topology.js';
import { serviceFault } from '../../topology-checks.js';
import { DefinitionError } from '../definition/definition-error.js';
import type { ChaincodeTls } from './chaincode-connection.js';

/** Where a chaincode service is, and what peers show and expect there. */
export interface ServiceConnection {
  /** host:port. */
  readonly address: string;
  /** Plain where left out. */
  readonly tls?: ChaincodeTls;
}

type ServicePlace = Pick<ChaincodeEntry, 'name' | 'address' | 'connection' | 'folder' | 'tls'>;

/** Fields beside these are passed over, as Fabric does. */
const ConnectionShape = Type.Object({
  address: Type.String({ minLength: 1 }),
  domain: Type.Optional(Type.String()),
  tls_required: Type.Optional(Type.Boolean()),
  client_auth_required: Type.Optional(Type.Boolean()),
  client_key: Type.Optional(Type.String()),
  client_cert: Type.Optional(Type.String()),
  root_cert: Type.Optional(Type.String()),
});
const ADDRESS = /^[A-Za-z0-9._-]+:[0-9]{1,5}$/;

/**
 * How a service is connected to, with the certificates of the files that were named.
 *
 * @returns undefined for a chaincode that dials in or is run from a folder
 * @throws DefinitionError CONNECTION_INVALID
 */
export function serviceConnection(place: ServicePlace): ServiceConnection | undefined {
  const fault = serviceFault(place);
  if (fault !== undefined) throw new DefinitionError('CONNECTION_INVALID', `${place.name} ${fault}`);
  const { address, connection, tls } = place;
  if (connection !== undefined) return fromConnectionFile(connection, address);
  if (address === undefined) return undefined;
  return tls === undefined ? { address } : { address, tls: fromFiles(tls) };
}

/** @see Fabric core/container/externalbuilder/instance.go, ChaincodeServerUserData */
function fromConnectionFile(path: string, ownAddress: string | undefined): ServiceConnection {
  const given = parseConnection(readPem(path), path);
  const address = ownAddress ?? given.address;
  if (!ADDRESS.test(address)) {
    throw invalid(path, `the address ${address} is no host:port; give the one that is meant with --address`);
  }
  if (given.tls_required !== true) return { address };
  const { client_key: keyPem = '', client_cert: certificatePem = '', root_cert: caPem = '', domain = '' } = given;
  if (caPem === '') throw invalid(path, 'tls_required is set, and root_cert is not there; add it, in PEM');
  requireCertificate(caPem, `root_cert of ${path}`);
  if (given.client_auth_required !== true) return { address, tls: { caPem } };
  if (keyPem === '' || certificatePem === '') {
    throw invalid(path, 'client_auth_required is set; add client_cert and client_key, in PEM');
  }
  requireKeyPair({ keyPem, certificatePem }, path);
  return { address, tls: { caPem, keyPem, certificatePem, ...(domain === '' ? {} : { serverName: domain }) } };
}

function fromFiles({ rootCert, clientCert, clientKey }: ServiceTlsFiles): ChaincodeTls {
  const caPem = readPem(rootCert);
  requireCertificate(caPem, rootCert);
  if (clientCert === undefined || clientKey === undefined) return { caPem };
  const pair = { keyPem: readPem(clientKey), certificatePem: readPem(clientCert) };
  requireKeyPair(pair, clientCert);
  return { caPem, ...pair };
}

interface ConnectionFile {
  readonly address: string;
  readonly domain?: string;
  readonly tls_required?: boolean;
  readonly client_auth_required?: boolean;
  readonly client_key?: string;
  readonly client_cert?: string;
  readonly root_cert?: string;
}

function parseConnection(text: string, path: string): ConnectionFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid(path, `it is not JSON (${String(cause)})`, cause);
  }
  const [first] = Errors(ConnectionShape, value);
  if (first !== undefined) throw invalid(path, `${first.instancePath.slice(1) || 'the file'} ${first.message}`);
  return value as ConnectionFile;
}

function readPem(path: string): string {
  if (existsSync(path)) return readFileSync(path, 'utf8');
  throw invalid(path, 'there is no such file');
}

function requireKeyPair(pair: { readonly keyPem: string; readonly certificatePem: string }, where: string): void {
  const certificate = requireCertificate(pair.certificatePem, where);
  if (certificate.checkPrivateKey(parseKey(pair.keyPem, where))) return;
  throw invalid(where, 'the client certificate does not belong to the client key; give the two that belong together');
}

function parseKey(pem: string, where: string): ReturnType<typeof createPrivateKey> {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw invalid(where, 'the client key is no private key in PEM without a password', cause);
  }
}

function requireCertificate(pem: string, where: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw invalid(where, 'it is no certificate in PEM', cause);
  }
}

function invalid(where: string, what: string, cause?: unknown): DefinitionError {
  return new DefinitionError('CONNECTION_INVALID', `${where}: ${what}.`, { cause });
}
