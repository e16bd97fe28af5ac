/** What has been opened, to be closed in the opposite order, also when a later part cannot be opened. */
export class Closers {
  readonly #steps: (() => Promise<void> | void)[] = [];

  add<T>(part: T, close: (part: T) => Promise<void> | void): T {
    this.#steps.push(() => close(part));
    return part;
  }

  async closeAll(): Promise<void> {
    for (const step of this.#steps.splice(0).reverse()) await step();
  }
}
