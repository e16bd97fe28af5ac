import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { closeConnectionsAtEnd } from '../../../gateway/plugins/closing.js';

const ANSWER_MS = 300;
let app: FastifyInstance;
let port: number;

beforeEach(async () => {
  app = Fastify();
  closeConnectionsAtEnd(app, { graceMs: 2_000 });
  app.get('/slow', async () => {
    await wait(ANSWER_MS);
    return { answered: true };
  });
  app.get('/stuck', () => new Promise(() => {}));
  await app.listen({ port: 0, host: '127.0.0.1' });
  port = Number(new URL(app.listeningOrigin).port);
});
afterEach(() => app.close());

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
    expect(await closingMs()).toBeLessThan(1_000);
    socket.destroy();
  });

  it('answers what was asked before, and no later', async () => {
    const idle = await connected();
    const answer = fetch(`http://127.0.0.1:${port}/slow`);
    await wait(50);
    const tookMs = await closingMs();
    expect(await (await answer).json()).toEqual({ answered: true });
    expect(tookMs).toBeGreaterThan(100);
    expect(tookMs).toBeLessThan(1_500);
    idle.destroy();
  });

  it('does not wait for a client that went away', async () => {
    const socket = await connected();
    socket.write('GET /stuck HTTP/1.1\r\nhost: a\r\n\r\n');
    await wait(50);
    socket.destroy();
    expect(await closingMs()).toBeLessThan(1_000);
  });

  it('gives up on an answer that does not come', async () => {
    const answer = fetch(`http://127.0.0.1:${port}/stuck`).catch(() => 'no answer');
    await wait(50);
    const tookMs = await closingMs();
    expect(tookMs).toBeGreaterThan(1_500);
    expect(tookMs).toBeLessThan(4_000);
    expect(await answer).toBe('no answer');
  });
});
