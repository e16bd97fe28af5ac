import type { ChaincodeDefinition } from './chaincode-definition.js';
import type { ChannelOrdering } from './channel-ordering.js';
import type { ChannelRules } from './channel-rules.js';
import { channelRulesOf, type ValidationRules } from './validate-block.js';

/** Beside how transactions are judged: whose signature a block has to have. */
export interface BlockRules extends ValidationRules {
  /** Undefined where blocks are not signed. */
  readonly ordering?: ChannelOrdering | undefined;
}

export interface RulesInForce {
  readonly rules: ValidationRules;
  /** The same, ready to be asked. */
  readonly channel: ChannelRules;
}

/**
 * The rules that a block is judged by. They change when a chaincode is deployed; whoever judges a block later, such as
 * a peer that was away, is to judge it by those of its time.
 */
export class RulesByBlock {
  /** Undefined where blocks are not signed. */
  readonly ordering: ChannelOrdering | undefined;
  readonly #rules: ValidationRules;
  readonly #definitionsAt: ((blockNumber: number) => readonly ChaincodeDefinition[]) | undefined;
  #latest: { readonly deployed: readonly ChaincodeDefinition[]; readonly inForce: RulesInForce } | undefined;

  /** @param definitionsAt - beside those of the rules; the same array as long as nothing changes */
  constructor(rules: BlockRules, definitionsAt?: (blockNumber: number) => readonly ChaincodeDefinition[]) {
    this.ordering = rules.ordering;
    this.#rules = rules;
    this.#definitionsAt = definitionsAt;
  }

  /** @param blockNumber - the newest rules where left out */
  at(blockNumber: number = Number.POSITIVE_INFINITY): RulesInForce {
    const deployed = this.#definitionsAt?.(blockNumber) ?? NONE;
    if (this.#latest?.deployed === deployed) return this.#latest.inForce;
    const rules = { ...this.#rules, definitions: [...(this.#rules.definitions ?? []), ...deployed] };
    const inForce = { rules, channel: channelRulesOf(rules) };
    this.#latest = { deployed, inForce };
    return inForce;
  }
}

const NONE: readonly ChaincodeDefinition[] = [];
