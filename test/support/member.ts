import { randomBytes } from 'node:crypto';
import type { Credential } from '../../scripts/seed/credentials.js';

/** One answer of a gateway, as it came. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
}

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: object;
  /** Sent as it is. */
  readonly content?: { readonly bytes: Uint8Array; readonly type: string };
  readonly idempotencyKey?: string;
  /** The client gives up. */
  readonly signal?: AbortSignal;
}

/** What problem+json says. */
export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly transactionId?: string;
  readonly custodians?: readonly { readonly custodian: string; readonly code: string }[];
}

/** Signed in at one gateway. */
export class Member {
  readonly memberId: string;
  readonly gatewayUrl: string;
  readonly password: string;
  readonly #accessToken: string;

  constructor(of: { memberId: string; gatewayUrl: string; password: string; accessToken: string }) {
    this.memberId = of.memberId;
    this.gatewayUrl = of.gatewayUrl;
    this.password = of.password;
    this.#accessToken = of.accessToken;
  }

  send(call: Call): Promise<Reply> {
    return send(this.gatewayUrl, call, this.#accessToken);
  }

  /** @throws Error with the problem unless it is answered with 2xx */
  async ask<T>(call: Call): Promise<T> {
    const reply = await this.send(call);
    if (reply.status >= 300) throw new Error(`${call.method} ${call.path}: ${reply.status} ${reply.bytes}`);
    return jsonOf<T>(reply);
  }
}

export function jsonOf<T>(reply: Reply): T {
  return JSON.parse(reply.bytes.toString('utf8')) as T;
}

export function problemOf(reply: Reply): Problem {
  return jsonOf<Problem>(reply);
}

/** A new patient, signed in. */
export async function signUp(gatewayUrl: string, profile?: Readonly<Record<string, string>>): Promise<Member> {
  const password = randomBytes(18).toString('base64url');
  const body = { password, ...(profile === undefined ? {} : { profile }) };
  const reply = await send(gatewayUrl, { method: 'POST', path: '/v1/patients', body });
  if (reply.status !== 201) throw new Error(`sign-up: ${reply.status} ${reply.bytes}`);
  const { patientId } = jsonOf<{ patientId: string }>(reply);
  return signIn({ memberId: patientId, gatewayUrl, password });
}

export async function signIn(of: Pick<Credential, 'memberId' | 'gatewayUrl' | 'password'>): Promise<Member> {
  const { memberId, gatewayUrl, password } = of;
  const reply = await send(gatewayUrl, { method: 'POST', path: '/v1/sessions', body: { memberId, password } });
  if (reply.status !== 201) throw new Error(`sign-in of ${memberId}: ${reply.status} ${reply.bytes}`);
  return new Member({ ...of, ...jsonOf<{ accessToken: string }>(reply) });
}

export async function send(gatewayUrl: string, call: Call, accessToken?: string): Promise<Reply> {
  const { method, path, body, content, idempotencyKey, signal } = call;
  const headers = new Headers();
  if (accessToken !== undefined) headers.set('authorization', `Bearer ${accessToken}`);
  if (idempotencyKey !== undefined) headers.set('idempotency-key', idempotencyKey);
  if (content !== undefined) headers.set('content-type', content.type);
  else if (body !== undefined) headers.set('content-type', 'application/json');
  const payload = content === undefined ? JSON.stringify(body) : new Uint8Array(content.bytes);
  const response = await fetch(`${gatewayUrl}${path}`, {
    method,
    headers,
    ...(payload === undefined ? {} : { body: payload }),
    ...(signal === undefined ? {} : { signal }),
  });
  return {
    status: response.status,
    headers: response.headers,
    bytes: Buffer.from(await response.arrayBuffer()),
  };
}
