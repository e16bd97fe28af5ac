import { gateway as gatewayProtos } from '@hyperledger/fabric-protos';
import { pino } from 'pino';
import type { LedgerIdentity } from '../../gateway/ledger/ledger.js';
import { ChaincodeConnection } from '../../network/devledger/chaincode/chaincode-connection.js';
import { ChannelRules } from '../../network/devledger/commit/channel-rules.js';
import { parseReadWriteSet } from '../../network/devledger/commit/read-write-sets.js';
import { CollectionAccess } from '../../network/devledger/endorse/collection-access.js';
import { type Proposal, parseProposal } from '../../network/devledger/endorse/proposal.js';
import { Simulator } from '../../network/devledger/endorse/simulator.js';
import type { StateSnapshot, VersionedValue } from '../../network/devledger/peer-ledger.js';
import { bareProposals } from './baseline/bare-proposal.js';
import { requireThat } from './bench-failure.js';

/** Keys and values of one channel; nothing is validated, and every version is the same. */
export type MemoryState = Map<string, Uint8Array>;

export interface StateCall {
  readonly key: string;
  readonly sizeBytes: number;
}

/** What one simulation answered, and what it asked of the state, in order. */
export interface Simulated {
  readonly answer: string;
  readonly gets: readonly StateCall[];
  readonly puts: readonly StateCall[];
}

/** As much of a peer as a chaincode sees: the embedded ledger's own stream and simulator, over state in memory. */
export interface MemoryPeer {
  /** @throws BenchFailure when the chaincode refuses, or does not answer */
  simulate(proposal: Proposal): Promise<Simulated>;
  /** Simulates, and puts what was written into the state. */
  commit(proposal: Proposal): Promise<Simulated>;
  close(): void;
}

/** `address`: host:port of the chaincode service. */
export async function connectMemoryPeer(
  chaincode: { readonly name: string; readonly address: string },
  state: MemoryState,
): Promise<MemoryPeer> {
  const { name, address } = chaincode;
  const connection = new ChaincodeConnection({ chaincodeName: name, address, log: pino({ level: 'silent' }) });
  await connection.whenReady(READY_MS);
  const run = async (proposal: Proposal, isCommitted: boolean): Promise<Simulated> => {
    const gets: StateCall[] = [];
    const simulator = new Simulator(snapshotOf(state, gets), proposal.txId);
    const { channel, txId, input, signedProposal } = proposal;
    const asked = { channel, txId, input, signedProposal, isInit: false };
    const { response } = await connection.execute({ ...asked, simulator, collections, history: none, callChaincode });
    requireThat(response.getStatus() === STATUS_OK, `${name} refused: ${response.getMessage()}`);
    const writes = parseReadWriteSet(simulator.results()).flatMap((set) => set.writes);
    if (isCommitted) for (const { key, value } of writes) if (value !== undefined) state.set(key, value);
    const puts = writes.map(({ key, value }) => ({ key, sizeBytes: value?.length ?? 0 }));
    return { answer: Buffer.from(response.getPayload_asU8()).toString('utf8'), gets, puts };
  };
  return {
    simulate: (proposal) => run(proposal, false),
    commit: (proposal) => run(proposal, true),
    close: () => connection.stop(),
  };
}

/** Makes proposals as the gateway does. They bear no signature: chaincode is shown none that it would check. */
export function proposalMaker(
  channelName: string,
): (identity: LedgerIdentity, name: string, args: readonly string[]) => Proposal {
  const makers = new Map<LedgerIdentity, ReturnType<typeof bareProposals>>();
  return (identity, name, args) => {
    const maker = makers.get(identity) ?? bareProposals({ ...identity, channel: channelName, chaincode: CHAINCODE });
    makers.set(identity, maker);
    const { bytes } = maker(name, args);
    return parseProposal(gatewayProtos.ProposedTransaction.deserializeBinary(bytes).getProposal());
  };
}

/** Of a channel with one chaincode that has no collections. */
const collections = new CollectionAccess(
  new ChannelRules({ channel: '', policy: { endorsers: [], needed: 0 }, chaincodes: [], mspIds: [] }),
  { mspId: '', ou: undefined },
);
const callChaincode = async () => Promise.reject(new Error('There is no other chaincode here.'));

const READY_MS = 5_000;
const STATUS_OK = 200;
const CHAINCODE = 'medledger';

function snapshotOf(state: MemoryState, gets: StateCall[]): StateSnapshot {
  return {
    height: 1,
    get: async (_namespace, key): Promise<VersionedValue | undefined> => {
      const value = state.get(key);
      gets.push({ key, sizeBytes: value?.length ?? 0 });
      return value === undefined ? undefined : { value, version: { blockNumber: 0, txNumber: 0 } };
    },
    range: () => {
      throw new Error('the state of a measurement has no ranges');
    },
    close: async () => {},
  };
}

async function* none(): AsyncGenerator<never> {}
