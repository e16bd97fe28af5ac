import type { PeerLedger } from '../peer-ledger.js';
import { CommitComparison } from './commit-comparison.js';
import { type Conclusion, judgeConclusions } from './commit-judge.js';
import type { RulesByBlock } from './rules-by-block.js';

/** A peer that can be kept from the next block. */
export interface TriedPeer {
  readonly peer: PeerLedger;
  /** No further block until `release` or `condemn`. */
  hold(): void;
  release(): void;
  /** Ends as if the peer had failed with this reason. */
  condemn(reason: string): void;
}

/**
 * Compares what peers concluded, block by block. Where they differ, those concerned get no further block until it is
 * known who is right; not the greater number decides, but what the block comes to when it is judged again.
 */
export class CommitTrials {
  readonly #rules: RulesByBlock;
  readonly #triedOf: (mspId: string) => TriedPeer | undefined;
  readonly #comparison = new CommitComparison();
  /** One trial after the other. */
  #last: Promise<void> = Promise.resolve();
  readonly #held = new Set<TriedPeer>();
  #openTrials = 0;

  constructor(rules: RulesByBlock, triedOf: (mspId: string) => TriedPeer | undefined) {
    this.#rules = rules;
    this.#triedOf = triedOf;
  }

  /** @param peer - has just committed a block, or begins to take part */
  committed(peer: PeerLedger): void {
    this.#comparison.add(peer);
    const height = peer.height();
    const differing = this.#differing(height);
    if (differing.length === 0) return;
    for (const { tried } of differing) {
      tried.hold();
      this.#held.add(tried);
    }
    this.#openTrials += 1;
    this.#last = this.#last.then(() => this.#try(height)).finally(() => this.#closed());
  }

  forget(mspId: string): void {
    this.#comparison.forget(mspId);
  }

  /** Resolves when nobody is on trial. */
  async settled(): Promise<void> {
    while (this.#openTrials > 0) await this.#last;
  }

  async #try(height: number): Promise<void> {
    const differing = this.#differing(height);
    // Meanwhile whoever was wrong may have been found so at another height.
    if (differing.length === 0) return;
    const conclusions: Conclusion[] = differing.map(({ tried: { peer }, commitHashHex }) => ({ peer, commitHashHex }));
    try {
      const { blockNumber, wrong } = await judgeConclusions(conclusions, height, this.#rules);
      for (const mspId of wrong) {
        this.#comparison.forget(mspId);
        this.#triedOf(mspId)?.condemn(sentence(mspId, blockNumber));
      }
    } catch (error) {
      // Nobody can say who is right: then nobody is taken to be, nor is who comes later and differs from one of them.
      const reason = error instanceof Error ? error.message : String(error);
      for (const { tried } of differing) tried.condemn(undecided(height - 1, reason));
    }
  }

  #closed(): void {
    this.#openTrials -= 1;
    if (this.#openTrials > 0) return;
    for (const tried of this.#held) tried.release();
    this.#held.clear();
  }

  /** Those that take part at this height, where they did not all conclude the same. */
  #differing(height: number): { readonly tried: TriedPeer; readonly commitHashHex: string }[] {
    const hashes = this.#comparison.at(height);
    if (new Set(hashes.values()).size < 2) return [];
    return [...hashes].flatMap(([mspId, commitHashHex]) => {
      const tried = this.#triedOf(mspId);
      return tried === undefined ? [] : [{ tried, commitHashHex }];
    });
  }
}

function sentence(mspId: string, blockNumber: number): string {
  return (
    `what it concluded of block ${blockNumber} is not what that block comes to when it is judged again on the blocks ` +
    `before it, so its state is not what the blocks say. Stop the ledger and ` +
    `run npm run network -- rebuild-peer --org ${mspId}: what it concluded since is taken back and judged again.`
  );
}

function undecided(blockNumber: number, reason: string): string {
  return (
    `peers concluded differently of block ${blockNumber}, and who is right cannot be told: ${reason} ` +
    'Stop the ledger and run npm run verify-ledger: it names what is damaged.'
  );
}
