import { randomUUID } from 'node:crypto';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { Registry } from '@prometheus-io/client';
import Fastify, { type FastifyBaseLogger, LogController } from 'fastify';
import { requireAccessToken } from './plugins/authentication.js';
import { createBodyBudget } from './plugins/body-budget.js';
import { acceptFhirJson, acceptFiles, acceptJson } from './plugins/body-parsers.js';
import { closeConnectionsAtEnd } from './plugins/closing.js';
import { addErrors, answerClientError, sendProblem } from './plugins/errors.js';
import { DEFAULT_LIMITS, type GatewayApp, type GatewayOrganisation, type HttpLimits } from './plugins/gateway-app.js';
import { addIdempotency } from './plugins/idempotency.js';
import { addMetrics } from './plugins/metrics.js';
import { addOpenApi } from './plugins/openapi.js';
import { addPressureLimit } from './plugins/pressure.js';
import { addRateLimits } from './plugins/rate-limits.js';
import { addRequestLog } from './plugins/request-log.js';
import { addSecurityHeaders } from './plugins/security-headers.js';
import { accessRequestRoutes } from './routes/access-requests.js';
import { auditRoutes } from './routes/audit.js';
import { bundleRoutes } from './routes/bundles.js';
import { careGroupRoutes } from './routes/care-groups.js';
import { delegationRoutes } from './routes/delegations.js';
import { emergencyRoutes } from './routes/emergencies.js';
import { explanationRoutes } from './routes/explanations.js';
import { explorerRoutes } from './routes/explorer.js';
import { grantRoutes } from './routes/grants.js';
import { healthRoutes } from './routes/health.js';
import { memberRoutes, openMemberRoutes } from './routes/members.js';
import { noticeRoutes } from './routes/notices.js';
import { policyRoutes } from './routes/policies.js';
import { recordFileRoutes } from './routes/record-files.js';
import { recordRoutes } from './routes/records.js';
import { representativeRoutes } from './routes/representatives.js';
import type { Services } from './services/medledger.js';

export interface AppOptions {
  readonly services: Services;
  readonly organisation: GatewayOrganisation;
  readonly logger: FastifyBaseLogger;
  readonly limits?: Partial<HttpLimits>;
  /** Where answers to repeated requests are kept: a file, or `:memory:`. */
  readonly stores: { readonly idempotencyPath: string };
  /** Metrics of the whole process; the HTTP ones are added to it. */
  readonly metrics?: Registry;
  readonly nowMs?: () => number;
}

/** A slow body may take this long; behind it stand at most a commit and its repetitions. */
const REQUEST_TIMEOUT_MS = 120_000;

/** The REST face of one gateway: every plugin and route, in the order in which they apply. */
export async function buildApp(options: AppOptions): Promise<GatewayApp> {
  const { services, organisation } = options;
  const limits: HttpLimits = { ...DEFAULT_LIMITS, ...options.limits };
  const nowMs = options.nowMs ?? Date.now;
  const context = { services, organisation, limits, nowMs };
  const app = createInstance(options.logger);

  closeConnectionsAtEnd(app);
  addErrors(app);
  addRequestLog(app);
  addMetrics(app, options.metrics ?? new Registry());
  await addSecurityHeaders(app);
  await addPressureLimit(app, limits);
  const rateLimits = await addRateLimits(app, limits);
  addIdempotency(app, { databasePath: options.stores.idempotencyPath, nowMs });
  await addOpenApi(app);

  healthRoutes(app, context);
  await app.register(async (open) => {
    acceptJson(open, limits.jsonBytesMax);
    openMemberRoutes(open, { services, rateLimits });
  });
  await app.register(async (members) => {
    requireAccessToken(members, services, rateLimits);
    acceptJson(members, limits.jsonBytesMax);
    memberRoutes(members, context);
    recordRoutes(members, context);
    grantRoutes(members, context);
    accessRequestRoutes(members, context);
    policyRoutes(members, context);
    careGroupRoutes(members, context);
    representativeRoutes(members, context);
    delegationRoutes(members, context);
    noticeRoutes(members, context);
    emergencyRoutes(members, context);
    explanationRoutes(members, context);
    auditRoutes(members, context);
    explorerRoutes(members, context);
    const holdBody = createBodyBudget(limits.bodyBytesInFlightMax);
    await members.register(async (files) => {
      holdBody(files, limits.recordBytesMax);
      acceptFiles(files, limits.recordBytesMax);
      recordFileRoutes(files, context);
    });
    await members.register(async (bundles) => {
      holdBody(bundles, limits.bundleBytesMax);
      acceptFhirJson(bundles, limits.bundleBytesMax);
      bundleRoutes(bundles, context);
    });
  });
  return app;
}

/** Off are the defaults by which Fastify changes a request without a word: coercion, dropped and defaulted members. */
function createInstance(logger: FastifyBaseLogger): GatewayApp {
  const app = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: () => randomUUID(),
    // A HEAD of a content route would commit an opening.
    exposeHeadRoutes: false,
    requestTimeout: REQUEST_TIMEOUT_MS,
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, request, reply) => sendProblem(error, request, reply),
    ajv: {
      customOptions: {
        coerceTypes: false,
        removeAdditional: false,
        useDefaults: false,
        allErrors: false,
        // The schema of the refused member, for its description; never told with the value.
        verbose: true,
        allowUnionTypes: true,
        keywords: ['x-means'],
      },
    },
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.removeAllContentTypeParsers();
  app.decorateRequest('caller', undefined);
  app.decorateRequest('bodyDigest', '');
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
  });
  return app;
}
