import { argon2 } from 'node:crypto';
import { promisify } from 'node:util';
import { GatewayError } from './identity-errors.js';
import {
  PASSWORD_CHARACTERS_MAX,
  PASSWORD_CHARACTERS_MIN,
  PASSWORD_KEYS_AT_ONCE,
  PASSWORD_KEYS_WAITING_MAX,
  PASSWORD_LENGTH_MAX,
} from './identity-limits.js';

/** Parameters of argon2id. They are stored with each wallet, so that new ones can be stronger. */
export interface PasswordCost {
  readonly memoryKib: number;
  readonly passes: number;
  readonly parallelism: number;
}

/**
 * 64 MiB and three passes: RFC 9106 section 4, second recommended option, but with one lane instead of four, because
 * Node runs the lanes one after another. About 120 ms on one core of a small server.
 */
export const PASSWORD_COST: PasswordCost = { memoryKib: 64 * 1024, passes: 3, parallelism: 1 };

const KEY_BYTES = 32;
const deriveArgon2 = promisify(argon2);

/** @throws GatewayError WEAK_PASSWORD */
export function requirePassword(password: string): void {
  const isPlausible = password.length <= PASSWORD_LENGTH_MAX;
  const characters = isPlausible ? [...password.normalize('NFKC')].length : PASSWORD_LENGTH_MAX;
  if (characters < PASSWORD_CHARACTERS_MIN) {
    throw new GatewayError('WEAK_PASSWORD', `use at least ${PASSWORD_CHARACTERS_MIN} characters.`);
  }
  if (characters > PASSWORD_CHARACTERS_MAX) {
    throw new GatewayError('WEAK_PASSWORD', `use at most ${PASSWORD_CHARACTERS_MAX} characters.`);
  }
}

/**
 * Derives keys from passwords, a few at a time: each takes its memory while it runs, so a crowd at the door would
 * otherwise exhaust the machine.
 */
export class PasswordKeys {
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /**
   * @returns 32 bytes
   * @throws GatewayError TOO_MANY_ATTEMPTS when too many wait already
   */
  async derive(password: string, salt: Uint8Array, cost: PasswordCost): Promise<Uint8Array> {
    await this.#enter();
    try {
      // NFKC: the same characters typed on another system must give the same bytes (NIST SP 800-63B section 5.1.1.2).
      return await deriveArgon2('argon2id', {
        message: password.normalize('NFKC'),
        nonce: salt,
        memory: cost.memoryKib,
        passes: cost.passes,
        parallelism: cost.parallelism,
        tagLength: KEY_BYTES,
      });
    } finally {
      this.#leave();
    }
  }

  async #enter(): Promise<void> {
    if (this.#running < PASSWORD_KEYS_AT_ONCE) {
      this.#running += 1;
      return;
    }
    if (this.#waiting.length >= PASSWORD_KEYS_WAITING_MAX) {
      throw new GatewayError('TOO_MANY_ATTEMPTS', 'too many sign-ins at once; try again in a few seconds.', {
        retryAfterMs: 5_000,
      });
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Hands the place to whoever waits longest; the count of running ones stays. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running -= 1;
    else next();
  }
}
