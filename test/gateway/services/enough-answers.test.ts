import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { enoughAnswers } from '../../../gateway/services/enough-answers.js';

const NEVER = new Promise<string>(() => undefined);
const GRACE_MS = 40;
const two = { needed: 2, isGood: (answer: string) => answer === 'good', graceMs: GRACE_MS };

describe('enoughAnswers', () => {
  it('gives all answers in order when all come', async () => {
    const calls = [wait(5, 'good'), Promise.resolve('bad'), Promise.resolve('good')];
    expect(await enoughAnswers(calls, two)).toEqual(['good', 'bad', 'good']);
  });

  it('does not wait for one that hangs once enough are good', async () => {
    expect(await enoughAnswers([Promise.resolve('good'), NEVER, wait(5, 'good')], two)).toEqual([
      'good',
      undefined,
      'good',
    ]);
  });

  it('waits a moment for one that is only slower', async () => {
    const calls = [Promise.resolve('good'), Promise.resolve('good'), wait(GRACE_MS / 4, 'late')];
    expect(await enoughAnswers(calls, two)).toEqual(['good', 'good', 'late']);
  });

  it('waits for everybody while too few are good', async () => {
    const calls = [Promise.resolve('good'), Promise.resolve('bad'), wait(GRACE_MS * 3, 'good')];
    expect(await enoughAnswers(calls, two)).toEqual(['good', 'bad', 'good']);
  });

  it('hands out a list that later answers do not change', async () => {
    const answers = await enoughAnswers([Promise.resolve('good'), Promise.resolve('good'), wait(80, 'later')], two);
    await wait(60);
    expect(answers).toEqual(['good', 'good', undefined]);
  });

  it('of nobody there are no answers', async () => {
    expect(await enoughAnswers([], two)).toEqual([]);
  });
});
