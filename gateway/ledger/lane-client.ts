import {
  canonicalJson,
  headerHash,
  headerOf,
  formatLaneProof,
  keyHashOf,
  type LaneTip,
  memberId,
  type PatientId,
  parseLaneHead,
  tipFor,
  tipOf,
  type TransactionAnswer,
  type TransactionInput,
  type TransactionName,
  bytesToHex,
} from '@medledger/chaincode/domain';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Backoff, backOff } from './backoff.js';
import type { ChainQueries } from './chain-queries.js';
import { type LaneMetrics, newLaneMetrics } from './lane-metrics.js';
import { type Lane, LaneTurns } from './lane-turns.js';
import type { Ledger, LedgerIdentity } from './ledger.js';
import { LedgerFailure } from './ledger-failure.js';
import type { NonceSolver } from './nonce-solver.js';
import { parseTransactionAnswer } from './transaction-answer.js';

/** Who extends a lane: a member whose keys are unlocked. */
export interface LaneActor extends LedgerIdentity {
  readonly memberId: string;
  /** SubjectPublicKeyInfo, DER: the header names its hash. */
  readonly signingPublicKeySpki: Uint8Array;
}

export interface LaneCall<N extends TransactionName> {
  readonly identity: LaneActor;
  readonly name: N;
  /** `NO_PATIENT` for the actor's own lane. */
  readonly patientId: PatientId;
  /** A function is asked when the turn has come, so that what arrives meanwhile can ride along. */
  readonly business: TransactionInput<N> | (() => TransactionInput<N>);
  /** Where the lane begins with this call and the caller knows its genesis. */
  readonly firstTip?: LaneTip;
}

export interface LaneCommitted {
  readonly answer: TransactionAnswer;
  readonly transactionId: string;
  readonly blockNumber: number;
}

export interface LaneClientOptions {
  readonly ledger: Ledger;
  readonly queries: ChainQueries;
  readonly solver: NonceSolver;
  /** Transactions made for one call before it is given up as LEDGER_CONFLICT. */
  readonly attemptsMax?: number;
  readonly backoff?: Backoff;
  readonly lanesMax?: number;
  readonly waitingMax?: number;
}

/** A lagging peer has caught up after one block; the sum of these waits is several of them. */
const BACKOFF: Backoff = { minMs: 20, maxMs: 500 };
const ATTEMPTS_MAX = 8;
const LANES_MAX = 10_000;
const WAITING_MAX = 1_000;

type Solved = { readonly headerHex: string; readonly nonceHex: string };
type Turn<N extends TransactionName> = {
  readonly call: LaneCall<N>;
  readonly lane: Lane;
  businessJson: string | undefined;
  solved: Solved | undefined;
  conflict: LedgerFailure | undefined;
};

/**
 * Extends lanes: finds the tip, solves the nonce, submits, and does so anew where somebody else was first. One
 * transaction of a lane is in flight at a time; others of the same lane wait for it.
 */
export class LaneClient {
  readonly metrics: LaneMetrics = newLaneMetrics();
  readonly #options: LaneClientOptions;
  readonly #turns: LaneTurns;
  readonly #keyHashes = new WeakMap<Uint8Array, string>();

  constructor(options: LaneClientOptions) {
    this.#options = options;
    this.#turns = new LaneTurns({
      lanesMax: options.lanesMax ?? LANES_MAX,
      waitingMax: options.waitingMax ?? WAITING_MAX,
    });
  }

  /**
   * @throws LedgerFailure LEDGER_CONFLICT when every attempt met a conflict, OVERLOADED when too many wait, otherwise
   * as `Ledger.submit`
   */
  transact<N extends TransactionName>(call: LaneCall<N>): Promise<LaneCommitted> {
    const laneKey = `${call.patientId}|${call.identity.memberId}`;
    return this.#turns.take(laneKey, (lane) => this.#untilCommitted(lane, call));
  }

  async #untilCommitted<N extends TransactionName>(lane: Lane, call: LaneCall<N>): Promise<LaneCommitted> {
    const turn: Turn<N> = { call, lane, businessJson: undefined, solved: undefined, conflict: undefined };
    const attemptsMax = this.#options.attemptsMax ?? ATTEMPTS_MAX;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#attempt(turn);
      } catch (error) {
        lane.tip = undefined;
        turn.conflict = this.#countedConflict(error);
        if (attempt === attemptsMax) throw givenUp(turn.conflict, attempt);
        this.metrics.retries += 1;
        await backOff(attempt - 1, this.#options.backoff ?? BACKOFF);
      }
    }
  }

  async #attempt<N extends TransactionName>(turn: Turn<N>): Promise<LaneCommitted> {
    const { call, lane } = turn;
    const tip = tipFor(call.name, lane.tip ?? (await this.#tip(turn)));
    turn.businessJson ??= canonicalJson(await takeBusiness(call));
    const nonce = await this.#nonce(turn, tip, turn.businessJson);
    const proof = formatLaneProof({ ...tip, nonce });
    const committed = await this.#options.ledger.submit(call.identity, call.name, [turn.businessJson, proof]);
    const answer = parseTransactionAnswer(committed.result);
    lane.tip = answer.tip;
    this.metrics.transactions += 1;
    return { answer, transactionId: committed.transactionId, blockNumber: committed.blockNumber };
  }

  async #tip<N extends TransactionName>({ call, conflict }: Turn<N>): Promise<LaneTip> {
    // A stale head says that the lane exists after all.
    if (call.firstTip !== undefined && conflict?.conflict !== 'stale-head') return call.firstTip;
    const { head } = await this.#options.queries.query(call.identity, 'audit:head', { patientId: call.patientId });
    return tipOf(parseLaneHead(canonicalJson(head)));
  }

  /** A nonce stays good while its head does: after a lagging peer's answer it is used again. */
  async #nonce<N extends TransactionName>(turn: Turn<N>, tip: LaneTip, businessJson: string): Promise<string> {
    const { identity, name, patientId } = turn.call;
    const { channel } = this.#options.ledger;
    const member = memberId(identity.memberId, '/memberId');
    const keyHash = this.#keyHashOf(identity.signingPublicKeySpki);
    const hash = headerHash(
      headerOf({ channel, transaction: name, businessJson, memberId: member, keyHash, patientId, tip }),
    );
    const headerHex = bytesToHex(hash);
    if (turn.solved?.headerHex === headerHex) return turn.solved.nonceHex;
    const startedMs = performance.now();
    const { nonceHex, attempts } = await this.#options.solver.solve(hash, tip.difficulty);
    this.metrics.noncesSolved += 1;
    this.metrics.nonceAttempts += attempts;
    this.metrics.solvingMs += performance.now() - startedMs;
    turn.solved = { headerHex, nonceHex };
    return nonceHex;
  }

  #keyHashOf(spki: Uint8Array): string {
    const known = this.#keyHashes.get(spki);
    if (known !== undefined) return known;
    const keyHash = keyHashOf(spki);
    this.#keyHashes.set(spki, keyHash);
    return keyHash;
  }

  /** @returns the conflict, counted; throws everything else */
  #countedConflict(error: unknown): LedgerFailure {
    if (!(error instanceof LedgerFailure) || error.conflict === undefined) throw error;
    this.metrics.conflicts[error.conflict] += 1;
    return error;
  }
}

async function takeBusiness<N extends TransactionName>({ business }: LaneCall<N>): Promise<TransactionInput<N>> {
  if (typeof business !== 'function') return business;
  // Those who came in the same turn of the event loop ride along.
  await nextTurn();
  return business();
}

/** A refusal that only a lagging peer gave keeps its own code; what is left is contention. */
function givenUp(conflict: LedgerFailure, attempts: number): LedgerFailure {
  if (conflict.code !== 'STALE_HEAD' && conflict.code !== 'LEDGER_CONFLICT') return conflict;
  const { transactionId, validationCode } = conflict;
  return new LedgerFailure('LEDGER_CONFLICT', `given up after ${attempts} attempts: ${conflict.message}`, {
    cause: conflict,
    ...(conflict.conflict === undefined ? {} : { conflict: conflict.conflict }),
    ...(transactionId === undefined ? {} : { transactionId }),
    ...(validationCode === undefined ? {} : { validationCode }),
  });
}
