import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { IS_FULL } from '../../../support/full-run.js';
import { play } from './play.js';
import { stories } from './scenes.js';
import type { Step } from './steps.js';
import { Story } from './story.js';

const STORIES = IS_FULL ? 2000 : 100;
/** `MEDLEDGER_SEED` and `MEDLEDGER_PATH`, as a failure prints them, play one story again. */
const seed = process.env.MEDLEDGER_SEED === undefined ? {} : { seed: Number(process.env.MEDLEDGER_SEED) };
const path = process.env.MEDLEDGER_PATH === undefined ? {} : { path: process.env.MEDLEDGER_PATH };

/** Dead rules leave the indexes of the chaincode, so that of these three codes it may know only another one. */
const HOLDS_NOTHING = ['deny NO_GRANT', 'deny GRANT_ENDED', 'deny PURPOSE_NOT_GRANTED'];
const plain = (words: readonly string[] | undefined) =>
  words?.map((word) => (HOLDS_NOTHING.includes(word) ? 'deny, nothing holds' : word)) ?? 'refused, nothing written';

async function playStory(steps: readonly Step[]): Promise<void> {
  const story = await Story.begin();
  for (const [index, step] of steps.entries()) {
    const played = await play(story, step);
    if (played !== undefined)
      expect({ index, step, words: plain(played.seen) }).toEqual({ index, step, words: plain(played.expected) });
  }
}

describe('the contracts, against the reference model', () => {
  it(
    `do what the model says, in ${STORIES} stories`,
    async () => {
      await fc.assert(fc.asyncProperty(stories, playStory), {
        numRuns: STORIES,
        endOnFailure: IS_FULL,
        ...seed,
        ...path,
      });
    },
    IS_FULL ? 3_600_000 : 300_000,
  );
});
