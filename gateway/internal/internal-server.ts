import type { TLSSocket } from 'node:tls';
import {
  DomainError,
  ERRORS,
  type ErrorCode,
  fromBase64url,
  isErrorCode,
  toBase64url,
} from '@medledger/chaincode/domain';
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import type { SealedDeposit } from '../custody/deposit.js';
import { closeConnectionsAtEnd } from '../plugins/closing.js';
import { frameAll, unframeAll } from './framing.js';
import { INTERNAL_BODY_LIMIT_BYTES, type InternalApi } from './internal-api.js';

export interface InternalServerOptions {
  readonly api: InternalApi;
  readonly tls: { readonly certificatePem: string; readonly keyPem: string; readonly caPem: string };
  /** MSP id of the organisation whose gateway holds this client certificate; undefined for anybody else. */
  readonly organisationOf: (certificateDer: Uint8Array) => string | undefined;
  readonly logger: FastifyBaseLogger;
}

type DepositBody = {
  enc: string;
  items: { patientId: string; recordId: string; version: number; ciphertextSha256: string; sealed: string }[];
};

const text = { type: 'string', maxLength: 4096 };
const depositSchema = {
  type: 'object',
  required: ['enc', 'items'],
  additionalProperties: false,
  properties: {
    enc: text,
    items: {
      type: 'array',
      maxItems: 1000,
      items: {
        type: 'object',
        required: ['patientId', 'recordId', 'version', 'ciphertextSha256', 'sealed'],
        additionalProperties: false,
        properties: {
          // As the chain writes them: what names no record of it would lie in the store for ever.
          patientId: { type: 'string', pattern: '^[a-z0-9][a-z0-9-]{0,63}$' },
          recordId: { type: 'string', pattern: '^[0-9a-f]{34}$' },
          version: { type: 'integer', minimum: 1, maximum: 2 ** 31 },
          ciphertextSha256: { type: 'string', pattern: '^[0-9a-f]{64}$' },
          sealed: text,
        },
      },
    },
  },
};
const transactionSchema = {
  type: 'object',
  required: ['transactionId'],
  additionalProperties: false,
  properties: { transactionId: { type: 'string', pattern: '^[0-9a-f]{64}$' } },
};

/**
 * The side of a gateway that other organisations' gateways talk to. Strangers do not get past the TLS handshake, and
 * other processes of an organisation, such as its peer, not past the first line.
 */
export function buildInternalServer(options: InternalServerOptions): FastifyInstance {
  const { api, tls } = options;
  const app = Fastify({
    loggerInstance: options.logger,
    disableRequestLogging: true,
    bodyLimit: INTERNAL_BODY_LIMIT_BYTES,
    https: { cert: tls.certificatePem, key: tls.keyPem, ca: tls.caPem, requestCert: true, rejectUnauthorized: true },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
  });
  closeConnectionsAtEnd(app);
  app.decorateRequest('organisation', '');
  app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  );
  app.addHook('onRequest', async (request) => {
    const certificate = (request.socket as TLSSocket).getPeerCertificate();
    const organisation = certificate.raw === undefined ? undefined : options.organisationOf(certificate.raw);
    if (organisation === undefined)
      throw new DomainError('CALLER_UNKNOWN', 'the client certificate is not that of an organisation’s gateway');
    request.setDecorator('organisation', organisation);
  });
  app.setErrorHandler((error, request, reply) => {
    const code = codeOf(error);
    if (code === 'INTERNAL') request.log.error({ err: error }, 'internal call failed');
    return reply
      .code(ERRORS[code].status)
      .send({ code, detail: error instanceof Error ? error.message : ERRORS[code].text });
  });
  app.post<{ Body: DepositBody }>(
    '/internal/v1/shares',
    { schema: { body: depositSchema } },
    async (request, reply) => {
      await api.depositShares(parseDeposit(request.body, request.getDecorator<string>('organisation')));
      return reply.code(204).send();
    },
  );
  app.post<{ Body: { transactionId: string } }>(
    '/internal/v1/releases',
    { schema: { body: transactionSchema } },
    async (request) => {
      const release = await api.releaseShares(request.body.transactionId);
      const items = release.items.map((item) =>
        'sealed' in item ? { ...item, sealed: toBase64url(item.sealed) } : item,
      );
      return { custodian: release.custodian, enc: toBase64url(release.enc), items };
    },
  );
  app.post<{ Body: { transactionId: string } }>(
    '/internal/v1/attestations',
    { schema: { body: transactionSchema } },
    async (request) => api.attest(request.body.transactionId),
  );
  app.post<{ Body: Buffer }>('/internal/v1/vault/objects', async (request) => ({
    cids: await api.storeObjects(unframeAll(request.body)),
  }));
  app.get<{ Params: { cid: string } }>('/internal/v1/vault/objects/:cid', async (request, reply) => {
    const object = await api.readObject(request.params.cid);
    if (object === undefined) throw new DomainError('CONTENT_MISSING', 'this vault does not hold the object');
    return reply.type('application/octet-stream').send(Buffer.from(frameAll([object])));
  });
  app.get('/internal/v1/vault/addresses', async () => ({ addresses: await api.vaultAddresses() }));
  return app;
}

function parseDeposit(body: DepositBody, depositor: string): SealedDeposit {
  return {
    depositor,
    enc: fromBase64url(body.enc),
    items: body.items.map((item) => ({ ...item, sealed: fromBase64url(item.sealed) })),
  };
}

function codeOf(error: unknown): ErrorCode {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  if (isErrorCode(code)) return code;
  if (error instanceof RangeError) return 'INPUT_INVALID';
  const status = typeof error === 'object' && error !== null && 'statusCode' in error ? error.statusCode : undefined;
  if (status === 413) return 'BODY_TOO_LARGE';
  return status === 400 ? 'INPUT_INVALID' : 'INTERNAL';
}
