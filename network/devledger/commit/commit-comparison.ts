import type { PeerLedger } from '../peer-ledger.js';

/** Peers further apart than this are compared again when the slower one has caught up. */
const HEIGHTS_MAX = 256;

/**
 * Holds what peers concluded against each other, block by block. The commit hash runs on from block to block, so one
 * that differs once differs from then on.
 */
export class CommitComparison {
  /** By height, then MSP id. */
  readonly #hashes = new Map<number, Map<string, string>>();

  /**
   * @param peer - has just committed a block
   * @returns for each peer that concluded otherwise than the most, the reason to set it aside
   */
  add(peer: PeerLedger): Map<string, string> {
    const height = peer.height();
    const hashes = this.#hashes.get(height) ?? new Map<string, string>();
    this.#hashes.set(height, hashes.set(peer.mspId, Buffer.from(peer.commitHash()).toString('hex')));
    this.#forgetOldest();
    const usual = sharedByMost([...hashes.values()]);
    const differing = [...hashes].filter(([, hash]) => usual !== undefined && hash !== usual);
    return new Map(differing.map(([mspId]) => [mspId, sentence(height - 1)]));
  }

  #forgetOldest(): void {
    if (this.#hashes.size <= HEIGHTS_MAX) return;
    const oldest = Math.min(...this.#hashes.keys());
    this.#hashes.delete(oldest);
  }
}

/** @returns undefined where no hash has more than half of the peers */
function sharedByMost(hashes: readonly string[]): string | undefined {
  return hashes.find(
    (hash) => hashes.filter((other) => other === hash).length * 2 > hashes.length && hashes.length > 1,
  );
}

function sentence(blockNumber: number): string {
  return (
    `what it concluded of block ${blockNumber} is not what the other peers did, so its state is not theirs. ` +
    "Move this peer's folder away: it is filled again from the orderer."
  );
}
