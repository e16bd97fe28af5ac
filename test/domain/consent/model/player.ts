import type { ChainActor } from '../../../support/chain-actor.js';
import type { Step } from './steps.js';
import { LAST } from './steps.js';
import type { Seen, Story } from './story.js';

/** What was seen of a step and what the model says of it; undefined for a step that this story cannot take. */
export interface Played {
  readonly seen: Seen;
  readonly expected: Seen;
}

export type Of<N extends Step['do']> = Extract<Step, { do: N }>;
export type Player<N extends Step['do']> = (story: Story, step: Of<N>, by: ChainActor) => Promise<Played | undefined>;

export const DONE: Seen = [];
export const REFUSED: Seen = undefined;

/** One of what there is, by its number; the newest by `LAST`. */
export const at = <T>(items: readonly T[], nth: number): T | undefined =>
  nth === LAST ? items.at(-1) : items[nth % Math.max(items.length, 1)];
export const speaks = (story: Story, by: ChainActor) => story.world.speaks(by.memberId, story.timeMs);
