import { randomBytes } from 'node:crypto';
import { openDurableDatabase } from '../durable-database.js';
import { SESSION_LIFE_MS, SESSIONS_PER_MEMBER_MAX, SWEEP_INTERVAL_MS } from './identity-limits.js';
import type { UnlockedIdentity } from './member-keys.js';
import { loadSessionKey } from './session-key.js';
import { SESSION_SCHEMA, type SessionEnd, type SessionInfo, SessionList } from './session-list.js';
import { notSignedIn, SessionTokens, sessionEnded } from './session-token.js';

export interface OpenedSession {
  readonly accessToken: string;
  readonly sessionId: string;
  readonly expiresInS: number;
}

export interface LiveSession {
  readonly sessionId: string;
  readonly openedAtMs: number;
  readonly expiresAtMs: number;
  readonly identity: UnlockedIdentity;
}

/**
 * Who is signed in at this gateway. The unlocked keys are held in memory alone, so a restart ends every session.
 */
export interface Sessions {
  open(identity: UnlockedIdentity): Promise<OpenedSession>;
  /**
   * @param accessToken - what followed `Bearer `, or undefined where nothing was sent
   * @throws GatewayError NOT_SIGNED_IN, SESSION_ENDED
   */
  authenticate(accessToken: string | undefined): Promise<LiveSession>;
  /** Of one member, newest first, with those that ended in the last 30 days. */
  list(memberId: string): SessionInfo[];
  /** @returns false when the member has no such live session */
  end(session: { readonly memberId: string; readonly sessionId: string; readonly reason: SessionEnd }): boolean;
  /** @returns how many were ended */
  endAll(memberId: string): number;
  close(): void;
}

/**
 * @param options.path - SQLite file; made where there is none
 * @param options.keyPath - this gateway's own key; made where there is none
 * @throws GatewayError STORE_CORRUPT
 */
export async function openSessions(options: {
  readonly path: string;
  readonly keyPath: string;
  readonly mspId: string;
  readonly lifeMs?: number;
  readonly nowMs?: () => number;
}): Promise<Sessions> {
  const tokens = new SessionTokens(await loadSessionKey(options.keyPath), options.mspId);
  const list = new SessionList(openDurableDatabase(options.path, SESSION_SCHEMA));
  return new MemorySessions(tokens, list, options.lifeMs ?? SESSION_LIFE_MS, options.nowMs ?? Date.now);
}

class MemorySessions implements Sessions {
  readonly #tokens: SessionTokens;
  readonly #list: SessionList;
  readonly #lifeMs: number;
  readonly #nowMs: () => number;
  /** By session id, oldest first. */
  readonly #live = new Map<string, LiveSession>();
  readonly #sweeper: NodeJS.Timeout;

  constructor(tokens: SessionTokens, list: SessionList, lifeMs: number, nowMs: () => number) {
    this.#tokens = tokens;
    this.#list = list;
    this.#lifeMs = lifeMs;
    this.#nowMs = nowMs;
    list.endAllOfLastRun(nowMs());
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_INTERVAL_MS).unref();
  }

  async open(identity: UnlockedIdentity): Promise<OpenedSession> {
    const openedAtMs = this.#nowMs();
    // Tokens count whole seconds: the session must not outlive its token, nor the other way round.
    const expiresAtMs = Math.floor((openedAtMs + this.#lifeMs) / 1000) * 1000;
    const sessionId = randomBytes(16).toString('hex');
    const { memberId, role } = identity;
    const accessToken = await this.#tokens.sign({ memberId, sessionId, role }, { openedAtMs, expiresAtMs });
    this.#list.add({ sessionId, memberId, openedAtMs, expiresAtMs });
    this.#live.set(sessionId, { sessionId, openedAtMs, expiresAtMs, identity });
    for (const old of this.#ofMember(memberId).slice(0, -SESSIONS_PER_MEMBER_MAX)) this.#drop(old, 'replaced');
    return { accessToken, sessionId, expiresInS: Math.floor((expiresAtMs - openedAtMs) / 1000) };
  }

  async authenticate(accessToken: string | undefined): Promise<LiveSession> {
    if (accessToken === undefined || accessToken === '') throw notSignedIn('no access token was sent');
    const { memberId, sessionId } = await this.#tokens.read(accessToken, this.#nowMs());
    const session = this.#live.get(sessionId);
    if (session === undefined || session.identity.memberId !== memberId) throw sessionEnded();
    if (session.expiresAtMs <= this.#nowMs()) {
      this.#drop(session, 'expired');
      throw sessionEnded();
    }
    return session;
  }

  list(memberId: string): SessionInfo[] {
    return this.#list.ofMember(memberId);
  }

  end({ memberId, sessionId, reason }: { memberId: string; sessionId: string; reason: SessionEnd }): boolean {
    const session = this.#live.get(sessionId);
    if (session === undefined || session.identity.memberId !== memberId) return false;
    this.#drop(session, reason);
    return true;
  }

  endAll(memberId: string): number {
    const sessions = this.#ofMember(memberId);
    for (const session of sessions) this.#drop(session, 'revoked');
    return sessions.length;
  }

  close(): void {
    clearInterval(this.#sweeper);
    this.#live.clear();
    this.#list.close();
  }

  #ofMember(memberId: string): LiveSession[] {
    return [...this.#live.values()].filter((session) => session.identity.memberId === memberId);
  }

  /** Out of the memory first: whatever the disk answers, the keys are gone. */
  #drop(session: LiveSession, reason: SessionEnd): void {
    this.#live.delete(session.sessionId);
    this.#list.end(session.sessionId, this.#nowMs(), reason);
  }

  #sweep(): void {
    const nowMs = this.#nowMs();
    for (const session of this.#live.values()) if (session.expiresAtMs <= nowMs) this.#drop(session, 'expired');
    this.#list.forgetLongEnded(nowMs);
  }
}
