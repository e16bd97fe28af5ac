/** How long the oldest waiting envelope has to wait: counted from when it came. */
export class BatchTimer {
  readonly #onDue: () => void;
  #timer: NodeJS.Timeout | undefined;
  #isDue = false;

  /** @param onDue - called when the time is over; `isDue` says so until `stop` */
  constructor(onDue: () => void) {
    this.#onDue = onDue;
  }

  get isDue(): boolean {
    return this.#isDue;
  }

  /** Where it runs already it counts for one that came before, and nothing changes. */
  start(delayMs: number): void {
    if (this.#isDue) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#isDue = true;
      this.#onDue();
    }, delayMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isDue = false;
  }
}
