import { randomBytes } from 'node:crypto';
import { Agent as HttpAgent, type IncomingMessage, request as httpRequest, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { hasErrorCode } from '../durable-files.js';
import { VaultError } from './vault-errors.js';

const TIMEOUT_MS_DEFAULT = 30_000;
const ANSWER_BYTES_MAX_DEFAULT = 4 << 20;
const SOCKETS_MAX = 8;
/** Where Kubo names what went wrong after it had begun to answer: a trailer, which fetch does not show. */
const STREAM_ERROR_TRAILER = 'x-stream-error';

export type RpcParameters = { readonly [name: string]: string | number | boolean | readonly string[] };

export type RpcCall = {
  readonly parameters?: RpcParameters;
  /** Sent as the files of a form, in order; their names are their positions. */
  readonly files?: readonly Uint8Array[];
  /** How long the node may be silent. */
  readonly timeoutMs?: number;
  readonly answerBytesMax?: number;
};

/** The node answered, and said that it could not do it. `reason` is its own sentence. */
export class KuboRefusal extends VaultError {
  readonly reason: string;

  constructor(message: string, reason: string) {
    super('VAULT_UNAVAILABLE', message);
    this.name = 'KuboRefusal';
    this.reason = reason;
  }
}

type Answer = { readonly status: number; readonly body: Buffer; readonly streamError: string | undefined };
type Outgoing = { readonly options: RequestOptions; readonly body: readonly Uint8Array[] } & Required<
  Pick<RpcCall, 'timeoutMs' | 'answerBytesMax'>
>;

/**
 * Calls of Kubo's RPC API, version 0: POST with arguments in the query, files as multipart/form-data.
 *
 * @see https://docs.ipfs.tech/reference/kubo/rpc/
 */
export class KuboRpc {
  /** The URL without user and password, for messages. */
  readonly name: string;
  readonly #base: URL;
  readonly #agent: HttpAgent;
  readonly #authorization: string | undefined;

  /** @param url - http or https; user and password are sent as Basic authorization (Kubo's `API.Authorizations`) */
  constructor(url: string) {
    const base = new URL(url);
    const { username, password } = base;
    if (username !== '' || password !== '') {
      const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
      this.#authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
      base.username = '';
      base.password = '';
    }
    this.#base = base;
    this.name = base.href.replace(/\/$/, '');
    const agentOptions = { keepAlive: true, maxSockets: SOCKETS_MAX };
    this.#agent = base.protocol === 'https:' ? new HttpsAgent(agentOptions) : new HttpAgent(agentOptions);
  }

  /**
   * @param command - path below /api/v0/, such as block/get
   * @returns the whole answer, never a part of one
   * @throws KuboRefusal when the node says no; VaultError VAULT_UNAVAILABLE when it does not answer, or not as Kubo
   */
  async call(command: string, call: RpcCall = {}): Promise<Buffer> {
    const { status, body, streamError } = await this.#exchange(command, call);
    if (status === 200 && streamError === undefined) return body;
    throw this.#failure({ command, status, reason: streamError ?? reasonOf(body) });
  }

  /** Calls under way fail. */
  close(): void {
    this.#agent.destroy();
  }

  async #exchange(command: string, call: RpcCall): Promise<Answer> {
    const outgoing = this.#outgoing(command, call);
    try {
      return await exchange(this.#base.protocol, outgoing);
    } catch (cause) {
      const why = `does not answer ${command}: start it, or correct VAULT_KUBO_URL`;
      throw new VaultError('VAULT_UNAVAILABLE', `The Kubo node at ${this.name} ${why}`, { cause });
    }
  }

  #outgoing(command: string, { parameters, files, timeoutMs, answerBytesMax }: RpcCall): Outgoing {
    const form = files === undefined ? undefined : formOf(files);
    const body = form?.parts ?? [];
    const { hostname, port, pathname } = this.#base;
    const headers = {
      ...(this.#authorization === undefined ? {} : { authorization: this.#authorization }),
      ...(form === undefined ? {} : { 'content-type': form.type }),
      'content-length': body.reduce((sizeBytes, part) => sizeBytes + part.length, 0),
    };
    const path = `${pathname.replace(/\/$/, '')}/api/v0/${command}${queryOf(parameters ?? {})}`;
    // The brackets of an IPv6 address belong to the URL, not to the address.
    const host = hostname.replace(/^\[(.*)\]$/, '$1');
    return {
      options: { host, port, path, method: 'POST', headers, agent: this.#agent },
      body,
      timeoutMs: timeoutMs ?? TIMEOUT_MS_DEFAULT,
      answerBytesMax: answerBytesMax ?? ANSWER_BYTES_MAX_DEFAULT,
    };
  }

  #failure({ command, status, reason }: { command: string; status: number; reason: string }): VaultError {
    if (status === 401 || status === 403) {
      const advice = 'give VAULT_KUBO_URL a user and password that API.Authorizations lets make this call';
      return new VaultError('VAULT_UNAVAILABLE', `The Kubo node at ${this.name} refuses ${command}: ${advice}`);
    }
    if (status === 404 || status === 405) {
      const advice = 'VAULT_KUBO_URL is the address of the RPC API, by default port 5001';
      return new VaultError('VAULT_UNAVAILABLE', `What answers at ${this.name} has no ${command}: ${advice}`);
    }
    return new KuboRefusal(`The Kubo node at ${this.name} could not ${command}: ${reason}`, reason);
  }
}

/** A connection that was kept open may have been closed by the other side; all calls made here may be repeated. */
async function exchange(protocol: string, outgoing: Outgoing): Promise<Answer> {
  const first = await attempt(protocol, outgoing);
  if (first !== 'closed before') return first;
  const second = await attempt(protocol, { ...outgoing, options: { ...outgoing.options, agent: false } });
  if (second === 'closed before') throw new Error('the connection was closed');
  return second;
}

function attempt(protocol: string, { options, body, ...limits }: Outgoing): Promise<Answer | 'closed before'> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer | 'closed before'>();
  const send = protocol === 'https:' ? httpsRequest : httpRequest;
  const sending = send(options, (incoming) => {
    collect(incoming, limits.answerBytesMax).then(resolve, (error) => {
      sending.destroy();
      reject(error);
    });
  });
  sending.setTimeout(limits.timeoutMs, () => sending.destroy(new Error(`no answer within ${limits.timeoutMs} ms`)));
  sending.on('error', (error) => {
    if (sending.reusedSocket && hasErrorCode(error, 'ECONNRESET')) resolve('closed before');
    else reject(error);
  });
  for (const part of body) sending.write(part);
  sending.end();
  return promise;
}

async function collect(incoming: IncomingMessage, bytesMax: number): Promise<Answer> {
  const portions: Buffer[] = [];
  let sizeBytes = 0;
  for await (const portion of incoming) {
    sizeBytes += portion.length;
    if (sizeBytes > bytesMax) throw new Error(`the answer has more than ${bytesMax} bytes`);
    portions.push(portion);
  }
  const streamError = incoming.trailers[STREAM_ERROR_TRAILER];
  return { status: incoming.statusCode ?? 0, body: Buffer.concat(portions), streamError };
}

function queryOf(parameters: RpcParameters): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of Array.isArray(value) ? value : [value]) query.append(name, String(one));
  }
  return query.size === 0 ? '' : `?${query}`;
}

function formOf(files: readonly Uint8Array[]): { type: string; parts: Uint8Array[] } {
  const boundary = randomBytes(24).toString('hex');
  const parts = files.flatMap((file, index) => {
    const disposition = `Content-Disposition: form-data; name="file"; filename="${index}"`;
    const head = `--${boundary}\r\n${disposition}\r\nContent-Type: application/octet-stream\r\n\r\n`;
    return [Buffer.from(head), file, Buffer.from('\r\n')];
  });
  return { type: `multipart/form-data; boundary=${boundary}`, parts: [...parts, Buffer.from(`--${boundary}--\r\n`)] };
}

/** Kubo's errors are JSON; what stands before it, such as a proxy, answers with text. */
function reasonOf(body: Buffer): string {
  const text = body.toString().trim().slice(0, 500);
  try {
    const { Message } = JSON.parse(text) as { Message?: unknown };
    return typeof Message === 'string' ? Message : text;
  } catch {
    return text;
  }
}
