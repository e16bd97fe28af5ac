import { generateKeyPairSync } from 'node:crypto';
import {
  type PatientId,
  type QueryInput,
  type QueryName,
  type RecordId,
  type SignedStatement,
  toBase64url,
  type TransactionName,
} from '@medledger/chaincode/domain';
import { askUpToDate } from './catch-up.js';
import { createChainQueries, type QueryAnswers, type QueryOptions } from './chain-queries.js';
import {
  type LaneActor,
  type LaneCall,
  LaneClient,
  type LaneClientOptions,
  type LaneCommitted,
} from './lane-client.js';
import type { LaneMetrics } from './lane-metrics.js';
import type { LedgerIdentity } from './ledger.js';
import { type OneTimeKeyPair, type OpenCall, OpenQueue, type OpenResult } from './open-queue.js';

/** Transactions in lanes, joined openings and typed queries over one ledger. */
export interface LedgerChain {
  readonly channel: string;
  readonly metrics: LaneMetrics;
  transact<N extends TransactionName>(call: LaneCall<N>): Promise<LaneCommitted>;
  open(call: OpenCall): Promise<OpenResult<Uint8Array>>;
  /** Declares an emergency, or goes on within it; one one-time key for all that it permits. */
  emergency(call: EmergencyCall): Promise<EmergencyResult>;
  query<N extends QueryName>(
    identity: LedgerIdentity,
    name: N,
    input: QueryInput<N>,
    options?: QueryOptions<QueryAnswers[N]>,
  ): Promise<QueryAnswers[N]>;
}

export interface EmergencyCall {
  readonly identity: LaneActor;
  readonly patientId: PatientId;
  readonly declaration: SignedStatement;
  /** None: the card that the patient's policy names. */
  readonly recordIds: readonly RecordId[];
}

export interface EmergencyResult {
  readonly committed: LaneCommitted;
  readonly oneTimePrivateKey: Uint8Array;
}

export interface LedgerChainOptions extends Omit<LaneClientOptions, 'queries'> {
  /** Default: X25519 by node:crypto, the private key as 32 bytes. */
  readonly newOneTimeKey?: () => OneTimeKeyPair<Uint8Array>;
}

export function createLedgerChain(options: LedgerChainOptions): LedgerChain {
  const queries = createChainQueries(options.ledger);
  const lanes = new LaneClient({ ...options, queries });
  const newKey = options.newOneTimeKey ?? newOneTimeKey;
  const openings = new OpenQueue(lanes, newKey);
  // What is thrown has changed nothing, so it may be called again.
  const transact = <N extends TransactionName>(call: LaneCall<N>): Promise<LaneCommitted> =>
    askUpToDate(() => lanes.transact(call), { caughtUp: () => options.ledger.catchUp(call.identity) });
  return {
    channel: options.ledger.channel,
    metrics: lanes.metrics,
    transact,
    open: (call) => openings.open(call),
    async emergency({ identity, patientId, declaration, recordIds }) {
      const pair = newKey();
      const business = { patientId, declaration, recordIds, oneTimeKey: toBase64url(pair.publicKey) };
      const committed = await transact({ identity, name: 'access:emergency', patientId, business });
      return { committed, oneTimePrivateKey: pair.privateKey };
    },
    query: queries.query,
  };
}

/** X25519; both keys as 32 raw bytes, which are the end of the DER forms (RFC 8410 sections 4 and 7). */
function newOneTimeKey(): OneTimeKeyPair<Uint8Array> {
  const { publicKey, privateKey } = generateKeyPairSync('x25519', {
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
  });
  return {
    publicKey: new Uint8Array(publicKey.subarray(-X25519_BYTES)),
    privateKey: new Uint8Array(privateKey.subarray(-X25519_BYTES)),
  };
}

const X25519_BYTES = 32;
