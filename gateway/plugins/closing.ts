import type { Server, ServerResponse } from 'node:http';
import type { Server as SecureServer } from 'node:https';

/** As much of Fastify as is needed, with or without TLS. */
interface ClosingApp {
  readonly server: Server | SecureServer;
  addHook(name: 'preClose', hook: () => Promise<void>): unknown;
}

/** How long requests that are being answered may still take when the server closes. */
const GRACE_MS = 5_000;
const LOOK_INTERVAL_MS = 20;

/**
 * Ends every connection as soon as the last request is answered once the server closes. Without it a connection on
 * which nothing was ever asked, as browsers and connection pools open them in advance, keeps the server open until
 * the other side thinks of it.
 */
export function closeConnectionsAtEnd(app: ClosingApp, options: { readonly graceMs?: number } = {}): void {
  let inFlight = 0;
  let isClosing = false;
  const closeIfDone = () => {
    if (isClosing && inFlight === 0) app.server.closeAllConnections();
  };
  app.server.on('request', (_request, response: ServerResponse) => {
    inFlight += 1;
    // Comes for answers that were sent and for clients that went away.
    response.once('close', () => {
      inFlight -= 1;
      closeIfDone();
    });
  });
  app.addHook('preClose', async () => {
    isClosing = true;
    const forced = setTimeout(() => app.server.closeAllConnections(), options.graceMs ?? GRACE_MS);
    // Again and again, because until the library stops listening somebody may still connect and ask nothing.
    const looking = setInterval(closeIfDone, LOOK_INTERVAL_MS);
    app.server.once('close', () => {
      clearTimeout(forced);
      clearInterval(looking);
    });
  });
}
