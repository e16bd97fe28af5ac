/** Work that goes on after its request was answered, until the gateway stops. */
export interface BackgroundWork {
  /** Given when the gateway stops: nothing new is begun after it, and no store may be there any more. */
  readonly signal: AbortSignal;
  /** @param work - tells its failures itself */
  run(work: () => Promise<void>): void;
  /** Gives the signal and waits for what is half done, but not for ever: all of it can be taken up again. */
  stop(): Promise<void>;
}

const GRACE_MS = 3_000;

export function createBackgroundWork(options: { readonly graceMs?: number } = {}): BackgroundWork {
  const stopping = new AbortController();
  const running = new Set<Promise<void>>();
  return {
    signal: stopping.signal,
    run(work) {
      const done = work().finally(() => running.delete(done));
      running.add(done);
    },
    async stop() {
      stopping.abort();
      await Promise.race([Promise.allSettled(running), elapsed(options.graceMs ?? GRACE_MS)]);
    },
  };
}

function elapsed(durationMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, durationMs).unref();
  });
}
