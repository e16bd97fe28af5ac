/** A write that takes longer is worth telling of; disks that are merely slow take less. */
const SLOW_MS = 5_000;

/** What the writes of one place say of its disk at the moment. */
export class DiskWatch {
  readonly #what: string;
  #beganMs: number | undefined;
  #lastFailure: string | undefined;

  /** @param what - is written, in words */
  constructor(what: string) {
    this.#what = what;
  }

  /** One write at a time. */
  async during<Result>(write: () => Promise<Result>): Promise<Result> {
    this.#beganMs = performance.now();
    try {
      const result = await write();
      this.#lastFailure = undefined;
      return result;
    } catch (error) {
      this.#lastFailure = error instanceof Error ? error.message : String(error);
      throw error;
    } finally {
      this.#beganMs = undefined;
    }
  }

  /** In a sentence; undefined when the last write went well and none takes long. */
  trouble(): string | undefined {
    const forMs = this.#beganMs === undefined ? 0 : performance.now() - this.#beganMs;
    if (forMs < SLOW_MS) return this.#lastFailure;
    return `The disk has not taken ${this.#what} for ${Math.round(forMs / 1000)} s: look at what keeps it busy.`;
  }
}
