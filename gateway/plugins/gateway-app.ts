import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyRequest,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { Caller, Services } from '../services/medledger.js';

/** Fastify with TypeBox: a route's schema is also the type of what it is handed. */
export type GatewayApp = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** Whose gateway this is. */
export interface GatewayOrganisation {
  readonly mspId: string;
  readonly name: string;
  /** Members of an organisation without a peer see no blocks. */
  readonly hasPeer: boolean;
}

export interface HttpLimits {
  readonly recordBytesMax: number;
  readonly bundleBytesMax: number;
  /** Of records and bundles that are being received and answered, all members together. */
  readonly bodyBytesInFlightMax: number;
  /** Every other JSON body. */
  readonly jsonBytesMax: number;
  /** Requests in a minute from one address; several members may share it. */
  readonly requestsPerMinutePerAddress: number;
  readonly requestsPerMinutePerMember: number;
  /** Each costs an argon2id hash and a certificate. */
  readonly signUpsPerMinutePerAddress: number;
  readonly signInsPerMinutePerAddress: number;
  /** A request that finds the event loop this late is sent away with 503. */
  readonly eventLoopDelayMsMax: number;
}

export const DEFAULT_LIMITS: HttpLimits = {
  recordBytesMax: 16 * 1024 * 1024,
  bundleBytesMax: 16 * 1024 * 1024,
  // Each byte takes some seven of memory until the answer: less than 1 GiB.
  bodyBytesInFlightMax: 128 * 1024 * 1024,
  // A scope of 500 record ids takes 19 KiB.
  jsonBytesMax: 64 * 1024,
  requestsPerMinutePerAddress: 6_000,
  requestsPerMinutePerMember: 1_200,
  signUpsPerMinutePerAddress: 60,
  signInsPerMinutePerAddress: 120,
  // Sealing 16 MiB and reading a bundle of that size hold the loop for some 100 ms each.
  eventLoopDelayMsMax: 2_000,
};

/** What every route needs. */
export interface RouteContext {
  readonly services: Services;
  readonly organisation: GatewayOrganisation;
  readonly limits: HttpLimits;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by authentication; absent on routes that are open to anyone. */
    caller: Caller | undefined;
    /** SHA-256 of the body as it came, lower-case hex; empty without one. */
    bodyDigest: string;
    /** Set by the error handler, for what runs after it. */
    problemCode: string | undefined;
  }
  interface FastifyContextConfig {
    /** Answered even when the gateway is overloaded or the address asks too often: health and metrics. */
    alwaysAnswered?: boolean;
    /** The body holds a password: only a slow, salted hash of it is stored. */
    secretBody?: boolean;
    /** The answer holds a token: it is kept in memory and never stored. */
    secretAnswer?: boolean;
    /**
     * The answer is kept nowhere, because it holds records, or is as large as it is quickly out of date. A repeated
     * request is carried out once more; an opening is then one more entry.
     */
    keepsNoAnswer?: boolean;
    /**
     * Whether a stored answer may be given again. Where it may not, the same request is carried out once more under its
     * key: a bundle of which a part is missing is sent again to add the rest.
     */
    answerHolds?: (request: FastifyRequest, answerJson: string) => Promise<boolean>;
    /** The body is a file: documented as such, not as JSON. */
    fileBody?: boolean;
    /** The answer is a file. */
    fileAnswer?: boolean;
    /** Needs no access token. */
    open?: boolean;
  }
}

/** The member who asks. Only routes behind authentication may call this. */
export function callerOf(request: Pick<FastifyRequest, 'caller'>): Caller {
  if (request.caller === undefined) throw new Error('invariant failed: the route is not behind authentication');
  return request.caller;
}
