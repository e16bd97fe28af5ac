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

  /** @param peer - has just committed a block, or begins to take part */
  add(peer: PeerLedger): void {
    const height = peer.height();
    const hashes = this.#hashes.get(height) ?? new Map<string, string>();
    this.#hashes.set(height, hashes.set(peer.mspId, Buffer.from(peer.commitHash()).toString('hex')));
    this.#forgetOldest();
  }

  /** Commit hashes in hex by MSP id, of the peers that were at this height. */
  at(height: number): ReadonlyMap<string, string> {
    return this.#hashes.get(height) ?? new Map();
  }

  /** What a peer concluded that was set aside, or begins anew, counts no more. */
  forget(mspId: string): void {
    for (const hashes of this.#hashes.values()) hashes.delete(mspId);
  }

  #forgetOldest(): void {
    if (this.#hashes.size <= HEIGHTS_MAX) return;
    const oldest = Math.min(...this.#hashes.keys());
    this.#hashes.delete(oldest);
  }
}
