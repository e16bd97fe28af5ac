import { connect } from 'node:net';

/** How a process shows that it serves. */
export type Readiness =
  /** One JSON line on its standard output with this member set to true. */
  | {
      readonly kind: 'line';
      readonly member: string;
      /** Another member of that line: sentences for the operator, by name. */
      readonly warnings?: string;
    }
  /** Something listens at the port of this machine. */
  | { readonly kind: 'port'; readonly port: number }
  /** A GET is answered with 200. */
  | { readonly kind: 'url'; readonly url: string };

const LOOPBACK = '127.0.0.1';
const PROBE_MS = 2_000;

/** Asks once. */
export async function isReady(readiness: Exclude<Readiness, { kind: 'line' }>): Promise<boolean> {
  return readiness.kind === 'port' ? listens(readiness.port) : answers(readiness.url);
}

/** @returns the members of a line of its output, where it is the one that says so */
export function readReadyLine(line: string, member: string): ReadonlyMap<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const members = new Map<string, unknown>(Object.entries(JSON.parse(line)));
    return members.get(member) === true ? members : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: LOOPBACK, timeout: PROBE_MS });
    const answer = (isListening: boolean) => {
      socket.destroy();
      resolve(isListening);
    };
    socket.once('connect', () => answer(true));
    socket.once('timeout', () => answer(false));
    socket.once('error', () => answer(false));
  });
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(PROBE_MS) });
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    // Whatever keeps it from answering, it is not ready yet; the deadline is the caller's.
    return false;
  }
}
