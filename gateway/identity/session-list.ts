import type { DatabaseSync } from 'node:sqlite';
import { ENDED_SESSIONS_KEPT_MS } from './identity-limits.js';

export type SessionEnd = 'signed-out' | 'expired' | 'revoked' | 'replaced' | 'gateway-stopped';

/** One line of a member's list of sessions. */
export interface SessionInfo {
  readonly sessionId: string;
  readonly openedAtMs: number;
  readonly expiresAtMs: number;
  /** Undefined while the session lives. */
  readonly ended?: { readonly atMs: number; readonly reason: SessionEnd };
}

export const SESSION_SCHEMA = `
CREATE TABLE IF NOT EXISTS sessions (
  session_id TEXT PRIMARY KEY,
  member_id TEXT NOT NULL,
  opened_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  ended_at_ms INTEGER,
  end_reason TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sessions_of_member ON sessions (member_id, opened_at_ms)`;

const LISTED_MAX = 100;
const END_REASONS: readonly string[] = ['signed-out', 'expired', 'revoked', 'replaced', 'gateway-stopped'];

/** The record of sessions on disk: what a member is shown. Whether a session lives is known in memory alone. */
export class SessionList {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  add(session: SessionInfo & { readonly memberId: string }): void {
    this.#database
      .prepare('INSERT INTO sessions VALUES (?, ?, ?, ?, NULL, NULL)')
      .run(session.sessionId, session.memberId, session.openedAtMs, session.expiresAtMs);
  }

  /** Durable on return; keeps the first end where there is one. */
  end(sessionId: string, atMs: number, reason: SessionEnd): void {
    this.#database
      .prepare('UPDATE sessions SET ended_at_ms = ?, end_reason = ? WHERE session_id = ? AND ended_at_ms IS NULL')
      .run(atMs, reason, sessionId);
  }

  /** What was alive when the gateway went down is so no more: its keys went with the memory. */
  endAllOfLastRun(nowMs: number): void {
    this.#database
      .prepare(
        `UPDATE sessions SET ended_at_ms = min(?, expires_at_ms),
           end_reason = CASE WHEN expires_at_ms <= ? THEN 'expired' ELSE 'gateway-stopped' END
         WHERE ended_at_ms IS NULL`,
      )
      .run(nowMs, nowMs);
  }

  forgetLongEnded(nowMs: number): void {
    this.#database.prepare('DELETE FROM sessions WHERE ended_at_ms < ?').run(nowMs - ENDED_SESSIONS_KEPT_MS);
  }

  /** Newest first. */
  ofMember(memberId: string): SessionInfo[] {
    return this.#database
      .prepare('SELECT * FROM sessions WHERE member_id = ? ORDER BY opened_at_ms DESC, session_id LIMIT ?')
      .all(memberId, LISTED_MAX)
      .map(parseSession);
  }

  close(): void {
    this.#database.close();
  }
}

function parseSession(row: Record<string, unknown>): SessionInfo {
  const reason = String(row.end_reason);
  return {
    sessionId: String(row.session_id),
    openedAtMs: Number(row.opened_at_ms),
    expiresAtMs: Number(row.expires_at_ms),
    ...(isSessionEnd(reason) ? { ended: { atMs: Number(row.ended_at_ms), reason } } : {}),
  };
}

function isSessionEnd(reason: string): reason is SessionEnd {
  return END_REASONS.includes(reason);
}
