import { GatewayError } from './identity-errors.js';
import { SIGN_INS_WAITING_PER_MEMBER_MAX } from './identity-limits.js';

/** Runs the sign-ins of one member one after another; those of different members do not wait for each other. */
export class SignInTurns {
  readonly #turns = new Map<string, { last: Promise<unknown>; waiting: number }>();

  /** @throws GatewayError TOO_MANY_ATTEMPTS when too many wait already */
  async take<T>(memberId: string, work: () => Promise<T>): Promise<T> {
    const turn = this.#turns.get(memberId) ?? { last: Promise.resolve(), waiting: 0 };
    if (turn.waiting >= SIGN_INS_WAITING_PER_MEMBER_MAX) {
      throw new GatewayError('TOO_MANY_ATTEMPTS', 'too many sign-ins of this member at once; try again in a second.', {
        retryAfterMs: 1_000,
      });
    }
    this.#turns.set(memberId, turn);
    turn.waiting += 1;
    const result = turn.last.then(work, work);
    turn.last = result;
    try {
      return await result;
    } finally {
      turn.waiting -= 1;
      if (turn.waiting === 0) this.#turns.delete(memberId);
    }
  }
}
