import type { webcrypto } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import { GatewayError } from './identity-errors.js';
import { TOKEN_CHARACTERS_MAX } from './identity-limits.js';

/** What a token says. It opens nothing by itself: the session behind it lives in the memory of one gateway. */
export interface SessionClaims {
  readonly memberId: string;
  readonly sessionId: string;
  readonly role: string;
}

const ALGORITHM = 'HS256';

/** Signs and reads the access tokens of one gateway (RFC 7519): `sub`, `jti`, `role`, `iss` and `aud` its MSP. */
export class SessionTokens {
  readonly #key: webcrypto.CryptoKey;
  readonly #mspId: string;

  constructor(key: webcrypto.CryptoKey, mspId: string) {
    this.#key = key;
    this.#mspId = mspId;
  }

  sign(claims: SessionClaims, times: { readonly openedAtMs: number; readonly expiresAtMs: number }): Promise<string> {
    return new SignJWT({ role: claims.role })
      .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
      .setIssuer(this.#mspId)
      .setAudience(this.#mspId)
      .setSubject(claims.memberId)
      .setJti(claims.sessionId)
      .setIssuedAt(Math.floor(times.openedAtMs / 1000))
      .setExpirationTime(Math.floor(times.expiresAtMs / 1000))
      .sign(this.#key);
  }

  /** @throws GatewayError SESSION_ENDED for an expired token of ours, NOT_SIGNED_IN for anything else */
  async read(token: string, nowMs: number): Promise<SessionClaims> {
    if (token.length > TOKEN_CHARACTERS_MAX) throw notSignedIn('the access token is not one of this gateway');
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms: [ALGORITHM],
        typ: 'JWT',
        issuer: this.#mspId,
        audience: this.#mspId,
        requiredClaims: ['sub', 'jti', 'exp', 'iat'],
        clockTolerance: 0,
        currentDate: new Date(nowMs),
      });
      return { memberId: payload.sub ?? '', sessionId: payload.jti ?? '', role: String(payload.role) };
    } catch (cause) {
      if (cause instanceof errors.JWTExpired) throw sessionEnded(cause);
      if (cause instanceof errors.JOSEError) throw notSignedIn('the access token is not one of this gateway', cause);
      throw cause;
    }
  }
}

export function notSignedIn(what: string, cause?: unknown): GatewayError {
  return new GatewayError('NOT_SIGNED_IN', `${what}; sign in with POST /v1/sessions.`, { cause });
}

export function sessionEnded(cause?: unknown): GatewayError {
  return new GatewayError('SESSION_ENDED', 'the session has ended; sign in again.', { cause });
}
