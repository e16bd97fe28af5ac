import type { ChainActor } from '../../../support/chain-actor.js';
import { add, announce, emergency, goOn, list, open, review } from './play-access.js';
import { alter, answer, appoint, delegate, grant, group, policy, request, revoke } from './play-statements.js';
import type { Played, Player } from './player.js';
import type { Step } from './steps.js';
import type { Story } from './story.js';

/** Plays one step on the contracts and in the model. */
export async function play(story: Story, step: Step): Promise<Played | undefined> {
  if (step.do === 'wait') {
    story.consortium.timeMs += step.ms;
    return undefined;
  }
  if (step.do === 'register') {
    if (story.person('newcomer') === undefined) await story.join();
    return undefined;
  }
  const by = story.person(step.by);
  return by === undefined ? undefined : playBy(story, step, by);
}

type Acted = Exclude<Step, { do: 'wait' | 'register' }>;

function playBy(story: Story, step: Acted, by: ChainActor): Promise<Played | undefined> {
  // Each name has the player of its own steps; TypeScript does not see that the two agree.
  const player = PLAYERS[step.do] as (story: Story, step: Acted, by: ChainActor) => Promise<Played | undefined>;
  return player(story, step, by);
}

const PLAYERS: { [N in Acted['do']]: Player<N> } = {
  add,
  grant,
  alter,
  revoke,
  delegate,
  policy,
  group,
  appoint,
  request,
  answer,
  open,
  emergency,
  goOn,
  review,
  announce,
  list,
};
