import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { MedledgerError } from '../medledger-error.js';
import type { GatewayApp } from './gateway-app.js';
import { type Problem, problemOf, type ToldProblem } from './problem.js';

const PROBLEM_TYPE = 'application/problem+json';

/** The only place where a failure becomes an HTTP answer (RFC 9457). */
export function addErrors(app: GatewayApp): void {
  app.decorateRequest('problemCode', undefined);
  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply));
  app.setNotFoundHandler((request, reply) => sendProblem(new MedledgerError('ROUTE_UNKNOWN'), request, reply));
}

/** Exported for failures that come before any route, such as a malformed URL. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const told = problemOf(error);
  const { problem } = told;
  request.problemCode = problem.code;
  if (problem.status >= 500) request.log.error({ err: error, code: problem.code }, 'request failed');
  tellHeaders(reply, told);
  const body = { ...problem, instance: pathOf(request), requestId: request.id };
  // Sent as bytes: a response schema would leave out the members it does not know, and Fastify would add a charset.
  return reply
    .code(problem.status)
    .type(PROBLEM_TYPE)
    .send(Buffer.from(JSON.stringify(body)));
}

/** For what is not even HTTP: there is no request, so nothing but the socket to answer on. */
export function answerClientError(_error: Error, socket: Socket): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const { problem } = problemOf(new MedledgerError('INPUT_INVALID', 'The request is not well-formed HTTP/1.1.'));
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} Bad Request`,
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function tellHeaders(reply: FastifyReply, { problem, retryAfterS }: ToldProblem): void {
  if (problem.status === 401) reply.header('www-authenticate', challengeFor(problem));
  if (retryAfterS !== undefined) reply.header('retry-after', String(retryAfterS));
  else if (problem.status === 503) reply.header('retry-after', '5');
  tellQuota(reply, problem);
  if (typeof problem.transactionId === 'string') reply.header('x-transaction-id', problem.transactionId);
}

/** Also as headers, for a client that reads no bodies of refusals. */
function tellQuota(reply: FastifyReply, { quota }: Problem): void {
  if (typeof quota !== 'object' || quota === null) return;
  for (const [name, member] of QUOTA_HEADERS) reply.header(name, String(Reflect.get(quota, member)));
}

const QUOTA_HEADERS = [
  ['x-quota-bytes-limit', 'sizeBytesMax'],
  ['x-quota-bytes-used', 'sizeBytesUsed'],
  ['x-quota-records-limit', 'recordsMax'],
  ['x-quota-records-used', 'recordsUsed'],
] as const;

/** RFC 6750 section 3. */
function challengeFor(problem: Problem): string {
  const realm = 'Bearer realm="medledger"';
  return problem.code === 'SESSION_ENDED' ? `${realm}, error="invalid_token"` : realm;
}

/** Without the query: its values tell what somebody looks for. */
function pathOf(request: FastifyRequest): string {
  const [path = '/'] = request.url.split('?', 1);
  return path;
}
