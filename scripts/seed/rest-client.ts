import { setTimeout as wait } from 'node:timers/promises';

/** A gateway, asked as any client would. */
export interface RestClient {
  /**
   * Repeats what a limit or a passing failure kept from being answered; POSTs carry a stable Idempotency-Key.
   *
   * @returns the body of a 2xx answer
   * @throws RestError for any other answer
   */
  request(call: RestCall): Promise<unknown>;
}

export interface RestCall {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly accessToken?: string;
  readonly idempotencyKey?: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is. */
  readonly content?: { readonly bytes: Uint8Array; readonly type: string };
}

/** A refusal, as problem+json tells it. */
export class RestError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(call: RestCall, status: number, problem: { readonly code: string; readonly detail: string }) {
    super(`${call.method} ${call.path} was answered with ${status} ${problem.code}: ${problem.detail}`);
    this.name = 'RestError';
    this.status = status;
    this.code = problem.code;
  }
}

const ATTEMPTS_MAX = 8;
const FIRST_DELAY_MS = 250;
const DELAY_MAX_MS = 10_000;
/** Busy, in flight, a part that is away, an outcome that is not known yet: the same request may be made again. */
const PASSING_STATUSES: ReadonlySet<number> = new Set([409, 429, 502, 503, 504]);
/** A bundle is sealed within seconds; a deposit may wait for a custodian. */
const ANSWER_MS = 60_000;

export function restClient(gatewayUrl: string, signal: AbortSignal): RestClient {
  return {
    async request(call) {
      for (let attempt = 1; ; attempt++) {
        const answer = await ask(gatewayUrl, call, signal);
        if ('body' in answer) return answer.body;
        if (attempt === ATTEMPTS_MAX || !answer.isPassing) throw answer.error;
        const delayMs = Math.min(DELAY_MAX_MS, answer.retryAfterMs ?? FIRST_DELAY_MS * 2 ** (attempt - 1));
        await wait(delayMs, undefined, { signal });
      }
    },
  };
}

interface Unanswered {
  readonly error: Error;
  readonly isPassing: boolean;
  readonly retryAfterMs?: number;
}

async function ask(
  gatewayUrl: string,
  call: RestCall,
  signal: AbortSignal,
): Promise<{ readonly body: unknown } | Unanswered> {
  let response: Response;
  try {
    response = await fetch(`${gatewayUrl}${call.path}`, {
      ...requestOf(call),
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
    });
    return response.ok ? { body: bodyOf(await response.text()) } : await refusal(call, response);
  } catch (error) {
    if (signal.aborted) throw error;
    const reason = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    const message = `${call.method} ${gatewayUrl}${call.path} got no answer: ${reason}`;
    return { error: new Error(message, { cause: error }), isPassing: true };
  }
}

function requestOf({ method, accessToken, idempotencyKey, body, content }: RestCall): RequestInit {
  const headers = new Headers();
  if (accessToken !== undefined) headers.set('authorization', `Bearer ${accessToken}`);
  if (idempotencyKey !== undefined) headers.set('idempotency-key', idempotencyKey);
  if (content !== undefined) headers.set('content-type', content.type);
  else if (body !== undefined) headers.set('content-type', 'application/json');
  const payload = content === undefined ? JSON.stringify(body) : new Uint8Array(content.bytes);
  return { method, headers, ...(payload === undefined ? {} : { body: payload }) };
}

async function refusal(call: RestCall, response: Response): Promise<Unanswered> {
  const retryAfterS = Number(response.headers.get('retry-after') ?? Number.NaN);
  return {
    error: new RestError(call, response.status, parseProblem(await response.text())),
    isPassing: PASSING_STATUSES.has(response.status),
    ...(Number.isFinite(retryAfterS) ? { retryAfterMs: retryAfterS * 1000 } : {}),
  };
}

function bodyOf(text: string): unknown {
  return text === '' ? undefined : JSON.parse(text);
}

function parseProblem(text: string): { code: string; detail: string } {
  try {
    const { code, detail, title } = JSON.parse(text) as { code?: string; detail?: string; title?: string };
    return { code: code ?? 'UNKNOWN', detail: detail ?? title ?? '' };
  } catch {
    return { code: 'UNKNOWN', detail: text.slice(0, 200) };
  }
}
