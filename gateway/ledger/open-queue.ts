import {
  type ItemOutcome,
  limits,
  type PatientId,
  type Purpose,
  type RecordId,
  type RecordMetadata,
  toBase64url,
} from '@medledger/chaincode/domain';
import type { LaneActor, LaneClient, LaneCommitted } from './lane-client.js';
import { LedgerFailure } from './ledger-failure.js';

/** An X25519 key pair for one transaction. `PrivateKey` is whatever the caller opens shares with. */
export interface OneTimeKeyPair<PrivateKey> {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly privateKey: PrivateKey;
}

export interface OpenCall {
  readonly identity: LaneActor;
  readonly patientId: PatientId;
  readonly recordId: RecordId;
  readonly purpose: Purpose;
}

/** One record's part of a committed opening, which other openings may share. */
export interface OpenResult<PrivateKey> {
  readonly transactionId: string;
  readonly blockNumber: number;
  /** Of the entry. */
  readonly timeMs: number;
  readonly item: ItemOutcome;
  /** Present when permitted. */
  readonly record?: RecordMetadata;
  readonly oneTimePrivateKey: PrivateKey;
}

type Joined<PrivateKey> = { readonly committed: LaneCommitted; readonly oneTimePrivateKey: PrivateKey };

interface Batch<PrivateKey> {
  /** Distinct: asked twice, a record is still opened once. */
  readonly recordIds: Set<RecordId>;
  readonly joined: Promise<Joined<PrivateKey>>;
}

/**
 * Joins openings: those of one member, patient and purpose that arrive while the lane is busy become one transaction
 * with one one-time key. A busy doctor costs the chain two entries instead of forty.
 */
export class OpenQueue<PrivateKey> {
  readonly #lanes: LaneClient;
  readonly #newKeyPair: () => OneTimeKeyPair<PrivateKey>;
  /** Batches that have not had their turn. */
  readonly #waiting = new Map<string, Batch<PrivateKey>>();

  constructor(lanes: LaneClient, newKeyPair: () => OneTimeKeyPair<PrivateKey>) {
    this.#lanes = lanes;
    this.#newKeyPair = newKeyPair;
  }

  /**
   * The decision about this record, committed. A refusal is a result.
   *
   * @throws LedgerFailure as `LaneClient.transact`; all who were joined get the same
   */
  async open(call: OpenCall): Promise<OpenResult<PrivateKey>> {
    this.#lanes.metrics.openings += 1;
    const batch = this.#join(call);
    const { committed, oneTimePrivateKey } = await batch.joined;
    const { answer, transactionId, blockNumber } = committed;
    const item = answer.outcome.items?.find(({ recordId }) => recordId === call.recordId);
    if (item === undefined)
      throw new LedgerFailure('LEDGER_REFUSED', 'the opening was committed without a decision on this record', {
        transactionId,
      });
    const record = answer.records?.find(({ recordId }) => recordId === call.recordId);
    const { timeMs } = answer.entry;
    const result = { transactionId, blockNumber, timeMs, item, oneTimePrivateKey };
    return record === undefined ? result : { ...result, record };
  }

  #join(call: OpenCall): Batch<PrivateKey> {
    const key = `${call.identity.memberId}|${call.patientId}|${call.purpose}`;
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined && hasRoom(waiting, call.recordId)) {
      waiting.recordIds.add(call.recordId);
      return waiting;
    }
    const recordIds = new Set([call.recordId]);
    const batch = { recordIds, joined: this.#transact(key, call, recordIds) };
    this.#waiting.set(key, batch);
    return batch;
  }

  async #transact(key: string, call: OpenCall, recordIds: ReadonlySet<RecordId>): Promise<Joined<PrivateKey>> {
    const { identity, patientId, purpose } = call;
    const leave = () => {
      // A full batch has been followed by another one under the same key.
      if (this.#waiting.get(key)?.recordIds === recordIds) this.#waiting.delete(key);
    };
    const pair = this.#newKeyPair();
    const oneTimeKey = toBase64url(pair.publicKey);
    const business = () => {
      leave();
      return { patientId, recordIds: [...recordIds], purpose, oneTimeKey };
    };
    try {
      const committed = await this.#lanes.transact({ identity, name: 'access:open', patientId, business });
      this.#lanes.metrics.openingTransactions += 1;
      return { committed, oneTimePrivateKey: pair.privateKey };
    } finally {
      leave();
    }
  }
}

function hasRoom({ recordIds }: { readonly recordIds: ReadonlySet<RecordId> }, recordId: RecordId): boolean {
  return recordIds.has(recordId) || recordIds.size < limits.OPENINGS_PER_CALL_MAX;
}
