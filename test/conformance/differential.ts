import { GatewayError, type SubmittedTransaction, type Transaction } from '@hyperledger/fabric-gateway';
import { common } from '@hyperledger/fabric-protos';
import {
  type Act,
  EVERYTHING,
  HISTORIES,
  type Malformation,
  MEMBERS,
  type Step,
  type Tampering,
} from './differential-kinds.js';
import { GOVERNMENT, HOSPITAL_A, INSURER, type LedgerUnderTest, PEERS } from './ledger-under-test.js';
import { type Outcome, outcomeOf, privateDataOf } from './differential-outcomes.js';
import { committed, connectMember, type MemberClient, untilEverywhere } from './member-client.js';
import { type DeliverMethod, seek } from './raw-calls.js';
import { alteredProposal, alteredTransaction, type ProposalChange, type TransactionChange } from './signed-messages.js';

const TAMPERED: Readonly<Record<Tampering, TransactionChange>> = {
  results: { action: ({ chaincodeAction }) => chaincodeAction.setResults('') },
  response: { action: ({ chaincodeAction }) => chaincodeAction.getResponse()?.setMessage('else') },
  arguments: { action: ({ action }) => action.setChaincodeProposalPayload(new Uint8Array([10, 0])) },
  'twice-the-same': { endorsements: ([first]) => (first === undefined ? [] : [first, first]) },
  'no-endorsements': { endorsements: () => [] },
  'one-endorsement': { endorsements: ([first]) => (first === undefined ? [] : [first]) },
};

const NOTHING = new Uint8Array();
const MALFORMED: Readonly<Record<Malformation, ProposalChange>> = {
  channel: { header: ({ channelHeader }) => channelHeader.setChannelId('nowhere') },
  type: { header: ({ channelHeader }) => channelHeader.setType(common.HeaderType.CONFIG) },
  'tx-id': { header: ({ channelHeader }) => channelHeader.setTxId('0'.repeat(64)) },
  epoch: { header: ({ channelHeader }) => channelHeader.setEpoch(1) },
  nonce: { header: ({ signatureHeader }) => signatureHeader.setNonce(NOTHING) },
  creator: { header: ({ signatureHeader }) => signatureHeader.setCreator(new Uint8Array([1, 2, 3])) },
  extension: { header: ({ channelHeader }) => channelHeader.setExtension$(NOTHING) },
  signature: { sign: () => new Uint8Array([48, 6, 2, 1, 1, 2, 1, 1]) },
};

interface Endorsed {
  readonly transaction: Transaction;
  readonly client: MemberClient;
}

/** Does the steps on one ledger, one transaction in each block, and tells what each came to. */
export class DifferentialRun {
  readonly #ledger: LedgerUnderTest;
  readonly #client: MemberClient;
  readonly #clients: ReadonlyMap<string, MemberClient>;
  readonly #endorsed = new Map<number, Endorsed>();
  /** Which step made a transaction, by its id. */
  readonly #steps = new Map<string, string>();

  #transactions = 0;

  private constructor(ledger: LedgerUnderTest, clients: ReadonlyMap<string, MemberClient>) {
    const client = clients.get(HOSPITAL_A);
    if (client === undefined) throw new Error('Hospital A has no client');
    this.#ledger = ledger;
    this.#clients = clients;
    this.#client = client;
  }

  static async open(ledger: LedgerUnderTest): Promise<DifferentialRun> {
    const clients = new Map<string, MemberClient>();
    for (const mspId of MEMBERS) clients.set(mspId, await connectMember(ledger, mspId));
    return new DifferentialRun(ledger, clients);
  }

  /** In blocks, whatever their codes. */
  get transactions(): number {
    return this.#transactions;
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
  }

  async height(): Promise<number> {
    const info = await this.#client.qscc.evaluateTransaction('GetChainInfo', this.#ledger.topology.channel);
    return common.BlockchainInfo.deserializeBinary(info).getHeight();
  }

  /** Adds blocks that change nothing, so that two ledgers go on with the same number. */
  async padTo(height: number): Promise<void> {
    while ((await this.height()) < height) await this.#client.submit([]);
  }

  async do(step: Step, number: number): Promise<Outcome> {
    return this.#readable(await told(() => this.#attempt(step, number)));
  }

  /** What every peer has at the end: keys with versions, policies, private values, histories. */
  async state(): Promise<Outcome> {
    const found: Record<string, Outcome> = {};
    for (const mspId of PEERS) {
      const act = { run: EVERYTHING, named: [mspId] };
      found[mspId] = await told(async () => this.#outcomeOf(await this.#endorse(act, `state at ${mspId}`)));
      found[`${mspId}'s histories`] = await told(async () => ({
        results: await this.#client.evaluate(HISTORIES, namedOrganisations([mspId])),
      }));
    }
    return this.#readable(found);
  }

  /** What is delivered: filtered blocks, and the private data that each peer has for its own members. */
  async delivered(from: number): Promise<Outcome> {
    const stop = (await this.height()) - 1;
    const of = async (method: DeliverMethod, mspId: string) => {
      const request = { start: from, stop, channel: this.#ledger.topology.channel };
      return (await seek(this.#clientOf(mspId), method, request)).responses;
    };
    const filtered = (await of('DeliverFiltered', INSURER)).map((response) => response.getFilteredBlock()?.toObject());
    const hospital = (await of('DeliverWithPrivateData', HOSPITAL_A)).map(privateDataOf);
    const government = (await of('DeliverWithPrivateData', GOVERNMENT)).map(privateDataOf);
    return this.#readable({ filtered, hospital, government });
  }

  /** Serialised common.Block, from a number on. */
  async blocks(from: number): Promise<Uint8Array[]> {
    const stop = (await this.height()) - 1;
    const request = { start: from, stop, channel: this.#ledger.topology.channel };
    const { responses } = await seek(this.#client, 'Deliver', request);
    return responses.map((response) => (response.getBlock() ?? new common.Block()).serializeBinary());
  }

  async #attempt(step: Step, number: number): Promise<Outcome> {
    if (step.kind === 'burst') return this.#burst(step, number);
    if (step.kind === 'commit') {
      const endorsed = this.#endorsed.get(step.of);
      return endorsed === undefined ? { nothing: 'to commit' } : this.#commit(endorsed);
    }
    const client = this.#clientOf(step.as);
    if (step.kind === 'evaluate') return { results: await client.evaluate(step.run, namedOrganisations(step.named)) };
    if (step.kind === 'malformed') {
      const transaction = await alteredProposal(client, step.run, MALFORMED[step.how]).endorse();
      return this.#commit({ transaction, client });
    }
    return this.#transact(step, number);
  }

  async #transact(step: Extract<Step, { kind: 'submit' | 'endorse' | 'tamper' }>, number: number): Promise<Outcome> {
    const client = this.#clientOf(step.as);
    const transaction = await this.#endorse(step, String(number));
    const outcome = this.#outcomeOf(transaction);
    this.#endorsed.set(number, { transaction, client });
    if (step.kind === 'endorse') return outcome;
    const submitted =
      step.kind === 'tamper' ? alteredTransaction(client, transaction, TAMPERED[step.how]) : transaction;
    return { ...outcome, ...(await this.#commit({ transaction: submitted, client })) };
  }

  async #burst({ of, acts }: Extract<Step, { kind: 'burst' }>, number: number): Promise<Outcome> {
    const outcomes: Outcome[] = [];
    const transactions = of.flatMap((step) => this.#endorsed.get(step)?.transaction ?? []);
    for (const [index, act] of acts.entries()) {
      const outcome = await told(async () => {
        const transaction = await this.#endorse(act, `${number}.${index}`);
        transactions.push(transaction);
        return this.#outcomeOf(transaction);
      });
      outcomes.push(outcome);
    }
    const submitted: SubmittedTransaction[] = [];
    for (const transaction of transactions) submitted.push(await transaction.submit());
    const statuses = await Promise.all(submitted.map((one) => one.getStatus()));
    this.#transactions += statuses.length;
    const blocks = new Set(statuses.map(({ blockNumber }) => Number(blockNumber)));
    if (blocks.size > 1) throw new Error(`step ${number} came into ${blocks.size} blocks: the machine is too busy`);
    for (const block of blocks) await untilEverywhere(this.#client.network, block);
    return { outcomes, codes: statuses.map(({ code }) => code), blocks: [...blocks] };
  }

  async #endorse({ run, named, as, transient }: Act, label: string): Promise<Transaction> {
    const options = {
      ...namedOrganisations(named),
      arguments: [JSON.stringify(run)],
      ...(transient === undefined ? {} : { transientData: transient }),
    };
    const proposal = this.#clientOf(as).contract.newProposal('run', options);
    this.#steps.set(proposal.getTransactionId(), label);
    return proposal.endorse();
  }

  #clientOf(mspId: string = HOSPITAL_A): MemberClient {
    return this.#clients.get(mspId) ?? this.#client;
  }

  #outcomeOf(transaction: Transaction): Outcome {
    return outcomeOf(transaction, this.#ledger.topology.chaincode.name);
  }

  async #commit({ transaction, client }: Endorsed): Promise<Outcome> {
    const before = await this.height();
    const { code, blockNumber } = await committed(client, transaction);
    // A replay is answered at once with the first one's status, while its own block is still to come.
    while ((await this.height()) === before);
    await untilEverywhere(this.#client.network, before);
    this.#transactions += 1;
    return { code, blockNumber };
  }

  /** Ids by the number of their step, times left out. */
  #readable(outcome: Outcome): Outcome {
    const text = JSON.stringify(outcome)
      .replaceAll(/[0-9a-f]{64}/g, (id) => (this.#steps.has(id) ? `tx of step ${this.#steps.get(id)}` : 'another id'))
      .replaceAll(/timeMs(\\?)":\d+/g, 'timeMs$1":0')
      .replaceAll(/Creator \[[0-9a-f]+\]/g, 'Creator []');
    return JSON.parse(text);
  }
}

/** The outcome, or what it failed with. */
async function told(attempt: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await attempt();
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    const details = error.details.map(({ mspId, message }) => `${mspId}: ${message}`).sort();
    return { failed: error.code, message: error.message, details };
  }
}

function namedOrganisations(named?: readonly string[]): { endorsingOrganizations?: string[] } {
  return named === undefined ? {} : { endorsingOrganizations: [...named] };
}
