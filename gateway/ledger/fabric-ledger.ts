import type { Client } from '@grpc/grpc-js';
import type { Commit, Gateway, Transaction } from '@hyperledger/fabric-gateway';
import { askHeight, CHAIN_INFO, catchUp, heightIn } from './catch-up.js';
import { readBlocks } from './block-stream.js';
import { readProcessedTransaction } from './block-reader.js';
import { createCertificateReader } from './certificate-reader.js';
import { gatewayCache, type IdentityGateway } from './gateway-cache.js';
import { commitOf } from './commit-of.js';
import type { CallTarget, Committed, CommitStatus, Ledger, LedgerIdentity, RecoveredTransaction } from './ledger.js';
import type { LedgerBlock, LedgerTransaction } from './ledger-block.js';
import { openPeerClient, type PeerEndpoint, whenConnected } from './ledger-connection.js';
import { invalidTransaction, type PeerReport } from './ledger-errors.js';
import { LedgerFailure } from './ledger-failure.js';
import { LEDGER_SETTINGS, type LedgerSettings } from './ledger-settings.js';
import { openOutbox, type Outbox, type OutboxEntry } from './outbox.js';
import { type EndorsementPolicy, PeerChoice } from './peer-choice.js';
import { callSafely, type SafeCallContext } from './safe-call.js';
import { firstAnswer } from './first-answer.js';
import { askStatus, settle, type SignedTransaction } from './settlement.js';

export interface FabricLedgerOptions {
  readonly endpoint: PeerEndpoint;
  /** Whose peer that is: the own organisation's, or the host's of an organisation without one. */
  readonly peerMspId: string;
  /**
   * Peers of other organisations. They hand on an envelope that is signed already, and tell what became of it, where
   * the own peer does not; nothing else is asked of them, and a custodian asks them nothing. None where left out.
   */
  readonly otherPeers?: readonly PeerEndpoint[];
  readonly channel: string;
  readonly chaincode: string;
  readonly policy: EndorsementPolicy;
  /** SQLite file of the signed envelopes. */
  readonly outboxFile: string;
  readonly settings?: Partial<LedgerSettings>;
  /** A peer answered that its copy of the chain was changed; others were asked instead where there were enough. */
  readonly onPeerAttacked?: (report: PeerReport) => void;
  /** Milliseconds since 1970, for deadlines. */
  readonly nowMs?: () => number;
}

/** How many envelopes of an earlier run are looked after at once. */
const RECOVERIES_AT_ONCE = 8;
const TRANSACTION_BY_ID = 'GetTransactionByID';

/**
 * Opens the ledger over Fabric's gateway protocol. Connects at the first call, not here.
 *
 * @throws LedgerFailure STORE_CORRUPT when the outbox cannot be opened
 */
export function openFabricLedger(options: FabricLedgerOptions): Ledger {
  return new FabricLedger(options);
}

/** Another organisation's; see `otherPeers`. */
interface OtherPeer {
  readonly client: Client;
  readonly gatewayOf: (identity: LedgerIdentity) => IdentityGateway;
}

class FabricLedger implements Ledger {
  readonly channel: string;
  readonly peerMspId: string;
  readonly #client: Client;
  readonly #gatewayOf: (identity: LedgerIdentity) => IdentityGateway;
  readonly #others: readonly OtherPeer[];
  readonly #settings: LedgerSettings;
  readonly #outbox: Outbox;
  readonly #peers: PeerChoice;
  readonly #nowMs: () => number;
  readonly #context: SafeCallContext;
  readonly #certificates = createCertificateReader();
  readonly #inFlight = new Set<string>();
  readonly #stopping = new AbortController();

  constructor(options: FabricLedgerOptions) {
    const { channel, chaincode, peerMspId, policy } = options;
    this.channel = channel;
    this.peerMspId = peerMspId;
    this.#outbox = openOutbox(options.outboxFile);
    this.#client = openPeerClient(options.endpoint);
    this.#gatewayOf = gatewayCache({ client: this.#client, channel, chaincode });
    this.#others = (options.otherPeers ?? []).map((endpoint) => {
      const client = openPeerClient(endpoint);
      return { client, gatewayOf: gatewayCache({ client, channel, chaincode }) };
    });
    this.#settings = { ...LEDGER_SETTINGS, ...options.settings };
    this.#nowMs = options.nowMs ?? Date.now;
    const { attackedMs } = this.#settings;
    const onPeerAttacked = options.onPeerAttacked ?? (() => undefined);
    this.#peers = new PeerChoice({ policy, peerMspId, attackedMs, nowMs: this.#nowMs, onPeerAttacked });
    const report = (attacked: readonly PeerReport[]) => this.#peers.report(attacked);
    this.#context = {
      client: this.#client,
      peerMspId,
      settings: this.#settings,
      nowMs: this.#nowMs,
      report,
      stopping: this.#stopping.signal,
    };
  }

  async evaluate(identity: LedgerIdentity, name: string, args: readonly string[], target: CallTarget = {}) {
    const { contract } = this.#gatewayOf(identity);
    return text(await this.#evaluate(contract, name, args, target.endorsingOrganizations));
  }

  async submit(
    identity: LedgerIdentity,
    name: string,
    args: readonly string[],
    target: CallTarget = {},
  ): Promise<Committed> {
    const { gateway } = this.#gatewayOf(identity);
    const endorsed = await this.#endorse(identity, name, args, target.endorsingOrganizations);
    const signature = await identity.sign(endorsed.getDigest());
    const signed = gateway.newSignedTransaction(endorsed.getBytes(), signature);
    const transactionId = signed.getTransactionId();
    await this.#outbox.save({ transactionId, bytes: signed.getBytes(), signedAtMs: this.#nowMs() });
    const status = await this.#settled(this.#signedTransaction(identity, signed), false);
    if (status.validationCode !== 'VALID') throw invalidTransaction(transactionId, status.validationCode);
    return { transactionId, blockNumber: status.blockNumber, result: text(endorsed.getResult()) };
  }

  async commitStatusOf(
    identity: LedgerIdentity,
    transactionId: string,
    options: { readonly deadlineMs?: number } = {},
  ): Promise<CommitStatus> {
    const waitMs = options.deadlineMs ?? this.#settings.commitStatusMs;
    const commit = commitOf(this.#gatewayOf(identity).gateway, this.channel, transactionId);
    const status = (deadline: number) => commit.getStatus({ deadline });
    const found = await askStatus({ transactionId, status }, waitMs, this.#context);
    if (found !== undefined) return found;
    if (await whenConnected(this.#client, 0))
      throw new LedgerFailure('BLOCK_UNKNOWN', `transaction ${transactionId} was not committed within ${waitMs} ms`);
    throw new LedgerFailure('LEDGER_UNAVAILABLE', `the peer of ${this.peerMspId} cannot be reached`);
  }

  async transactionById(identity: LedgerIdentity, transactionId: string): Promise<LedgerTransaction> {
    const { qscc } = this.#gatewayOf(identity);
    try {
      const args = [this.channel, transactionId];
      const found = await this.#evaluate(qscc, TRANSACTION_BY_ID, args, [this.peerMspId]);
      return readProcessedTransaction(found, this.#certificates);
    } catch (cause) {
      // The system chaincode has sentences instead of codes; all of them mean that it does not show the transaction.
      if (!(cause instanceof LedgerFailure) || cause.code !== 'LEDGER_REFUSED') throw cause;
      throw new LedgerFailure('BLOCK_UNKNOWN', cause.message, { cause, transactionId });
    }
  }

  async height(identity: LedgerIdentity): Promise<number> {
    const { qscc } = this.#gatewayOf(identity);
    return heightIn(await this.#evaluate(qscc, CHAIN_INFO, [this.channel], [this.peerMspId]));
  }

  catchUp(identity: LedgerIdentity): Promise<void> {
    const { evaluateMs, othersHeightMs: othersMs, catchUpMs: ownMs } = this.#settings;
    const deadline = this.#nowMs() + evaluateMs;
    const others = this.#others.map(
      ({ gatewayOf }) =>
        () =>
          askHeight(gatewayOf(identity), this.channel, deadline),
    );
    return catchUp({ own: () => this.height(identity), others }, { othersMs, ownMs });
  }

  blocks(options: Parameters<Ledger['blocks']>[0]): AsyncIterable<LedgerBlock> {
    const { network } = this.#gatewayOf(options.identity);
    const { backoffMinMs: minMs, backoffMaxMs: maxMs } = this.#settings;
    const signal = AbortSignal.any([options.signal, this.#stopping.signal]);
    return readBlocks({ ...options, signal, network, certificates: this.#certificates, backoff: { minMs, maxMs } });
  }

  async recoverOutbox(identity: LedgerIdentity): Promise<readonly RecoveredTransaction[]> {
    const left = this.#outbox.pending().filter(({ transactionId }) => !this.#inFlight.has(transactionId));
    const recovered: RecoveredTransaction[] = [];
    for (let at = 0; at < left.length; at += RECOVERIES_AT_ONCE) {
      const together = left.slice(at, at + RECOVERIES_AT_ONCE);
      recovered.push(...(await Promise.all(together.map((entry) => this.#recover(identity, entry)))));
    }
    return recovered;
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    for (const { client } of [{ client: this.#client }, ...this.#others]) client.close();
    this.#outbox.close();
  }

  #evaluate(
    contract: IdentityGateway['contract'],
    name: string,
    args: readonly string[],
    pinned: readonly string[] | undefined,
  ): Promise<Uint8Array> {
    const run = (organizations: readonly string[] | undefined) =>
      contract
        .newProposal(name, proposalOptions(args, organizations))
        .evaluate({ deadline: this.#nowMs() + this.#settings.evaluateMs });
    const first = () => this.#peers.evaluator();
    const without = (mspIds: Iterable<string>) => this.#peers.evaluatorWithout(mspIds);
    return callSafely({ run, pinned, first, without }, this.#context);
  }

  #endorse(
    identity: LedgerIdentity,
    name: string,
    args: readonly string[],
    pinned: readonly string[] | undefined,
  ): Promise<Transaction> {
    const { contract } = this.#gatewayOf(identity);
    const run = (organizations: readonly string[] | undefined) =>
      contract
        .newProposal(name, proposalOptions(args, organizations))
        .endorse({ deadline: this.#nowMs() + this.#settings.endorseMs });
    const first = () => this.#peers.endorsers();
    const without = (mspIds: Iterable<string>) => this.#peers.endorsersWithout(mspIds);
    return callSafely({ run, pinned, first, without }, this.#context);
  }

  /** The envelope leaves the outbox once its end is known, and stays where it is not. */
  async #settled(transaction: SignedTransaction, sentBefore: boolean): Promise<CommitStatus> {
    const { transactionId } = transaction;
    this.#inFlight.add(transactionId);
    try {
      const status = await settle(transaction, this.#context, { sentBefore });
      this.#outbox.remove(transactionId);
      return status;
    } catch (error) {
      if (error instanceof LedgerFailure && error.code !== 'OUTCOME_UNKNOWN') this.#outbox.remove(transactionId);
      throw error;
    } finally {
      this.#inFlight.delete(transactionId);
    }
  }

  async #recover(identity: LedgerIdentity, { transactionId, bytes }: OutboxEntry): Promise<RecoveredTransaction> {
    try {
      const signed = this.#gatewayOf(identity).gateway.newTransaction(bytes);
      const transaction = this.#signedTransaction(identity, signed);
      return { transactionId, status: await this.#settled(transaction, true) };
    } catch (error) {
      if (error instanceof LedgerFailure && error.code === 'OUTCOME_UNKNOWN') return { transactionId };
      throw error;
    }
  }

  /** The own peer comes first each time; it takes the others' place again as soon as it answers. */
  #signedTransaction(identity: LedgerIdentity, signed: Transaction): SignedTransaction {
    const transactionId = signed.getTransactionId();
    const others = this.#others.map(({ gatewayOf }) => gatewayOf(identity).gateway);
    const { gateway } = this.#gatewayOf(identity);
    let commit: Commit | undefined;
    const send = async (deadline: number) => {
      commit = await signed.submit({ deadline });
    };
    const sendBy = [send, ...others.map((other) => handingOn(other, signed.getBytes()))];
    return {
      transactionId,
      send: (deadline, attempt) => (sendBy[attempt % sendBy.length] ?? send)(deadline),
      status: (deadline) => {
        commit ??= commitOf(gateway, this.channel, transactionId);
        const own = commit;
        const elsewhere = others.map((other) => async () => {
          const status = await commitOf(other, this.channel, transactionId).getStatus({ deadline });
          // Whoever asks the own peer next must find it there.
          await this.catchUp(identity);
          return status;
        });
        return firstAnswer([() => own.getStatus({ deadline }), ...elsewhere], this.#settings.ownPeerMs);
      },
    };
  }
}

function handingOn(gateway: Gateway, bytes: Uint8Array): (deadline: number) => Promise<void> {
  return async (deadline) => {
    await gateway.newTransaction(bytes).submit({ deadline });
  };
}

function proposalOptions(args: readonly string[], organizations: readonly string[] | undefined) {
  return {
    arguments: [...args],
    ...(organizations === undefined ? {} : { endorsingOrganizations: [...organizations] }),
  };
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}
