import { setTimeout as wait } from 'node:timers/promises';
import { type Call, type Member, problemOf, type Reply, signIn } from '../support/member.js';
import type { Random } from './random.js';

/** One request on its way, and how it ended: with an answer, or with nothing that the client heard. */
export interface Attempt {
  readonly memberId: string;
  readonly call: Call;
  readonly startedMs: number;
  readonly endedMs: number;
  readonly reply?: Reply;
  /** Why there is no answer, or none that decides anything. */
  readonly fault?: string;
}

/** Clients that give up hear nothing of what they have caused. */
const GIVE_UP_SHARE = 0.15;
const GIVE_UP_MS_MAX = 150;
const PAUSE_MS = 400;
/** Several processes killed one after the other on a busy machine keep a call waiting for as long as this. */
const PATIENCE_MS = 180_000;
const ANSWER_MS = 45_000;

/** A member who repeats what was not answered, as a client does whose gateway was killed, and notes every try. */
export class StubbornMember {
  readonly memberId: string;
  readonly attempts: Attempt[] = [];
  #member: Member;
  readonly #random: Random;

  constructor(member: Member, random: Random) {
    this.memberId = member.memberId;
    this.#member = member;
    this.#random = random;
  }

  /**
   * Sends a request until something is decided.
   *
   * @returns the last attempt, which has a reply
   * @throws Error when nothing is decided however often it is sent
   */
  async send(call: Call): Promise<Attempt & { readonly reply: Reply }> {
    const fromMs = Date.now();
    while (Date.now() - fromMs < PATIENCE_MS) {
      const made = await this.#attempt(call);
      this.attempts.push(made);
      const { reply, fault } = made;
      if (reply !== undefined && fault === undefined) return { ...made, reply };
      if (reply?.status === 401) await this.#signIn();
      else await wait(PAUSE_MS);
    }
    const tried = this.attempts.filter(({ startedMs }) => startedMs >= fromMs);
    const faults = tried.map(({ fault = '' }) => fault);
    throw new Error(`${this.memberId}, ${call.method} ${call.path}: nothing was decided: ${faults.join(', ')}`);
  }

  async #attempt(call: Call): Promise<Attempt> {
    const givesUp = this.#random.chance(GIVE_UP_SHARE);
    const withinMs = givesUp ? 1 + this.#random.below(GIVE_UP_MS_MAX) : ANSWER_MS;
    const startedMs = Date.now();
    const of = { memberId: this.memberId, call, startedMs };
    try {
      const reply = await this.#member.send({ ...call, signal: AbortSignal.timeout(withinMs) });
      const fault = undecided(reply);
      return { ...of, endedMs: Date.now(), reply, ...(fault === undefined ? {} : { fault }) };
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      return { ...of, endedMs: Date.now(), fault: givesUp ? 'gave up' : String(cause) };
    }
  }

  async #signIn(): Promise<void> {
    try {
      this.#member = await signIn(this.#member);
    } catch {
      await wait(PAUSE_MS);
    }
  }
}

/** Conflicts of the ledger that were not settled in time, a session that ended with its gateway, what is away now. */
function undecided(reply: Reply): string | undefined {
  const { status } = reply;
  if (status < 300) return undefined;
  const { code } = problemOf(reply);
  const isPassing = status >= 500 || status === 401 || status === 429 || code === 'LEDGER_CONFLICT';
  return isPassing || code === 'IDEMPOTENCY_IN_FLIGHT' ? code : undefined;
}
