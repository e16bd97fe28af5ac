/** What asks a running network to stop. */
export interface StopSignals {
  /** Aborted at the first request. */
  readonly signal: AbortSignal;
  /** Resolves at the first request. */
  readonly requested: Promise<void>;
  /** Called at a second request. */
  onSecond(kill: () => void): void;
}

/**
 * One Ctrl-C arrives several times: from the terminal, from npm and from the script below npm. Requests within this
 * time of the first are the same one.
 */
const SAME_REQUEST_MS = 700;

export function listenForStop(nowMs: () => number): StopSignals {
  const controller = new AbortController();
  let firstAtMs: number | undefined;
  let kill = () => {};
  const requested = new Promise<void>((resolve) => {
    const request = () => {
      if (firstAtMs === undefined) {
        firstAtMs = nowMs();
        controller.abort();
        resolve();
      } else if (nowMs() - firstAtMs > SAME_REQUEST_MS) kill();
    };
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, request);
    // The script that brought this process up is gone.
    process.on('disconnect', request);
  });
  return {
    signal: controller.signal,
    requested,
    onSecond: (called) => {
      kill = called;
    },
  };
}
