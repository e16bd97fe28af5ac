import type { PeerReport } from './ledger-errors.js';

/** Organisations whose peers may endorse, and how many of them the channel's policy needs. */
export interface EndorsementPolicy {
  readonly mspIds: readonly string[];
  readonly needed: number;
}

export interface PeerChoiceOptions {
  readonly policy: EndorsementPolicy;
  /** Asked first where it may be asked: its peer is the one that is connected. */
  readonly peerMspId: string;
  readonly attackedMs: number;
  readonly nowMs: () => number;
  readonly onPeerAttacked: (report: PeerReport) => void;
}

/** Which organisations to name in a call, and which to leave out because their peers hold changed bytes. */
export class PeerChoice {
  readonly #options: PeerChoiceOptions;
  readonly #attackedUntilMs = new Map<string, number>();

  constructor(options: PeerChoiceOptions) {
    this.#options = options;
  }

  /** Tells the operator each time: a peer that was healed and attacked again is news. */
  report(attacked: readonly PeerReport[]): void {
    for (const report of attacked) {
      this.#attackedUntilMs.set(report.mspId, this.#options.nowMs() + this.#options.attackedMs);
      this.#options.onPeerAttacked(report);
    }
  }

  /** @returns undefined to let the connected peer choose, which it does best while all are sound */
  endorsers(): readonly string[] | undefined {
    const attacked = this.#attacked();
    return attacked.length === 0 ? undefined : this.endorsersWithout(attacked);
  }

  /** @returns undefined when too few are left */
  endorsersWithout(mspIds: Iterable<string>): readonly string[] | undefined {
    const left = this.#without(mspIds);
    const { needed } = this.#options.policy;
    return left.length < needed ? undefined : left.slice(0, needed);
  }

  /** @returns undefined to ask the connected peer */
  evaluator(): readonly string[] | undefined {
    const attacked = this.#attacked();
    return attacked.includes(this.#options.peerMspId) ? this.evaluatorWithout(attacked) : undefined;
  }

  /** @returns undefined when none is left */
  evaluatorWithout(mspIds: Iterable<string>): readonly string[] | undefined {
    const [first] = this.#without(mspIds);
    return first === undefined ? undefined : [first];
  }

  #attacked(): string[] {
    const nowMs = this.#options.nowMs();
    for (const [mspId, untilMs] of this.#attackedUntilMs) {
      if (untilMs <= nowMs) this.#attackedUntilMs.delete(mspId);
    }
    return [...this.#attackedUntilMs.keys()];
  }

  #without(excluded: Iterable<string>): string[] {
    const out = new Set(excluded);
    const { policy, peerMspId } = this.#options;
    return policy.mspIds
      .filter((mspId) => !out.has(mspId))
      .sort((left, right) => Number(right === peerMspId) - Number(left === peerMspId));
  }
}
