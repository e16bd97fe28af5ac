import { request } from 'node:https';
import type { TlsMaterial } from '../identities/index.js';
import { LOOPBACK } from './members.js';

/** One call to a node's HTTPS, with a client certificate. */
export interface NodeRequest {
  /** Name in the node's certificate. */
  readonly host: string;
  readonly port: number;
  readonly tls: TlsMaterial;
  readonly method: string;
  readonly path: string;
  readonly contentType?: string;
  readonly body?: Uint8Array;
  readonly deadlineMs: number;
}

export interface NodeAnswer {
  readonly status: number;
  readonly text: string;
}

/** @throws Error when there is no answer in time */
export function askNode(call: NodeRequest): Promise<NodeAnswer> {
  const { host, port, tls, method, path, contentType, body, deadlineMs } = call;
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: LOOPBACK,
        servername: host,
        port,
        method,
        path,
        headers: contentType === undefined ? {} : { 'content-type': contentType },
        cert: tls.certificatePem,
        key: tls.keyPem,
        ca: tls.caPem,
        agent: false,
        timeout: deadlineMs,
      },
      (response) => {
        const chunks: Uint8Array[] = [];
        response.on('data', (chunk: Uint8Array) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
        );
      },
    );
    sent.on('timeout', () => sent.destroy(new Error('no answer in time')));
    sent.on('error', reject);
    sent.end(body);
  });
}
