/** Disks write sectors whole; of a larger write any of them may be missing. */
const SECTOR_BYTES = 512;

export type Change =
  | { readonly kind: 'write'; readonly offsetBytes: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly sizeBytes: number };

export interface Folder {
  /** Names as the process sees them. */
  readonly live: Map<string, FileImage | Folder>;
  /** Names that a sync of the folder has confirmed. */
  readonly durable: Map<string, FileImage | Folder>;
}

export function newFolder(): Folder {
  return { live: new Map(), durable: new Map() };
}

/** What happens to all that was not synced: in one file this, in another that. */
const FATES = ['lost', 'kept', 'zeros', 'mixed', 'mixed'] as const;

/** Content of one file: what was synced, and what was done to it since. */
export class FileImage {
  #durable: Buffer;
  #pending: Change[] = [];

  constructor(durable: Buffer = Buffer.alloc(0)) {
    this.#durable = durable;
  }

  get pendingCount(): number {
    return this.#pending.length;
  }

  change(change: Change): void {
    this.#pending.push(change);
  }

  /** @param count - changes that were made before the sync began */
  confirm(count: number): void {
    this.#durable = this.#pending.slice(0, count).reduce(applied, this.#durable);
    this.#pending = this.#pending.slice(count);
  }

  afterCut(random: () => number): Buffer {
    const images = [this.#durable];
    for (const change of this.#pending) images.push(applied(images.at(-1) ?? this.#durable, change));
    const newest = images.at(-1) ?? this.#durable;
    const fate = FATES[Math.floor(random() * FATES.length)];
    if (fate === 'lost') return this.#durable;
    if (fate === 'kept') return newest;
    // Delayed allocation: the size is that of the newest write, whose bytes never came.
    if (fate === 'zeros') return sized(this.#durable, newest.length);
    const pick = () => images[Math.floor(random() * images.length)] ?? newest;
    const mixed = Buffer.alloc(pick().length);
    for (let start = 0; start < mixed.length; start += SECTOR_BYTES) {
      const image = pick();
      if (start < image.length) image.copy(mixed, start, start, Math.min(start + SECTOR_BYTES, mixed.length));
    }
    return mixed;
  }
}

/** Which of the changes of names came to the disk; each by itself. */
export function linksAfterCut<Item>(changes: readonly Item[], random: () => number): Item[] {
  const share = [0, 0.5, 0.9, 1][Math.floor(random() * 4)] ?? 1;
  return changes.filter(() => random() < share);
}

function applied(image: Buffer, change: Change): Buffer {
  if (change.kind === 'truncate') return sized(image, change.sizeBytes);
  const end = change.offsetBytes + change.bytes.length;
  const next = sized(image, Math.max(image.length, end));
  change.bytes.copy(next, change.offsetBytes);
  return next;
}

/** A copy; what it grows by is zeros. */
function sized(image: Buffer, sizeBytes: number): Buffer {
  const next = Buffer.alloc(sizeBytes);
  image.copy(next, 0, 0, Math.min(sizeBytes, image.length));
  return next;
}
