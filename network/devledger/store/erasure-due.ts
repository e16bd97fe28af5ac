import { ERASURE_KEY } from './row-keys.js';
import type { RowWrite } from './state-database.js';

/** That private data were deleted whose bytes are to go too. */
export interface ErasureDue {
  /** From this block on. */
  readonly dueBlock: number;
  /** The newest block that deleted any. */
  readonly askedBy: number;
}

const NUMBER_BYTES = 6;

export function erasureRow({ dueBlock, askedBy }: ErasureDue): RowWrite {
  const payload = Buffer.alloc(2 * NUMBER_BYTES);
  payload.writeUIntBE(dueBlock, 0, NUMBER_BYTES);
  payload.writeUIntBE(askedBy, NUMBER_BYTES, NUMBER_BYTES);
  return { key: ERASURE_KEY, payload };
}

export function decodeErasure(payload: Buffer): ErasureDue {
  return {
    dueBlock: payload.readUIntBE(0, NUMBER_BYTES),
    askedBy: payload.readUIntBE(NUMBER_BYTES, NUMBER_BYTES),
  };
}
