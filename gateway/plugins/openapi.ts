import { STATUS_CODES } from 'node:http';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { RouteOptions } from 'fastify';
import { MUTATING } from './idempotency.js';
import { problemSchema } from '../schemas/problem.js';
import type { GatewayApp } from './gateway-app.js';

/** Less strict than the portal's policy in one part: the documentation's bundle sets styles in attributes. */
const DOCS_POLICY = {
  'default-src': "'self'",
  'img-src': "'self' data:",
  'style-src': "'self' 'unsafe-inline'",
  'object-src': "'none'",
  'base-uri': "'none'",
  'frame-ancestors': "'none'",
};

const PROBLEM = 'Problem';

type Schema = { readonly [member: string]: unknown };

/** OpenAPI 3.1, made from the schemas that also check the requests. Must be added before the routes. */
export async function addOpenApi(app: GatewayApp): Promise<void> {
  app.addSchema({ ...problemSchema, $id: PROBLEM });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'MedLedger gateway',
        version: '1.0.0',
        description:
          'Patient-owned medical records. Every opening is a committed transaction; errors are RFC 9457 problems with a stable code.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      components: { securitySchemes: { accessToken: { type: 'http', scheme: 'bearer' } } },
      security: [{ accessToken: [] }],
    },
    refResolver: { buildLocalReference: (schema, _base, _fragment, index) => String(schema.$id ?? `schema-${index}`) },
    transform: ({ schema, url, route }) => ({ schema: documented(parseSchema(schema), route), url }),
  });
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: DOCS_POLICY });
  app.get('/openapi.json', { schema: { hide: true }, config: { open: true } }, async () => app.swagger());
}

/** What holds for all routes is said here once, not in each schema. */
function documented(schema: Schema, route: RouteOptions): Schema {
  const config = route.config ?? {};
  return {
    ...schema,
    ...(schema.querystring !== undefined && { querystring: withMeantTypes(parseSchema(schema.querystring)) }),
    ...(schema.params !== undefined && { params: withMeantTypes(parseSchema(schema.params)) }),
    ...(config.fileBody === true && { body: { content: { '*/*': { schema: { type: 'string', format: 'binary' } } } } }),
    ...(config.open === true && { security: [] }),
    ...(MUTATING.includes(String(route.method)) && { headers: idempotencyHeader }),
    response: {
      ...withDescriptions(parseSchema(schema.response)),
      ...(config.fileAnswer === true && { 200: fileAnswer }),
      default: {
        description: 'Refused, or failed',
        content: { 'application/problem+json': { schema: problemSchema } },
      },
    },
  };
}

const idempotencyHeader = {
  type: 'object',
  properties: {
    'idempotency-key': {
      type: 'string',
      maxLength: 255,
      description: 'The same key with the same request gives the same answer for 24 hours and is carried out once',
    },
  },
};

const fileAnswer = {
  description: 'The original bytes, with Content-Type, Content-Digest (RFC 9530) and X-Transaction-Id',
  content: { '*/*': { schema: { type: 'string', format: 'binary' } } },
};

function withDescriptions(response: Schema): Schema {
  const described = Object.entries(response).map(([status, answer]) => {
    const description = STATUS_CODES[status] ?? 'Answer';
    return [status, { description, ...parseSchema(answer) }];
  });
  return Object.fromEntries(described);
}

/** Queries and paths are checked as text; `x-means` is what the text stands for. */
function withMeantTypes(parameters: Schema): Schema {
  const properties = Object.entries(parseSchema(parameters.properties)).map(([name, property]) => {
    const { 'x-means': means, ...rest } = parseSchema(property);
    return [name, means === undefined ? rest : { description: rest.description, ...parseSchema(means) }];
  });
  return { ...parameters, properties: Object.fromEntries(properties) };
}

function parseSchema(value: unknown): Schema {
  return typeof value === 'object' && value !== null ? (value as Schema) : {};
}
