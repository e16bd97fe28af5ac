const CHUNK_SIZE_MAX = 512;

/** Keys in order, for many insertions one at a time: chunks short enough to be moved about. */
export class SortedKeys {
  readonly #chunks: string[][] = [];

  /** @param key - not in here yet */
  add(key: string): void {
    const at = Math.min(this.#chunkOf(key), this.#chunks.length - 1);
    const chunk = this.#chunks[at];
    if (chunk === undefined) {
      this.#chunks.push([key]);
      return;
    }
    chunk.splice(lowerBound(chunk, key), 0, key);
    if (chunk.length > CHUNK_SIZE_MAX) this.#chunks.splice(at + 1, 0, chunk.splice(CHUNK_SIZE_MAX / 2));
  }

  /** Place of the first key that is not below the given one; the end when there is none. */
  seek(key: string): KeyPlace {
    const chunk = this.#chunkOf(key);
    return { chunk, index: lowerBound(this.#chunks[chunk] ?? [], key) };
  }

  end(): KeyPlace {
    return { chunk: this.#chunks.length, index: 0 };
  }

  at({ chunk, index }: KeyPlace): string | undefined {
    return this.#chunks[chunk]?.[index];
  }

  after({ chunk, index }: KeyPlace): KeyPlace {
    return index + 1 < (this.#chunks[chunk]?.length ?? 0)
      ? { chunk, index: index + 1 }
      : { chunk: chunk + 1, index: 0 };
  }

  before({ chunk, index }: KeyPlace): KeyPlace {
    return index > 0
      ? { chunk, index: index - 1 }
      : { chunk: chunk - 1, index: (this.#chunks[chunk - 1]?.length ?? 0) - 1 };
  }

  /** First chunk whose last key is not below the given one. */
  #chunkOf(key: string): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#chunks[middle]?.at(-1) ?? '') < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Good until the next key is added. */
export interface KeyPlace {
  readonly chunk: number;
  readonly index: number;
}

function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
