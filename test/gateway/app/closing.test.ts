import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { closeConnectionsAtEnd } from '../../../gateway/plugins/closing.js';

const ANSWER_MS = 300;
/** A server that waited for what does not come would take as long. */
const GRACE_MS = 120_000;
/** Of one that does not wait. */
const SOON_MS = 60_000;

let app: FastifyInstance;
let port: number;
let asked: Promise<void>;

beforeEach(async () => {
  await listen(GRACE_MS);
});
afterEach(() => app.close());

async function listen(graceMs: number): Promise<void> {
  app = Fastify();
  closeConnectionsAtEnd(app, { graceMs });
  asked = new Promise((resolve) => {
    app.addHook('onRequest', async () => resolve());
  });
  app.get('/slow', async () => {
    await wait(ANSWER_MS);
    return { answered: true };
  });
  app.get('/stuck', () => new Promise(() => {}));
  await app.listen({ port: 0, host: '127.0.0.1' });
  port = Number(new URL(app.listeningOrigin).port);
}

async function connected(): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('connect', resolve));
  await wait(20);
  return socket;
}

async function closingMs(): Promise<number> {
  const sinceMs = performance.now();
  await app.close();
  return performance.now() - sinceMs;
}

describe('a server that closes', () => {
  it('does not wait for a connection on which nothing was asked', async () => {
    const socket = await connected();
    expect(await closingMs()).toBeLessThan(SOON_MS);
    socket.destroy();
  });

  it('answers what was asked before, and no later', async () => {
    const idle = await connected();
    const answer = fetch(`http://127.0.0.1:${port}/slow`);
    await asked;
    const tookMs = await closingMs();
    expect(await (await answer).json()).toEqual({ answered: true });
    expect(tookMs).toBeLessThan(SOON_MS);
    idle.destroy();
  });

  it('does not wait for a client that went away', async () => {
    const socket = await connected();
    socket.write('GET /stuck HTTP/1.1\r\nhost: a\r\n\r\n');
    await asked;
    socket.destroy();
    expect(await closingMs()).toBeLessThan(SOON_MS);
  });

  it('gives up on an answer that does not come', async () => {
    await app.close();
    await listen(500);
    const answer = fetch(`http://127.0.0.1:${port}/stuck`).catch(() => 'no answer');
    await asked;
    expect(await closingMs()).toBeGreaterThan(400);
    expect(await answer).toBe('no answer');
  });
});
