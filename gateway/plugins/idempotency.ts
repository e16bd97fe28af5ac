import { createHash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { MedledgerError } from '../medledger-error.js';
import type { GatewayApp } from './gateway-app.js';
import {
  type IdempotencyId,
  type IdempotencyStore,
  openIdempotencyStore,
  type StoredAnswer,
} from './idempotency-store.js';
import { routeOf } from './metrics.js';

export interface IdempotencyOptions {
  readonly databasePath: string;
  readonly nowMs: () => number;
}

/** Exported for the documentation of these routes. */
export const MUTATING: readonly string[] = ['POST', 'PUT', 'DELETE'];
const KEY = /^[\x21-\x7e]{1,255}$/;
/** How long a client may repeat a request; the draft on Idempotency-Key leaves it to the server. */
const KEPT_MS = 24 * 3600 * 1000;
const KEPT_HEADERS = ['content-type', 'location', 'x-transaction-id', 'www-authenticate'];
/** Nothing was decided, so the same request may be tried again under the same key. */
const UNDECIDED = ['IDEMPOTENCY_IN_FLIGHT', 'LEDGER_CONFLICT', 'STALE_HEAD', 'NONCE_INVALID'];
/** Memory in bytes is 128 · N · r: 16 MiB, some 50 ms, for the one route whose body holds a password. */
const SCRYPT = { N: 2 ** 14, r: 8, p: 1 };

type Scrypt = (secret: string, salt: Uint8Array, length: number, options: typeof SCRYPT) => Promise<Buffer>;
const scryptAsync: Scrypt = promisify(scrypt);

/**
 * Idempotency-Key on every POST, PUT and DELETE: the same key with the same request gives the stored answer, with another request a
 * refusal. A request that a crash cut short is carried out again: the use cases derive their ids from the key.
 */
export function addIdempotency(app: GatewayApp, options: IdempotencyOptions): void {
  const onDisk = openIdempotencyStore(options.databasePath);
  // Answers that hold a token do not outlive the process.
  const inMemory = openIdempotencyStore(':memory:');
  const storeOf = (request: FastifyRequest) => (request.routeOptions.config.secretAnswer === true ? inMemory : onDisk);
  const running = new Set<string>();
  const owned = new WeakMap<FastifyRequest, IdempotencyId>();

  app.addHook('preHandler', async (request, reply) => {
    const key = request.headers['idempotency-key'];
    if (!MUTATING.includes(request.method) || key === undefined) return;
    const id = { scope: request.caller?.memberId ?? 'anonymous', route: routeOf(request), key: parseKey(key) };
    const name = nameOf(id);
    if (running.has(name)) throw new MedledgerError('IDEMPOTENCY_IN_FLIGHT', undefined, { retryAfterS: 1 });
    running.add(name);
    try {
      const answer = await beginOrFind({ store: storeOf(request), id, request, nowMs: options.nowMs() });
      if (answer === undefined) owned.set(request, id);
      else {
        running.delete(name);
        return replay(reply, answer);
      }
    } catch (error) {
      running.delete(name);
      throw error;
    }
  });

  app.addHook('onSend', async (request, reply, payload) => {
    const id = owned.get(request);
    if (id === undefined) return;
    owned.delete(request);
    try {
      if (isFinal(request, reply)) storeOf(request).complete(id, answerOf(reply, payload));
    } finally {
      running.delete(nameOf(id));
    }
  });

  app.addHook('onClose', async () => {
    onDisk.close();
    inMemory.close();
  });
}

function parseKey(key: string | string[]): string {
  if (typeof key === 'string' && KEY.test(key)) return key;
  throw new MedledgerError('INPUT_INVALID', '/idempotency-key must be 1 to 255 visible ASCII characters', {
    extra: { pointer: '/idempotency-key', in: 'header' },
  });
}

/** @returns the stored answer; undefined where the request is to be carried out, its fingerprint being stored */
async function beginOrFind(input: {
  store: IdempotencyStore;
  id: IdempotencyId;
  request: FastifyRequest;
  nowMs: number;
}): Promise<StoredAnswer | undefined> {
  const { store, id, request, nowMs } = input;
  store.forgetBefore(nowMs - KEPT_MS);
  const entry = store.find(id);
  const salt = entry?.salt ?? randomBytes(16);
  const fingerprint = await fingerprintOf(request, salt);
  if (entry === undefined) {
    store.begin(id, { salt, fingerprint, nowMs });
    return undefined;
  }
  if (!timingSafeEqual(Buffer.from(entry.fingerprint), Buffer.from(fingerprint)))
    throw new MedledgerError('IDEMPOTENCY_KEY_REUSED');
  return entry.answer !== undefined && (await mayBeRepeated(request, entry.answer)) ? entry.answer : undefined;
}

async function mayBeRepeated(request: FastifyRequest, answer: StoredAnswer): Promise<boolean> {
  const { answerHolds } = request.routeOptions.config;
  if (answerHolds === undefined || answer.status >= 300) return true;
  return answerHolds(request, Buffer.from(answer.body).toString());
}

/** Over method, URL, content type and body. A plain hash of a body with a password could be tried out offline. */
async function fingerprintOf(request: FastifyRequest, salt: Uint8Array): Promise<string> {
  const parts = [request.method, request.url, request.headers['content-type'] ?? '', request.bodyDigest];
  const text = JSON.stringify(parts);
  if (request.routeOptions.config.secretBody !== true)
    return createHash('sha256').update(salt).update(text).digest('hex');
  return (await scryptAsync(text, salt, 32, SCRYPT)).toString('hex');
}

function isFinal(request: FastifyRequest, reply: FastifyReply): boolean {
  const { statusCode } = reply;
  if (request.routeOptions.config.keepsNoAnswer === true) return false;
  if (statusCode >= 500 || statusCode === 429 || statusCode === 401) return false;
  return request.problemCode === undefined || !UNDECIDED.includes(request.problemCode);
}

function answerOf(reply: FastifyReply, payload: unknown): StoredAnswer {
  const headers = KEPT_HEADERS.flatMap((name) => {
    const value = reply.getHeader(name);
    return value === undefined ? [] : [[name, String(value)] as const];
  });
  const body = typeof payload === 'string' || payload instanceof Uint8Array ? Buffer.from(payload) : Buffer.alloc(0);
  return { status: reply.statusCode, headers: Object.fromEntries(headers), body };
}

function replay(reply: FastifyReply, { status, headers, body }: StoredAnswer): FastifyReply {
  reply.code(status).headers(headers).header('idempotent-replayed', 'true');
  return body.length === 0 ? reply.send() : reply.send(Buffer.from(body));
}

function nameOf(id: IdempotencyId): string {
  return JSON.stringify([id.scope, id.route, id.key]);
}
