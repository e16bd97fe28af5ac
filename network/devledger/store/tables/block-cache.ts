export interface CachedPart {
  readonly sizeBytes: number;
}

/** One part as large as many others would push all of them out: such a part is read anew each time. */
const PART_SHARE_MAX = 1 / 8;

/** Parts of tables that were read last, up to a number of bytes. Everything in it had its digest checked. */
export class BlockCache<Part extends CachedPart> {
  readonly #sizeMaxBytes: number;
  readonly #parts = new Map<number, Part>();
  #sizeBytes = 0;

  constructor(sizeMaxBytes: number) {
    this.#sizeMaxBytes = sizeMaxBytes;
  }

  /** Of all parts in it. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get(place: number): Part | undefined {
    const part = this.#parts.get(place);
    if (part === undefined) return undefined;
    // A map keeps the order of insertion: what is used moves to its end.
    this.#parts.delete(place);
    this.#parts.set(place, part);
    return part;
  }

  put(place: number, part: Part): void {
    if (part.sizeBytes > this.#sizeMaxBytes * PART_SHARE_MAX) return;
    this.#parts.set(place, part);
    this.#sizeBytes += part.sizeBytes;
    for (const [oldest, { sizeBytes }] of this.#parts) {
      if (this.#sizeBytes <= this.#sizeMaxBytes) return;
      this.#parts.delete(oldest);
      this.#sizeBytes -= sizeBytes;
    }
  }
}
