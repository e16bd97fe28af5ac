import { createHash, timingSafeEqual } from 'node:crypto';
import { combineNaming } from '../custody/key-shares.js';
import type { BackgroundWork } from './background-work.js';
import type { Collected } from './custodians.js';

export interface LateJudgePorts {
  readonly background: Pick<BackgroundWork, 'run'>;
  readonly onBadShare: (found: { custodian: string; recordId: string; transactionId: string }) => void;
}

interface Opened {
  readonly recordId: string;
  readonly transactionId: string;
  /** Not kept: a hash of it is. */
  readonly dataKey: Uint8Array;
  /** What the key was made of. */
  readonly soon: Collected;
  /** Settles when every custodian has answered or failed, which its client's deadline bounds. */
  readonly whole: Promise<Collected>;
}

export type LateJudge = (opened: Opened) => void;

/** Openings that wait for a slow custodian at once; with more of them it is the next opening that judges it. */
const WAITING_MAX = 256;

/**
 * Two shares open a record, and whoever takes much longer than two others is not waited for. Its share is judged when
 * it comes, so that a bad one is named however slowly it was given.
 */
export function createLateJudge({ background, onBadShare }: LateJudgePorts): LateJudge {
  let waiting = 0;
  return ({ recordId, transactionId, dataKey, soon, whole }) => {
    if (waiting >= WAITING_MAX) return;
    const judged = new Set(sharesIn(soon, recordId).map(({ custodian }) => custodian));
    const keyDigest = digestOf(dataKey);
    waiting += 1;
    background.run(async () => {
      try {
        const shares = sharesIn(await whole, recordId);
        if (shares.every(({ custodian }) => judged.has(custodian))) return;
        const matches = (key: Uint8Array) => timingSafeEqual(digestOf(key), keyDigest);
        const { dataKey: again, bad } = await combineNaming({ shares, matches });
        again.fill(0);
        const late = bad.filter((custodian) => !judged.has(custodian));
        for (const custodian of late) onBadShare({ custodian, recordId, transactionId });
      } finally {
        waiting -= 1;
      }
    });
  };
}

function sharesIn({ sharesOf }: Collected, recordId: string) {
  return sharesOf.get(recordId) ?? [];
}

function digestOf(key: Uint8Array): Uint8Array {
  return createHash('sha256').update(key).digest();
}
