import type { IncomingMessage } from 'node:http';

const BODY_MAX_BYTES = 64 * 1024;

/**
 * The body of a request as text.
 *
 * @throws RangeError it is larger than anything that is asked for here
 */
export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    sizeBytes += bytes.length;
    if (sizeBytes > BODY_MAX_BYTES) throw new RangeError(`A body has at most ${BODY_MAX_BYTES} bytes.`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}
