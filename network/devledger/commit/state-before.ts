import { setImmediate } from 'node:timers/promises';
import type { Version, VersionedValue } from '../peer-ledger.js';
import { ReplayedState } from '../store/replayed-state.js';
import type { KeyName, KeyVersion, StateReader } from '../store/state-reader.js';
import type { ChannelRules } from './channel-rules.js';
import type { ReadBlock } from './expired-keys.js';
import { EMPTY_TIP, rowsOfCommittedBlock } from './replay-block.js';

/**
 * The state before a block, where no store has it any more. It is made again from the blocks before only when it is
 * asked for: a block that deletes nothing and writes no metadata says by itself what it writes.
 *
 * What is asked throws RangeError when one of those blocks is not to be had.
 */
export class StateBefore implements StateReader {
  readonly #blockNumber: number;
  readonly #readBlock: ReadBlock;
  readonly #rulesAt: (blockNumber: number) => ChannelRules;
  #replayed: Promise<ReplayedState> | undefined;

  constructor(
    blockNumber: number,
    from: { readonly readBlock: ReadBlock; readonly rulesAt: (blockNumber: number) => ChannelRules },
  ) {
    this.#blockNumber = blockNumber;
    this.#readBlock = from.readBlock;
    this.#rulesAt = from.rulesAt;
  }

  async versions(keys: readonly KeyName[]): Promise<(Version | undefined)[]> {
    return (await this.#state()).versions(keys);
  }

  async valuesOf(keys: readonly KeyName[]): Promise<(VersionedValue | undefined)[]> {
    return (await this.#state()).valuesOf(keys);
  }

  async *rangeVersions(
    namespace: string,
    startKey: string,
    endKey: string,
    includeEnd: boolean,
  ): AsyncGenerator<KeyVersion> {
    yield* (await this.#state()).rangeVersions(namespace, startKey, endKey, includeEnd);
  }

  #state(): Promise<ReplayedState> {
    this.#replayed ??= this.#replay();
    return this.#replayed;
  }

  async #replay(): Promise<ReplayedState> {
    const readBlock = this.#readBlock;
    const state = new ReplayedState(readBlock);
    for (let number = 0; number < this.#blockNumber; number += 1) {
      const block = await readBlock(number);
      if (block === undefined) throw new RangeError(`Nobody has block ${number}.`);
      const { writes } = await rowsOfCommittedBlock(block, {
        tip: EMPTY_TIP,
        state,
        readBlock,
        rules: this.#rulesAt(number),
      });
      state.apply(writes);
      await setImmediate();
    }
    return state;
  }
}
