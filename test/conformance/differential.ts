import { GatewayError, type Transaction } from '@hyperledger/fabric-gateway';
import { common, ledger as protos, peer } from '@hyperledger/fabric-protos';
import { parseBlock, storedCommitHash, validationCodes } from '../../network/devledger/commit/block-codec.js';
import type { ChaincodeDefinition } from '../../network/devledger/commit/chaincode-definition.js';
import { ChannelRules } from '../../network/devledger/commit/channel-rules.js';
import { ReplayedState } from '../../network/devledger/store/replayed-state.js';
import { rowsOfCommittedBlock } from '../../network/devledger/commit/replay-block.js';
import type { Step, Tampering } from './differential-steps.js';
import { CALLEE, HOSPITAL_A, type LedgerUnderTest } from './ledger-under-test.js';
import { committed, connectMember, type MemberClient, type StubCall, untilEverywhere } from './member-client.js';
import { seek } from './raw-calls.js';
import { alteredTransaction, type TransactionChange } from './signed-messages.js';
import { endorsersOf, namespaceSets, partsOfPrepared } from './transaction-parts.js';

/** What a step came to, without what must differ between two networks: ids, times, ports. */
export type Outcome = Readonly<Record<string, unknown>>;

const TAMPERED: Readonly<Record<Tampering, TransactionChange>> = {
  results: { action: ({ chaincodeAction }) => chaincodeAction.setResults('') },
  response: { action: ({ chaincodeAction }) => chaincodeAction.getResponse()?.setMessage('else') },
  arguments: { action: ({ action }) => action.setChaincodeProposalPayload(new Uint8Array([10, 0])) },
  'twice-the-same': { endorsements: ([first]) => (first === undefined ? [] : [first, first]) },
  'no-endorsements': { endorsements: () => [] },
  'one-endorsement': { endorsements: ([first]) => (first === undefined ? [] : [first]) },
};

/** Does the steps on one ledger, one transaction in each block, and tells what each came to. */
export class DifferentialRun {
  readonly #ledger: LedgerUnderTest;
  readonly #client: MemberClient;
  readonly #endorsed = new Map<number, Transaction>();
  /** Number of the step that made a transaction, by its id. */
  readonly #steps = new Map<string, number>();

  private constructor(ledger: LedgerUnderTest, client: MemberClient) {
    this.#ledger = ledger;
    this.#client = client;
  }

  static async open(ledger: LedgerUnderTest): Promise<DifferentialRun> {
    return new DifferentialRun(ledger, await connectMember(ledger, HOSPITAL_A));
  }

  close(): void {
    this.#client.close();
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
    try {
      return this.#readable(await this.#attempt(step, number));
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      const details = error.details.map(({ mspId, message }) => `${mspId}: ${message}`).sort();
      return this.#readable({ failed: error.code, message: error.message, details });
    }
  }

  /** Serialised common.Block, from a number on. */
  async blocks(from: number): Promise<Uint8Array[]> {
    const stop = (await this.height()) - 1;
    const request = { start: from, stop, channel: this.#ledger.topology.channel };
    const { responses } = await seek(this.#client, 'Deliver', request);
    return responses.map((response) => (response.getBlock() ?? new common.Block()).serializeBinary());
  }

  async #attempt(step: Step, number: number): Promise<Outcome> {
    if (step.kind === 'evaluate') {
      return { results: await this.#client.evaluate(step.run, namedOrganisations(step.named)) };
    }
    if (step.kind === 'commit') {
      const transaction = this.#endorsed.get(step.of);
      return transaction === undefined ? { nothing: 'to commit' } : this.#commit(transaction);
    }
    const transaction = await this.#endorse(step.run, number, 'named' in step ? step.named : undefined);
    const endorsed = outcomeOf(transaction, this.#ledger.topology.chaincode.name);
    this.#endorsed.set(number, transaction);
    if (step.kind === 'endorse') return endorsed;
    const submitted =
      step.kind === 'tamper' ? alteredTransaction(this.#client, transaction, TAMPERED[step.how]) : transaction;
    return { ...endorsed, ...(await this.#commit(submitted)) };
  }

  async #endorse(run: readonly StubCall[], number: number, named?: readonly string[]): Promise<Transaction> {
    const options = { ...namedOrganisations(named), arguments: [JSON.stringify(run)] };
    const proposal = this.#client.contract.newProposal('run', options);
    this.#steps.set(proposal.getTransactionId(), number);
    return proposal.endorse();
  }

  async #commit(transaction: Transaction): Promise<Outcome> {
    const before = await this.height();
    const { code, blockNumber } = await committed(this.#client, transaction);
    // A replay is answered at once with the first one's status, while its own block is still to come.
    while ((await this.height()) === before);
    await untilEverywhere(this.#client.network, before);
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

/**
 * How a ledger's blocks differ from what the embedded ledger's rules make of the same transactions and codes: its
 * running hash over codes and writes must be the one in the block.
 *
 * @param blocks - consecutive; the first is where the rest is hung up
 */
export async function commitHashFaults(
  blocks: readonly Uint8Array[],
  definitions: readonly ChaincodeDefinition[],
): Promise<string[]> {
  const faults: string[] = [];
  const parsed = new Map(blocks.map(parseBlock).map((block) => [block.number, block]));
  const readBlock = async (number: number) => parsed.get(number);
  const state = new ReplayedState(readBlock);
  const rules = new ChannelRules({ channel: '', policy: NO_POLICY, chaincodes: [], definitions, mspIds: [] });
  let previous: Uint8Array | undefined;
  for (const block of parsed.values()) {
    const stored = storedCommitHash(block);
    if (previous !== undefined) {
      const tip = { height: block.number, headerHash: block.previousHash, previousHash: EMPTY, commitHash: previous };
      const rows = await rowsOfCommittedBlock(block, { tip, state, readBlock, rules });
      if (Buffer.compare(rows.tip.commitHash, stored) !== 0) faults.push(`block ${block.number}`);
      state.apply(rows.writes);
    }
    previous = stored;
  }
  return faults;
}

/** Validation codes of each block. */
export function codesByBlock(blocks: readonly Uint8Array[]): string[] {
  return blocks.map((bytes) => {
    const block = parseBlock(bytes);
    return `${block.number}: ${[...validationCodes(block)].join(' ')}`;
  });
}

const EMPTY = new Uint8Array();
const NO_POLICY = { endorsers: [], needed: 0 };

function namedOrganisations(named?: readonly string[]): { endorsingOrganizations?: string[] } {
  return named === undefined ? {} : { endorsingOrganizations: [...named] };
}

/** What was endorsed, byte by byte, but for the version at which the chaincode's definition was committed. */
function outcomeOf(transaction: Transaction, chaincode: string): Outcome {
  const parts = partsOfPrepared(transaction.getBytes());
  const sets = namespaceSets(parts.readWriteSet);
  const event = parts.chaincodeAction.getEvents_asU8();
  return {
    results: Buffer.from(transaction.getResult()).toString('utf8'),
    response: parts.chaincodeAction.getResponse()?.getStatus(),
    endorsers: endorsersOf(parts).length,
    chaincodeId: parts.chaincodeAction.getChaincodeId()?.toObject(),
    namespaces: sets.map(({ namespace }) => namespace),
    definition: sets
      .find(({ namespace }) => namespace === '_lifecycle')
      ?.set.getReadsList()
      .map((read) => read.getKey()),
    readWriteSets: [chaincode, CALLEE].map((name) => base64(rawSet(parts.readWriteSet, name))),
    event: event.length === 0 ? undefined : eventOf(event),
  };
}

function rawSet(readWriteSet: Uint8Array, namespace: string): Uint8Array {
  const sets = protos.rwset.TxReadWriteSet.deserializeBinary(readWriteSet).getNsRwsetList();
  return sets.find((set) => set.getNamespace() === namespace)?.serializeBinary() ?? EMPTY;
}

function eventOf(bytes: Uint8Array): Outcome {
  const event = peer.ChaincodeEvent.deserializeBinary(bytes);
  return { name: event.getEventName(), chaincode: event.getChaincodeId(), payload: base64(event.getPayload_asU8()) };
}

/** Not hex, in which ids are looked for. */
function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
