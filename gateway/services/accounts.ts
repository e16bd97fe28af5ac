import type { UnlockedIdentity } from '../identity/member-keys.js';
import type { Sessions } from '../identity/sessions.js';
import { MedledgerError } from '../medledger-error.js';
import type { Caller } from './medledger.js';
import type { KeysOf } from './people.js';

export interface AccountPorts {
  readonly sessions: Sessions;
  readonly unlock: (memberId: string, password: string) => Promise<UnlockedIdentity>;
}

/** Signing in and out. The keys of a session live in memory and nowhere else. */
export function createAccounts({ sessions, unlock }: AccountPorts) {
  // A caller holds no keys; the session it came by does. Dropped with the request that made it.
  const identities = new WeakMap<Caller, UnlockedIdentity>();
  const keysOf: KeysOf = (caller) => {
    const identity = identities.get(caller);
    if (identity === undefined) throw new MedledgerError('SESSION_ENDED');
    return identity;
  };
  return {
    keysOf,
    async signIn(input: { memberId: string; password: string }) {
      const identity = await unlock(input.memberId, input.password);
      const { accessToken, expiresInS } = await sessions.open(identity);
      return { accessToken, expiresInS };
    },
    async signOut({ memberId, sessionId }: Caller): Promise<void> {
      sessions.end({ memberId, sessionId, reason: 'signed-out' });
    },
    async authenticate(accessToken: string): Promise<Caller> {
      const { sessionId, identity } = await sessions.authenticate(accessToken);
      const { memberId, role, agencyId } = identity;
      const caller = { memberId, role, sessionId, ...(agencyId === undefined ? {} : { agencyId }) };
      identities.set(caller, identity);
      return caller;
    },
  };
}
