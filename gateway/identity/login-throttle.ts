import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { GatewayError } from './identity-errors.js';
import {
  FAILURES_FORGOTTEN_AFTER_MS,
  FIRST_LOCK_MS,
  FAILURES_BEFORE_LOCK,
  LONGEST_LOCK_MS,
  THROTTLE_ROWS_MAX,
} from './identity-limits.js';

const SCHEMA = `CREATE TABLE IF NOT EXISTS failed_sign_ins (
  member_id TEXT PRIMARY KEY,
  failures INTEGER NOT NULL,
  last_failure_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID`;

/**
 * Counts failed sign-ins per member id, whether or not there is such a member: a lock that only real members met
 * would tell who is one. Kept on disk, so that a restart does not hand out new guesses.
 */
export class LoginThrottle {
  readonly #nowMs: () => number;
  readonly #find: StatementSync;
  readonly #count: StatementSync;
  readonly #forget: StatementSync;
  readonly #trim: StatementSync;

  constructor(database: DatabaseSync, nowMs: () => number) {
    database.exec(SCHEMA);
    this.#nowMs = nowMs;
    this.#find = database.prepare('SELECT failures, last_failure_ms FROM failed_sign_ins WHERE member_id = ?');
    this.#count = database.prepare(
      `INSERT INTO failed_sign_ins VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET failures = excluded.failures, last_failure_ms = excluded.last_failure_ms`,
    );
    this.#forget = database.prepare('DELETE FROM failed_sign_ins WHERE member_id = ?');
    this.#trim = database.prepare(
      `DELETE FROM failed_sign_ins WHERE member_id IN (
         SELECT member_id FROM failed_sign_ins ORDER BY last_failure_ms DESC LIMIT -1 OFFSET ${THROTTLE_ROWS_MAX})`,
    );
  }

  /** @throws GatewayError TOO_MANY_ATTEMPTS with the time to wait */
  requireUnlocked(memberId: string): void {
    const { failures, lastFailureMs } = this.#failuresOf(memberId);
    const retryAfterMs = lastFailureMs + lockMs(failures) - this.#nowMs();
    if (retryAfterMs > 0) {
      throw new GatewayError('TOO_MANY_ATTEMPTS', `wait ${Math.ceil(retryAfterMs / 1000)} s and try again.`, {
        retryAfterMs,
      });
    }
  }

  /** Durable on return. */
  failed(memberId: string): void {
    this.#count.run(memberId, this.#failuresOf(memberId).failures + 1, this.#nowMs());
    this.#trim.run();
  }

  succeeded(memberId: string): void {
    if (this.#failuresOf(memberId).failures > 0) this.#forget.run(memberId);
  }

  #failuresOf(memberId: string): { failures: number; lastFailureMs: number } {
    const row = this.#find.get(memberId);
    const lastFailureMs = Number(row?.last_failure_ms ?? 0);
    if (row === undefined || this.#nowMs() - lastFailureMs > FAILURES_FORGOTTEN_AFTER_MS) {
      return { failures: 0, lastFailureMs: 0 };
    }
    return { failures: Number(row.failures), lastFailureMs };
  }
}

/** Nothing for the first ones, then 30 s, doubled by each further failure up to 15 minutes. */
function lockMs(failures: number): number {
  if (failures < FAILURES_BEFORE_LOCK) return 0;
  return Math.min(FIRST_LOCK_MS * 2 ** (failures - FAILURES_BEFORE_LOCK), LONGEST_LOCK_MS);
}
