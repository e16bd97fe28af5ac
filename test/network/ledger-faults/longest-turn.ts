import { monitorEventLoopDelay } from 'node:perf_hooks';
import { IS_FULL } from '../../support/full-run.js';

/**
 * Of CPU. What nobody may hold the thread for is 200 ms; but a busy machine hands over, in one turn, all the messages
 * that came while the thread waited for a core, so that the run of every day allows for more of them.
 */
export const TURN_MAX_MS = IS_FULL ? 200 : 500;

/**
 * The longest that this thread worked without a pause for others, in milliseconds of its own CPU: on a busy machine the
 * clock goes on while the thread waits for a core.
 */
export class LongestTurn {
  readonly #delay = monitorEventLoopDelay({ resolution: 5 });
  readonly #timer: NodeJS.Timeout;
  #lastUs = cpuUs();
  #longestUs = 0;

  constructor() {
    this.#delay.enable();
    this.#timer = setInterval(() => this.#turn(), 5);
  }

  /** Forgets what was until now. */
  restart(): void {
    this.#lastUs = cpuUs();
    this.#longestUs = 0;
    this.#delay.reset();
  }

  stop(): { cpuMs: number; clockMs: number } {
    this.#turn();
    clearInterval(this.#timer);
    this.#delay.disable();
    return { cpuMs: this.#longestUs / 1000, clockMs: this.#delay.max / 1e6 };
  }

  #turn(): void {
    const nowUs = cpuUs();
    this.#longestUs = Math.max(this.#longestUs, nowUs - this.#lastUs);
    this.#lastUs = nowUs;
  }
}

function cpuUs(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}
