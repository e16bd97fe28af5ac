/**
 * What the stores say when the disk does not hold what was written. None of these is ever answered with "absent".
 */
export class StateCorruptError extends Error {
  /** Organisation whose peer holds the state. */
  readonly peer: string;
  /** Printable place: kind of row, namespace and key. */
  readonly key: string;

  constructor(peer: string, key: string, detail: string, options?: ErrorOptions) {
    super(`STATE_CORRUPT: peer ${peer}, ${key}: ${detail}. The peer makes its state again from its blocks.`, options);
    this.name = 'StateCorruptError';
    this.peer = peer;
    this.key = key;
  }
}

export class BlockCorruptError extends Error {
  /** Organisation whose peer holds the file, or `orderer`. */
  readonly peer: string;
  readonly file: string;
  readonly offsetBytes: number;
  readonly blockNumber: number;

  constructor(place: { peer: string; file: string; offsetBytes: number; blockNumber: number }, detail: string) {
    super(
      `BLOCK_CORRUPT: ${place.peer}, ${place.file} at byte ${place.offsetBytes}, block ${place.blockNumber}: ${detail}.`,
    );
    this.name = 'BlockCorruptError';
    this.peer = place.peer;
    this.file = place.file;
    this.offsetBytes = place.offsetBytes;
    this.blockNumber = place.blockNumber;
  }
}

/** A store that cannot be opened or written; the message says what the operator does next. */
export class StoreError extends Error {
  /** Another process has it open. */
  readonly inUse: boolean;
  /** Nothing was changed, and the same may be tried again once this was done: making room on the disk, mostly. */
  readonly shortage: string | undefined;

  constructor(
    message: string,
    options?: ErrorOptions & { readonly inUse?: boolean; readonly shortage?: string | undefined },
  ) {
    super(message, options);
    this.name = 'StoreError';
    this.inUse = options?.inUse ?? false;
    this.shortage = options?.shortage;
  }

  get diskFull(): boolean {
    return this.shortage !== undefined;
  }
}
