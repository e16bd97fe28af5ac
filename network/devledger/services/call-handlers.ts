import {
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type ServerDuplexStream,
  type ServerWritableStream,
  status,
} from '@grpc/grpc-js';
import type { Logger } from 'pino';
import type { ConcurrencyLimit } from './concurrency-limit.js';
import { messageOf, RpcError, toServerError } from './rpc-error.js';

export interface CallContext {
  readonly limit: ConcurrencyLimit;
  readonly log: Logger;
  /** Aborted when the server stops. */
  readonly stopped: AbortSignal;
  /** Told of each unary call that was answered. */
  readonly onCall?: CallListener;
}

/** @param call.path - e.g. `/gateway.Gateway/Submit` */
export type CallListener = (call: {
  readonly path: string;
  readonly code: number;
  readonly durationMs: number;
}) => void;

/** Without a reason of its own every abort makes a DOMException with a stack, a measurable part of a short call. */
const GONE = 'the caller is gone';

/** A call that is answered once; the signal tells when nobody waits for the answer any more. */
export function unaryHandler<Request, Response>(
  context: CallContext,
  handle: (request: Request, signal: AbortSignal) => Promise<Response>,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    const caller = new AbortController();
    const startedAtMs = performance.now();
    const answered = (code: number) =>
      context.onCall?.({ path: call.getPath(), code, durationMs: performance.now() - startedAtMs });
    call.on('cancelled', () => caller.abort(GONE));
    void limited(context, () => handle(call.request, caller.signal)).then(
      (response) => {
        answered(status.OK);
        callback(null, response);
      },
      (error: unknown) => {
        logFailure(context.log, call.getPath(), error);
        const failure = toServerError(error);
        answered(failure.code ?? status.UNKNOWN);
        callback(failure);
      },
    );
  };
}

/** A call that is answered by a stream, which ends with the generator or when the client or the server stops. */
export function serverStreamHandler<Request, Response>(
  context: CallContext,
  handle: (request: Request, signal: AbortSignal) => AsyncIterable<Response>,
): handleServerStreamingCall<Request, Response> {
  return (call) => {
    const signal = streamSignal(call, context.stopped);
    const run = async () => {
      for await (const message of handle(call.request, signal)) await writePaced(call, message, signal);
    };
    void limited(context, run).then(
      () => {
        // A clean end would tell the client that there is nothing more; it is to connect again.
        if (context.stopped.aborted) call.emit('error', toServerError(stopping()));
        else call.end();
      },
      (error: unknown) => {
        logFailure(context.log, call.getPath(), error);
        call.emit('error', toServerError(error));
      },
    );
  };
}

/** Requests that wait on one stream while an earlier one is answered. */
const REQUESTS_WAITING_MAX = 16;

/**
 * A stream on which requests are answered one after the other, each by several messages.
 *
 * @param handle - yields the messages of one answer; returns whether the client may ask again
 */
export function conversationHandler<Request, Response>(
  context: CallContext,
  handle: (request: Request, signal: AbortSignal) => AsyncGenerator<Response, boolean, void>,
): handleBidiStreamingCall<Request, Response> {
  return (call) => {
    // It counts from its beginning: one that asks for nothing holds memory all the same.
    if (!enterUntilEnd(call, context.limit)) return;
    const signal = streamSignal(call, context.stopped);
    let waiting = 0;
    let work = Promise.resolve();
    const answer = async (request: Request) => {
      const goOn = await writeAll(call, handle(request, signal), signal);
      waiting -= 1;
      if (!goOn) call.end();
    };
    call.on('data', (request: Request) => {
      waiting += 1;
      if (waiting > REQUESTS_WAITING_MAX) call.end();
      else {
        work = work
          .then(() => answer(request))
          .catch((error: unknown) => {
            call.emit('error', toServerError(error));
          });
      }
    });
    call.on('end', () => {
      void work.then(() => call.end());
    });
  };
}

/**
 * A stream on which each request is answered by one message, in order. The next one is read when the one before is
 * answered, so that a client who sends faster waits.
 *
 * @param handle - returns the answer, and whether the client may go on
 */
export function exchangeHandler<Request, Response>(
  context: CallContext,
  handle: (request: Request) => Promise<{ readonly answer: Response; readonly goOn: boolean }>,
): handleBidiStreamingCall<Request, Response> {
  return (call) => {
    const signal = streamSignal(call, context.stopped);
    const run = async () => {
      for await (const request of call.iterator({ destroyOnReturn: false })) {
        const { answer, goOn } = await limited(context, () => handle(request));
        await writePaced(call, answer, signal);
        if (!goOn || signal.aborted) return;
      }
    };
    void run().then(
      () => call.end(),
      (error: unknown) => {
        logFailure(context.log, call.getPath(), error);
        call.emit('error', toServerError(error));
      },
    );
  };
}

type WritableCall<Response> =
  | Pick<ServerWritableStream<unknown, Response>, 'write' | 'once' | 'off' | 'on' | 'cancelled'>
  | Pick<ServerDuplexStream<unknown, Response>, 'write' | 'once' | 'off' | 'on' | 'cancelled'>;

async function limited<Result>(context: CallContext, run: () => Promise<Result>): Promise<Result> {
  const leave = context.limit.enter();
  try {
    return await run();
  } finally {
    leave();
  }
}

async function writeAll<Response>(
  call: WritableCall<Response>,
  messages: AsyncGenerator<Response, boolean, void>,
  signal: AbortSignal,
): Promise<boolean> {
  for (;;) {
    const next = await messages.next();
    if (next.done === true) return next.value;
    await writePaced(call, next.value, signal);
  }
}

function enterUntilEnd(
  call: Pick<ServerDuplexStream<unknown, unknown>, 'on' | 'emit'>,
  limit: ConcurrencyLimit,
): boolean {
  try {
    const leave = limit.enter();
    let isOver = false;
    const end = () => {
      if (!isOver) leave();
      isOver = true;
    };
    call.on('finish', end);
    call.on('cancelled', end);
    return true;
  } catch (error) {
    call.emit('error', toServerError(error));
    return false;
  }
}

/** A stream holds sixteen messages before it says that it is full; of long ones that would be too much. */
const LONG_MESSAGE_MIN_BYTES = 64 * 1024;

/** Waits until the client has taken enough, so that a slow reader costs no memory. */
async function writePaced<Response>(
  call: WritableCall<Response>,
  message: Response,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) return;
  const isLong = message instanceof Uint8Array && message.length >= LONG_MESSAGE_MIN_BYTES;
  if (!isLong && call.write(message)) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      call.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    signal.addEventListener('abort', done);
    if (isLong) call.write(message, done);
    else call.once('drain', done);
  });
}

function streamSignal(call: WritableCall<never>, stopped: AbortSignal): AbortSignal {
  const caller = new AbortController();
  const abort = () => caller.abort(GONE);
  call.on('cancelled', abort);
  call.on('error', abort);
  call.on('close', abort);
  stopped.addEventListener('abort', abort, { once: true });
  caller.signal.addEventListener('abort', () => stopped.removeEventListener('abort', abort), { once: true });
  return caller.signal;
}

function stopping(): RpcError {
  return new RpcError(status.UNAVAILABLE, 'the peer is shutting down');
}

function logFailure(log: Logger, path: string, error: unknown): void {
  if (error instanceof RpcError) log.debug({ path, code: error.code }, 'call refused');
  else log.error({ path, error: messageOf(error) }, 'call failed');
}
