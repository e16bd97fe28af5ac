import { Agent, request } from 'node:https';
import { fromBase64url, isErrorCode, toBase64url } from '@medledger/chaincode/domain';
import type { ReleasedShare } from '../custody/custodian.js';
import { MedledgerError } from '../medledger-error.js';
import { attestation } from '../services/receipts/attestation.js';
import { frameAll, unframeAll } from './framing.js';
import { INTERNAL_BODY_LIMIT_BYTES, type InternalApi } from './internal-api.js';

export interface InternalClientOptions {
  readonly host: string;
  readonly port: number;
  /** Name in the server's certificate. */
  readonly serverName: string;
  readonly tls: { readonly certificatePem: string; readonly keyPem: string; readonly caPem: string };
  readonly timeoutMs: number;
}

type Reply = { status: number; body: Buffer };
type ReleaseJson = { custodian: string; enc: string; items: ({ sealed: string } & Record<string, unknown>)[] };

/** Another organisation's gateway. Failures to reach it are thrown as they are; its refusals keep their code. */
export function connectInternal(options: InternalClientOptions): InternalApi & { close(): void } {
  const agent = new Agent({
    keepAlive: true,
    maxSockets: 8,
    cert: options.tls.certificatePem,
    key: options.tls.keyPem,
    ca: options.tls.caPem,
    servername: options.serverName,
  });
  const call = (method: string, path: string, body?: { type: string; bytes: Uint8Array }) =>
    exchange({ options, agent, method, path, ...(body === undefined ? {} : { body }) });
  const json = (value: unknown) => ({ type: 'application/json', bytes: Buffer.from(JSON.stringify(value)) });
  return {
    async depositShares({ enc, items }) {
      const sealed = items.map((item) => ({ ...item, sealed: toBase64url(item.sealed) }));
      accepted(await call('POST', '/internal/v1/shares', json({ enc: toBase64url(enc), items: sealed })));
    },
    async releaseShares(transactionId) {
      const reply = accepted(await call('POST', '/internal/v1/releases', json({ transactionId })));
      const release = JSON.parse(reply.body.toString()) as ReleaseJson;
      const items = release.items.map(parseReleased);
      return { custodian: release.custodian, enc: fromBase64url(release.enc), items };
    },
    async attest(transactionId) {
      const reply = accepted(await call('POST', '/internal/v1/attestations', json({ transactionId })));
      return attestation(JSON.parse(reply.body.toString()), '/attestation');
    },
    async storeObjects(objects) {
      const body = { type: 'application/octet-stream', bytes: frameAll(objects) };
      const reply = accepted(await call('POST', '/internal/v1/vault/objects', body));
      return (JSON.parse(reply.body.toString()) as { cids: string[] }).cids;
    },
    async readObject(cid) {
      const reply = await call('GET', `/internal/v1/vault/objects/${encodeURIComponent(cid)}`);
      return refusalCode(reply) === 'CONTENT_MISSING' ? undefined : unframeAll(accepted(reply).body)[0];
    },
    async vaultAddresses() {
      const reply = accepted(await call('GET', '/internal/v1/vault/addresses'));
      return (JSON.parse(reply.body.toString()) as { addresses: string[] }).addresses;
    },
    close: () => agent.destroy(),
  };
}

function exchange(call: {
  options: InternalClientOptions;
  agent: Agent;
  method: string;
  path: string;
  body?: { type: string; bytes: Uint8Array };
}): Promise<Reply> {
  const { host, port, timeoutMs } = call.options;
  const headers =
    call.body === undefined ? {} : { 'content-type': call.body.type, 'content-length': call.body.bytes.length };
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host, port, method: call.method, path: call.path, agent: call.agent, headers },
      (incoming) => {
        const chunks: Buffer[] = [];
        let sizeBytes = 0;
        incoming.on('data', (chunk: Buffer) => {
          sizeBytes += chunk.length;
          if (sizeBytes > INTERNAL_BODY_LIMIT_BYTES)
            outgoing.destroy(new Error('the answer is larger than any object'));
          else chunks.push(chunk);
        });
        incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, body: Buffer.concat(chunks) }));
        incoming.on('error', reject);
      },
    );
    outgoing.setTimeout(timeoutMs, () => outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    outgoing.on('error', reject);
    outgoing.end(call.body?.bytes);
  });
}

function accepted(reply: Reply): Reply {
  if (reply.status >= 200 && reply.status < 300) return reply;
  const { code, detail } = refusalOf(reply);
  throw new MedledgerError(isErrorCode(code) ? code : 'INTERNAL', detail);
}

function refusalCode(reply: Reply): string | undefined {
  return reply.status >= 400 ? refusalOf(reply).code : undefined;
}

function refusalOf(reply: Reply): { code: string; detail: string } {
  try {
    const { code, detail } = JSON.parse(reply.body.toString()) as { code?: unknown; detail?: unknown };
    return { code: String(code), detail: String(detail) };
  } catch {
    return { code: 'INTERNAL', detail: `status ${reply.status}` };
  }
}

function parseReleased(item: { sealed: string } & Record<string, unknown>): ReleasedShare {
  return (typeof item.sealed === 'string' ? { ...item, sealed: fromBase64url(item.sealed) } : item) as ReleasedShare;
}
