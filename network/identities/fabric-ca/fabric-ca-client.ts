import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { IdentitiesError } from '../identities-error.js';
import { certificateRequest, type RequestedKey } from './certificate-request.js';

/** Where a Fabric CA server answers. */
export interface FabricCaPlace {
  /** E.g. https://ca.hospital-a.example:7054 */
  readonly url: string;
  /** One server may hold several authorities; the server's first one where left out. */
  readonly caName?: string;
  /** Authority of the server's TLS certificate, PEM; not used with http. */
  readonly tlsRootPem?: string;
}

/** Signs calls that only registrars may make. */
export interface FabricCaRegistrar {
  readonly certificatePem: string;
  /** ECDSA with SHA-256 over the bytes, ASN.1 DER, low-S. */
  readonly sign: (bytes: Uint8Array) => Promise<Uint8Array>;
}

export interface Registration {
  readonly id: string;
  /** Fabric's role: becomes the organisational unit of the certificate. */
  readonly type: 'client' | 'peer' | 'admin' | 'orderer';
  readonly secret: string;
  /** Go into every certificate. */
  readonly attributes?: Readonly<Record<string, string>>;
}

export interface Enrolment {
  readonly id: string;
  readonly secret: string;
  readonly key: RequestedKey;
  /** With them a TLS certificate for these names and addresses. */
  readonly tlsHosts?: readonly string[];
}

export interface Enrolled {
  readonly certificatePem: string;
  /** The authority's own certificate, with those above it, PEM. */
  readonly authorityPem: string;
}

/** What we ask of a Fabric CA server. Every call is one request, none is repeated by itself. */
export interface FabricCa {
  enroll(enrolment: Enrolment): Promise<Enrolled>;
  register(registrar: FabricCaRegistrar, registration: Registration): Promise<void>;
  /** Takes back every certificate of an identity, which can enrol no more. */
  revoke(registrar: FabricCaRegistrar, id: string): Promise<void>;
  /** @returns the list of what was taken back, PEM */
  revocationList(registrar: FabricCaRegistrar): Promise<string>;
}

interface Call {
  readonly path: string;
  readonly body: object;
  readonly authorization: (body: string) => Promise<string>;
}

const DEADLINE_MS = 15_000;
const ANSWER_MAX_BYTES = 4 * 1024 * 1024;
const API = '/api/v1';
/** Identities of the server's root affiliation: organisations of ours have no departments. */
const AFFILIATION = '';
/** For the identity and for TLS, and once more for each renewal. */
const MAX_ENROLLMENTS = -1;

/**
 * @throws IdentitiesError CA_UNREACHABLE when the server does not answer, CA_REFUSED with its words when it says no
 * @see https://hyperledger-fabric-ca.readthedocs.io/en/latest/users-guide.html
 */
export function openFabricCa(place: FabricCaPlace): FabricCa {
  const caname = place.caName === undefined ? {} : { caname: place.caName };
  const asked = (path: string, body: object, registrar: FabricCaRegistrar) =>
    ask(place, { path, body: { ...body, ...caname }, authorization: (text) => token(registrar, path, text) });
  return {
    enroll: (enrolment) => enroll(place, caname, enrolment),
    async register(registrar, { id, type, secret, attributes = {} }) {
      const attrs = Object.entries(attributes).map(([name, value]) => ({ name, value, ecert: true }));
      const identity = { id, type, secret, affiliation: AFFILIATION, max_enrollments: MAX_ENROLLMENTS, attrs };
      await asked(`${API}/register`, identity, registrar);
    },
    async revoke(registrar, id) {
      await asked(`${API}/revoke`, { id }, registrar);
    },
    async revocationList(registrar) {
      return parseText(await asked(`${API}/gencrl`, {}, registrar), 'CRL');
    },
  };
}

async function enroll(
  place: FabricCaPlace,
  caname: object,
  { id, secret, key, tlsHosts }: Enrolment,
): Promise<Enrolled> {
  const body = {
    certificate_request: await certificateRequest(id, key),
    ...(tlsHosts === undefined ? {} : { profile: 'tls', hosts: tlsHosts }),
    ...caname,
  };
  const credentials = `Basic ${Buffer.from(`${id}:${secret}`, 'utf8').toString('base64')}`;
  const result = await ask(place, { path: `${API}/enroll`, body, authorization: async () => credentials });
  return {
    certificatePem: parseText(result, 'Cert'),
    authorityPem: parseText(parseMember(result, 'ServerInfo'), 'CAChain'),
  };
}

/**
 * The registrar's certificate, and its signature over method, path, body and certificate.
 *
 * @see https://github.com/hyperledger/fabric-ca/blob/main/util/util.go (GenECDSAToken)
 */
async function token({ certificatePem, sign }: FabricCaRegistrar, path: string, body: string): Promise<string> {
  const certificate = base64(certificatePem);
  const signed = ['POST', base64(path), base64(body), certificate].join('.');
  const signature = await sign(Buffer.from(signed, 'utf8'));
  return `${certificate}.${Buffer.from(signature).toString('base64')}`;
}

async function ask(place: FabricCaPlace, { path, body, authorization }: Call): Promise<unknown> {
  const text = JSON.stringify(body);
  const answer = await post(new URL(path, place.url), place, { text, authorization: await authorization(text) });
  const { success, result, errors } = parseAnswer(place.url, answer);
  if (success) return result;
  const said = errors.map(({ code, message }) => `${message} (${code})`).join('; ');
  throw new IdentitiesError('CA_REFUSED', `${place.url} refused ${path}: ${said}; see its log.`);
}

function post(
  url: URL,
  { tlsRootPem }: FabricCaPlace,
  { text, authorization }: { readonly text: string; readonly authorization: string },
): Promise<string> {
  const start = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), authorization };
  const tls = tlsRootPem === undefined ? {} : { ca: tlsRootPem };
  return new Promise((resolve, reject) => {
    const sent = start(url, { method: 'POST', headers, ...tls, timeout: DEADLINE_MS }, (response) => {
      const chunks: Uint8Array[] = [];
      let sizeBytes = 0;
      response.on('data', (chunk: Uint8Array) => {
        chunks.push(chunk);
        sizeBytes += chunk.length;
        if (sizeBytes > ANSWER_MAX_BYTES) sent.destroy(new Error('its answer is too large'));
      });
      response.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
      response.on('error', reject);
    });
    sent.on('timeout', () => sent.destroy(new Error('no answer in time')));
    sent.on('error', (cause) =>
      reject(
        new IdentitiesError('CA_UNREACHABLE', `${url.origin} does not answer (${cause.message}); see that it runs.`, {
          cause,
        }),
      ),
    );
    sent.end(text);
  });
}

interface Answer {
  readonly success: boolean;
  readonly result: unknown;
  readonly errors: readonly { readonly code: number; readonly message: string }[];
}

function parseAnswer(url: string, text: string): Answer {
  try {
    const { success, result, errors } = JSON.parse(text) as Partial<Answer>;
    return { success: success === true, result, errors: errors ?? [] };
  } catch (cause) {
    throw new IdentitiesError('CA_REFUSED', `${url} answered with something that is no JSON; is it a Fabric CA?`, {
      cause,
    });
  }
}

function parseMember(value: unknown, name: string): unknown {
  if (typeof value === 'object' && value !== null && name in value)
    return Object.entries(value).find(([key]) => key === name)?.[1];
  throw new IdentitiesError('CA_REFUSED', `the answer of the Fabric CA has no ${name}; is it of version 1.5?`);
}

/** The server puts PEM into base64. */
function parseText(value: unknown, name: string): string {
  const encoded = parseMember(value, name);
  if (typeof encoded === 'string') return Buffer.from(encoded, 'base64').toString('utf8');
  throw new IdentitiesError('CA_REFUSED', `the answer of the Fabric CA has no text ${name}; is it of version 1.5?`);
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
