import { hash } from 'node:crypto';
import { common, ledger as protos, peer } from '@hyperledger/fabric-protos';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { pino } from 'pino';
import { StateRequests } from '../../../network/devledger/chaincode/state-requests.js';
import { ChannelRules } from '../../../network/devledger/commit/channel-rules.js';
import { outOfPolicy } from '../../../network/devledger/commit/signature-policy.js';
import { SignatureCache } from '../../../network/devledger/commit/signature-cache.js';
import { Endorser, type SimulationResult } from '../../../network/devledger/endorse/endorser.js';
import type { Proposal } from '../../../network/devledger/endorse/proposal.js';
import type { SimulationRecord } from '../../../network/devledger/endorse/simulation-record.js';
import { MspRegistry } from '../../../network/devledger/msp.js';
import {
  CHAINCODE,
  CHANNEL,
  commitAll,
  createNetwork,
  POLICY,
  type TestNetwork,
  temporaryFolder,
} from '../ledger-support.js';
import {
  definitionWithCollections,
  type OpenedPeer,
  openWithCollections,
  privateWrite,
  SHARED,
  simulated,
} from '../ledger-private.js';
import { transaction } from '../ledger-transactions.js';

const { Type } = peer.ChaincodeMessage;
/** More than go to a chaincode at once, so that a query is gone on with after blocks have come. */
const ROWS = 110;
const KEY = 'k000';

let network: TestNetwork;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let opened: OpenedPeer;
let endorser: Endorser;

/** A transaction that its chaincode has begun and not ended. */
interface Running {
  readonly requests: StateRequests;
  /** What every key held in the newest block that it may see. */
  readonly expected: string;
  readonly end: () => void;
  readonly outcome: Promise<SimulationResult>;
  /** Queries it has begun, by their ids. */
  readonly queries: { readonly id: string; readonly kind: 'rows' | 'changes' }[];
}

let begun: ((parts: Pick<Running, 'requests' | 'end'>) => void) | undefined;

beforeAll(async () => {
  network = await createNetwork();
  folder = await temporaryFolder();
  opened = await openWithCollections(network, folder.path, 'HospitalAMSP');
  const [identity] = network.peers;
  if (identity === undefined) throw new Error('the network has peers');
  const msps = new MspRegistry(network.msps);
  endorser = new Endorser({
    identity: { mspId: identity.mspId, serialized: identity.serialized, privateKey: identity.key },
    address: 'here',
    ledger: opened.ledger,
    rules: new ChannelRules({
      channel: CHANNEL,
      policy: POLICY,
      chaincodes: [],
      definitions: [definitionWithCollections()],
      mspIds: msps.mspIds(),
    }),
    chaincodes: [
      {
        name: CHAINCODE,
        version: '1.0',
        runtime: {
          isReady: () => true,
          execute: (invocation) =>
            new Promise((resolve) => {
              const requests = new StateRequests({ ...invocation, namespace: CHAINCODE });
              const response = new peer.Response();
              response.setStatus(200);
              const end = () => void requests.close().then(() => resolve({ response, event: undefined }));
              begun?.({ requests, end });
            }),
        },
      },
    ],
    systemChaincodes: [],
    mspIdentityOf: (serialized) => ({ ...msps.identity(serialized), serialized }),
    isInService: () => true,
    distribute: async () => undefined,
    signatures: new SignatureCache(msps),
    log: pino({ level: 'silent' }),
  });
  await commitNext();
}, 30_000);
afterAll(async () => {
  await opened.ledger.close();
  await folder.remove();
});

/** Block n gives every key, public or private, with its metadata, the value n. */
async function commitNext(): Promise<void> {
  const value = String(opened.ledger.height());
  const policy = outOfPolicy(1, ['HospitalAMSP'], 3).serializeBinary();
  const { spec, sets } = simulated((record: SimulationRecord) => {
    for (let row = 0; row < ROWS; row += 1) record.namespace(CHAINCODE).writes.set(keyOf(row), Buffer.from(value));
    const entries = new Map([
      ['VALIDATION_PARAMETER', policy],
      ['mark', Buffer.from(value)],
    ]);
    record.namespace(CHAINCODE).metadataWrites.set(KEY, entries);
    privateWrite(SHARED, KEY, value)(record);
  });
  const { txId, envelope } = transaction(network, spec);
  await opened.keeper.storeTransient(txId, sets);
  expect(await commitAll(opened.ledger, [envelope])).toEqual([peer.TxValidationCode.VALID]);
}

function keyOf(row: number): string {
  return `k${String(row).padStart(3, '0')}`;
}

let proposals = 0;

async function begin(): Promise<Running> {
  const expected = String(opened.ledger.height() - 1);
  proposals += 1;
  const proposal = {
    channel: CHANNEL,
    txId: hash('sha256', String(proposals)),
    chaincodeName: CHAINCODE,
    creator: network.client.serialized,
    input: new peer.ChaincodeInput().serializeBinary(),
    proposalHash: new Uint8Array(32),
    header: new common.Header(),
  } as unknown as Proposal;
  const started = new Promise<Pick<Running, 'requests' | 'end'>>((resolve) => {
    begun = resolve;
  });
  const outcome = endorser.simulate(proposal, 'endorse');
  return { ...(await started), expected, outcome, queries: [] };
}

const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('utf8');

function valuesIn(answer: Uint8Array | undefined, kind: 'rows' | 'changes'): string[] {
  const rows = peer.QueryResponse.deserializeBinary(answer ?? new Uint8Array()).getResultsList();
  const { KV, KeyModification } = protos.queryresult;
  return rows.map((row) => {
    const bytes = row.getResultbytes_asU8();
    return text((kind === 'rows' ? KV : KeyModification).deserializeBinary(bytes).getValue_asU8());
  });
}

/** Each way in which a chaincode learns something of the state; all must tell of the same height. */
const LOOKS: Record<string, (running: Running) => Promise<void>> = {
  value: async ({ requests, expected }) => {
    expect(text(await requests.answer(Type.GET_STATE, place(peer.GetState)))).toBe(expected);
  },
  metadata: async ({ requests, expected }) => {
    const answer = await requests.answer(Type.GET_STATE_METADATA, place(peer.GetStateMetadata));
    const entries = peer.StateMetadataResult.deserializeBinary(answer ?? new Uint8Array()).getEntriesList();
    expect(entries.map((entry) => entry.getMetakey())).toEqual(['VALIDATION_PARAMETER', 'mark']);
    expect(text(entries[1]?.getValue_asU8())).toBe(expected);
  },
  private: async ({ requests, expected }) => {
    expect(text(await requests.answer(Type.GET_STATE, place(peer.GetState, SHARED)))).toBe(expected);
  },
  privateHash: async ({ requests, expected }) => {
    const answer = await requests.answer(Type.GET_PRIVATE_DATA_HASH, place(peer.GetState, SHARED));
    expect(Buffer.from(answer ?? []).toString('hex')).toBe(hash('sha256', expected));
  },
  range: async (running) => {
    const message = new peer.GetStateByRange();
    message.setStartkey('k');
    const answer = await running.requests.answer(Type.GET_STATE_BY_RANGE, message.serializeBinary());
    expect(new Set(valuesIn(answer, 'rows'))).toEqual(new Set([running.expected]));
    remember(running, answer, 'rows');
  },
  history: async (running) => {
    const message = new peer.GetHistoryForKey();
    message.setKey(KEY);
    const answer = await running.requests.answer(Type.GET_HISTORY_FOR_KEY, message.serializeBinary());
    expect(valuesIn(answer, 'changes')[0]).toBe(running.expected);
    remember(running, answer, 'changes');
  },
  next: async (running) => {
    const query = running.queries.pop();
    if (query === undefined) return;
    const message = new peer.QueryStateNext();
    message.setId(query.id);
    const answer = await running.requests.answer(Type.QUERY_STATE_NEXT, message.serializeBinary());
    const values = valuesIn(answer, query.kind);
    expect(values.length).toBeGreaterThan(0);
    if (query.kind === 'rows') expect(new Set(values)).toEqual(new Set([running.expected]));
  },
};

function remember(running: Running, answer: Uint8Array | undefined, kind: 'rows' | 'changes'): void {
  const response = peer.QueryResponse.deserializeBinary(answer ?? new Uint8Array());
  if (response.getHasMore()) running.queries.push({ id: response.getId(), kind });
}

function place(
  type: new () => { setKey(key: string): void; setCollection(name: string): void; serializeBinary(): Uint8Array },
  collection = '',
): Uint8Array {
  const message = new type();
  message.setKey(KEY);
  message.setCollection(collection);
  return message.serializeBinary();
}

/** What was read has the version of the newest block that the transaction may see, and no other. */
function versionsIn(outcome: SimulationResult): number[] {
  if (outcome.kind !== 'success') throw new Error(outcome.message);
  const payload = peer.ProposalResponsePayload.deserializeBinary(outcome.payload);
  const action = peer.ChaincodeAction.deserializeBinary(payload.getExtension_asU8());
  const set = protos.rwset.TxReadWriteSet.deserializeBinary(action.getResults_asU8())
    .getNsRwsetList()
    .find((each) => each.getNamespace() === CHAINCODE);
  const { KVRWSet } = protos.rwset.kvrwset;
  const reads = set === undefined ? [] : KVRWSet.deserializeBinary(set.getRwset_asU8()).getReadsList();
  return reads.map((read) => read.getVersion()?.getBlockNum() ?? -1);
}

const step = fc.oneof(
  { weight: 2, arbitrary: fc.constant('begin' as const) },
  { weight: 3, arbitrary: fc.constant('commit' as const) },
  { weight: 1, arbitrary: fc.nat(100).map((which) => ({ end: which })) },
  {
    weight: 8,
    arbitrary: fc.record({ by: fc.nat(100), look: fc.constantFrom(...Object.keys(LOOKS)) }),
  },
);

type Step = 'begin' | 'commit' | { readonly end: number } | { readonly by: number; readonly look: string };

async function end(running: Running[], which: number): Promise<void> {
  const [one] = running.splice(which % running.length, 1);
  if (one === undefined) return;
  one.end();
  expect(versionsIn(await one.outcome).filter((block) => block !== Number(one.expected))).toEqual([]);
}

async function take(next: Step, running: Running[]): Promise<void> {
  if (next === 'begin') running.push(await begin());
  else if (next === 'commit') await commitNext();
  else if ('end' in next) await end(running, next.end);
  else {
    const one = running[next.by % running.length];
    if (one !== undefined) await LOOKS[next.look]?.(one);
  }
}

it('a transaction sees one height, whatever it reads and however many blocks commit meanwhile', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array<Step>(step, { minLength: 20, maxLength: 60 }), async (steps) => {
      const running: Running[] = [await begin()];
      for (const next of steps) await take(next, running);
      while (running.length > 0) await end(running, 0);
    }),
    // Fewer steps would each need a ledger of their own: what failed is told as it is.
    { numRuns: 6, endOnFailure: true },
  );
}, 60_000);
