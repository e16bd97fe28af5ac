import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll } from '@jest/globals';
import { Client, credentials } from '@grpc/grpc-js';
import {
  type Contract,
  connect,
  type Gateway,
  hash,
  type Network,
  type ProposalOptions,
  type Transaction,
} from '@hyperledger/fabric-gateway';
import { common } from '@hyperledger/fabric-protos';
import { signLowS } from '../../network/devledger/low-s.js';
import { tlsCaBundle } from '../../network/identities/index.js';
import { enrol, type Member } from '../network/ledger-front/front-client.js';
import { organisationOf } from './conformance-members.js';
import { type LedgerUnderTest, PEERS } from './ledger-under-test.js';
import { isKnownAlready } from './orderer-answers.js';
import { commitRequest } from './raw-calls.js';

/** A call of the chaincode's stub: its name in the conformance chaincode, then its arguments. */
export type StubCall = readonly [name: string, ...args: (string | number | readonly unknown[])[]];

/** What became of a transaction. */
export interface Committed {
  readonly txId: string;
  /** Fabric's TxValidationCode. */
  readonly code: number;
  readonly blockNumber: number;
}

export interface CallOptions extends Omit<ProposalOptions, 'arguments'> {}

/** A member that talks to one peer through Fabric's own client library. */
export interface MemberClient {
  readonly member: Member;
  readonly client: Client;
  readonly gateway: Gateway;
  readonly network: Network;
  readonly contract: Contract;
  readonly qscc: Contract;
  /** Results of the calls, in order. */
  evaluate(calls: readonly StubCall[], options?: CallOptions): Promise<readonly unknown[]>;
  endorse(calls: readonly StubCall[], options?: CallOptions): Promise<Transaction>;
  /**
   * Waits for the commit on the peer that was asked, then until the other peers have the block too, so that whoever
   * endorses next has seen it. A transaction found invalid is an answer, not an error.
   */
  submit(calls: readonly StubCall[], options?: CallOptions): Promise<Committed>;
  close(): void;
}

export interface ConnectOptions {
  /** Whose peer; the member's own organisation's where left out, and Government's for a member without one. */
  readonly at?: string;
  readonly member?: Member;
}

/** Connects a member, a new one of the organisation where none is given. */
export async function connectMember(
  ledger: LedgerUnderTest,
  mspId: string,
  options: ConnectOptions = {},
): Promise<MemberClient> {
  const organisation = organisationOf(ledger.topology, mspId);
  const member = options.member ?? (await enrol(ledger.dataDir, organisation));
  const { address, host } = ledger.endpointOf(options.at ?? organisation.gateway.peerMspId);
  const tlsCaPem = tlsCaBundle(ledger.dataDir, ledger.topology);
  const client = new Client(address, credentials.createSsl(Buffer.from(tlsCaPem)), {
    'grpc.ssl_target_name_override': host,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_receive_message_length': -1,
  });
  const gateway = connect({
    client,
    identity: member.identity,
    hash: hash.none,
    signer: async (message) => signLowS(member.privateKey, message),
  });
  const network = gateway.getNetwork(ledger.topology.channel);
  const contract = network.getContract(ledger.topology.chaincode.name);
  const proposalOf = (calls: readonly StubCall[], callOptions: CallOptions = {}) => ({
    ...callOptions,
    arguments: [JSON.stringify(calls)],
  });
  const endorse: MemberClient['endorse'] = (calls, callOptions) =>
    contract.newProposal('run', proposalOf(calls, callOptions)).endorse();
  return {
    member,
    client,
    gateway,
    network,
    contract,
    qscc: network.getContract('qscc'),
    evaluate: async (calls, callOptions) =>
      parseResults(await contract.evaluate('run', proposalOf(calls, callOptions))),
    endorse,
    async submit(run, callOptions) {
      const outcome = await committed({ member, gateway, network }, await endorse(run, callOptions));
      await untilEverywhere(network, outcome.blockNumber);
      return outcome;
    },
    close() {
      gateway.close();
      client.close();
    },
  };
}

/**
 * Submits what was endorsed, and waits. Where orderers say that they have it already, which those that agree by BFT may
 * say of a first copy too, it is only waited for.
 */
export async function committed(
  client: Pick<MemberClient, 'member' | 'gateway' | 'network'>,
  transaction: Transaction,
): Promise<Committed> {
  const txId = transaction.getTransactionId();
  try {
    await transaction.submit();
  } catch (error) {
    if (!isKnownAlready(error)) throw error;
  }
  return committedAs(client, txId);
}

/** Waits for a transaction that somebody has handed in. */
export async function committedAs(
  client: Pick<MemberClient, 'member' | 'gateway' | 'network'>,
  txId: string,
): Promise<Committed> {
  const commit = client.gateway.newCommit(commitRequest(client, client.network.getName(), txId));
  const { code, blockNumber } = await commit.getStatus();
  return { txId, code, blockNumber: Number(blockNumber) };
}

const EVERYWHERE_MS = 120_000;
const POLL_MS = 5;

/** Waits until every peer has a block. */
export async function untilEverywhere(network: Network, blockNumber: number): Promise<void> {
  const untilMs = Date.now() + EVERYWHERE_MS;
  const qscc = network.getContract('qscc');
  const reached = async (mspId: string) => {
    const options = { arguments: [network.getName()], endorsingOrganizations: [mspId] };
    const height = async () =>
      common.BlockchainInfo.deserializeBinary(await qscc.evaluate('GetChainInfo', options)).getHeight();
    while ((await height()) <= blockNumber) {
      if (Date.now() > untilMs) throw new Error(`${mspId} did not get block ${blockNumber}`);
      await wait(POLL_MS);
    }
  };
  await Promise.all(PEERS.map(reached));
}

/** Results of the calls; none where the chaincode was told to answer something else. */
export function parseResults(bytes: Uint8Array): readonly unknown[] {
  return bytes.length === 0 ? [] : JSON.parse(Buffer.from(bytes).toString('utf8'));
}

/** Calls as one line: `put k 0, get k`. */
export function calls(line: string): StubCall[] {
  return line.split(', ').map((call) => {
    const [name = '', ...args] = call.split(' ');
    return [name, ...args];
  });
}

/** Connects a member for the tests of the describe block it is called in. */
export function useMember(
  ledger: () => LedgerUnderTest,
  mspId: string,
  options: ConnectOptions = {},
): () => MemberClient {
  let client: MemberClient | undefined;
  beforeAll(async () => {
    client = await connectMember(ledger(), mspId, options);
  });
  afterAll(() => client?.close());
  return () => {
    if (client === undefined) throw new Error(`no client of ${mspId}`);
    return client;
  };
}
