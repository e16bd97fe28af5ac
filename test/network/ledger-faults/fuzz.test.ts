import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js';
import { peer } from '@hyperledger/fabric-protos';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { type DevLedger, startDevLedger } from '../../../network/devledger/dev-ledger.js';
import type { LedgerTopology } from '../../../network/topology.js';
import { type StrangerClient, strangerClient, twoOrganisations, writeChaincode } from '../ledger-product/stranger.js';
import { type Corpus, fuzzCorpus, type UnaryName } from './fuzz-corpus.js';
import { IS_FULL, seededRandom } from './fault-runs.js';
import { LongestTurn, TURN_MAX_MS } from './longest-turn.js';
import { mutated } from './mutations.js';
import { type OddChaincode, startOddChaincode } from './odd-chaincode.js';

/** Of all services together. Where several go over one stream, it may end before the last of them. */
const MESSAGES = Number(process.env.MEDLEDGER_FUZZ_MESSAGES ?? (IS_FULL ? 40_000 : 2_000));
const IN_FLIGHT = 48;
const STREAM_HANGS_MS = 120_000;
const TIMEOUT_MS = 300_000 + MESSAGES * 20;
const { Type } = peer.ChaincodeMessage;

let dataDir: string;
let topology: LedgerTopology;
let ledger: DevLedger;
let client: StrangerClient;
let raw: Client;
let corpus: Corpus;
let turn: LongestTurn;
let odd: OddChaincode;
/** That an odd chaincode sends within one transaction. */
const REQUESTS_EACH = 20;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'fuzz-'));
  topology = await twoOrganisations();
  const folder = join(dataDir, 'notes');
  writeChaincode(folder);
  odd = await startOddChaincode(seededRandom(13), REQUESTS_EACH);
  const chaincodes = [
    { name: 'byhand', version: '1' },
    { name: 'odd', version: '1', address: odd.address },
    { name: 'notes', version: '1.0', folder },
  ];
  ledger = await startDevLedger({ topology, dataDir, chaincodes });
  const endpoint = ledger.endpoints[0] ?? { address: '', host: '' };
  client = strangerClient(dataDir, endpoint);
  const ca = readFileSync(
    join(dataDir, 'organizations/peerOrganizations/org1.example.com/peers', endpoint.host, 'tls/ca.crt'),
  );
  const names = { 'grpc.ssl_target_name_override': endpoint.host, 'grpc.max_send_message_length': -1 };
  raw = new Client(endpoint.address, credentials.createSsl(ca), names);
  corpus = await fuzzCorpus(client, dataDir);
});
beforeEach(() => {
  turn = new LongestTurn();
});
afterEach(async () => {
  const { cpuMs, clockMs } = turn.stop();
  if (IS_FULL)
    process.stdout.write(`longest turn: ${cpuMs.toFixed(0)} ms of CPU, ${clockMs.toFixed(0)} ms by the clock\n`);
  expect(cpuMs).toBeLessThan(TURN_MAX_MS);
  await stillServes();
});
afterAll(async () => {
  raw.close();
  client.close();
  await ledger.stop();
  odd.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

/** It answers, no peer was set aside, and the peers have the same blocks, odd transactions included. */
async function stillServes(): Promise<void> {
  const info = await client.contract('qscc').evaluateTransaction('GetChainInfo', 'mychannel');
  expect(info.length).toBeGreaterThan(0);
  expect([...ledger.setAside]).toEqual([]);
}

const same = (bytes: Buffer) => bytes;

/** @returns the status code */
function call(name: UnaryName, bytes: Uint8Array): Promise<number> {
  return new Promise((resolve) => {
    const path = `/gateway.Gateway/${name}`;
    // Who asks for the status of a transaction that does not come waits as long as he likes.
    const deadline = Date.now() + (name === 'CommitStatus' && bytes.length < 100_000 ? 300 : 120_000);
    raw.makeUnaryRequest(path, same, same, Buffer.from(bytes), { deadline }, (error: ServiceError | null) => {
      resolve(error?.code ?? status.OK);
    });
  });
}

async function inFlight(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < count; index = next++) await work(index);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}

const INNER: Record<UnaryName, (from: Corpus) => readonly Uint8Array[]> = {
  Evaluate: ({ proposals }) => proposals,
  Endorse: ({ proposals }) => proposals,
  Submit: ({ envelopePayloads }) => envelopePayloads,
  CommitStatus: ({ statusRequests }) => statusRequests,
};

it.each<{ name: UnaryName; share: number }>([
  { name: 'Evaluate', share: 0.25 },
  { name: 'Endorse', share: 0.15 },
  { name: 'Submit', share: 0.15 },
  { name: 'CommitStatus', share: 0.1 },
])(
  '$name answers whatever bytes it is sent, signed or not',
  async ({ name, share }) => {
    const random = seededRandom(MESSAGES + name.length);
    const codes = new Map<number, number>();
    await inFlight(MESSAGES * share, async () => {
      const isSigned = random() < 0.5;
      const bytes = isSigned
        ? corpus.signed(name, mutated(INNER[name](corpus), random))
        : mutated(corpus.unary[name], random);
      const code = await call(name, bytes);
      codes.set(code, (codes.get(code) ?? 0) + 1);
    });
    // A call that had no answer in time would be a hang; only waiting for a commit may be.
    if (name !== 'CommitStatus') expect(codes.get(status.DEADLINE_EXCEEDED)).toBeUndefined();
    expect(codes.size).toBeGreaterThan(1);
  },
  TIMEOUT_MS,
);

it(
  'ChaincodeEvents does',
  async () => {
    const random = seededRandom(5);
    await inFlight(MESSAGES * 0.05, async () => {
      const isSigned = random() < 0.5;
      const bytes = isSigned
        ? corpus.signed('CommitStatus', mutated(corpus.eventRequests, random))
        : mutated([corpus.signed('CommitStatus', corpus.eventRequests[0] ?? new Uint8Array())], random);
      await new Promise<void>((resolve) => {
        const deadline = Date.now() + 300;
        const path = '/gateway.Gateway/ChaincodeEvents';
        const stream = raw.makeServerStreamRequest(path, same, same, Buffer.from(bytes), { deadline });
        stream.on('data', () => undefined);
        stream.on('error', () => resolve());
        stream.on('status', () => resolve());
      });
    });
  },
  TIMEOUT_MS,
);

/** Sends all of them on one stream. Resolves when the other side has ended it, or nothing more is to come. */
function converse(method: string, messages: readonly Uint8Array[], deadlineMs: number): Promise<void> {
  return new Promise((resolve) => {
    const deadline = Date.now() + deadlineMs;
    const stream = raw.makeBidiStreamRequest(`/protos.Deliver/${method}`, same, same, { deadline });
    stream.on('data', () => undefined);
    stream.on('error', () => resolve());
    stream.on('status', () => resolve());
    for (const message of messages) stream.write(Buffer.from(message));
    stream.end();
  });
}

it.each(['Deliver', 'DeliverFiltered', 'DeliverWithPrivateData'])(
  '%s does, several on a stream',
  async (method) => {
    const random = seededRandom(method.length);
    const each = 2;
    await inFlight((MESSAGES * 0.034) / each, () => {
      const messages = Array.from({ length: each }, () =>
        random() < 0.1 ? corpus.signedEnvelope(mutated(corpus.seekPayloads, random)) : mutated(corpus.seeks, random),
      );
      return converse(method, messages, 500);
    });
  },
  TIMEOUT_MS,
);

function chaincodeMessage(type: 0 | 1 | 2 | 3, payload: Uint8Array, of?: peer.ChaincodeMessage): peer.ChaincodeMessage {
  const message = new peer.ChaincodeMessage();
  message.setType(type);
  message.setPayload(payload);
  message.setTxid(of?.getTxid() ?? 'none');
  message.setChannelId(of?.getChannelId() ?? 'mychannel');
  return message;
}

it(
  'the stream of a chaincode does: one that has registered and sends whatever it likes',
  async () => {
    const random = seededRandom(11);
    const id = new peer.ChaincodeID();
    id.setName('byhand:1');
    const port = topology.organisations[0]?.peer?.chaincodePort;
    const dialled = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    const register = Buffer.from(chaincodeMessage(Type.REGISTER, id.serializeBinary()).serializeBinary());
    const types = Object.values(Type);
    const seeds = types.map((type) => chaincodeMessage(type as 0, id.serializeBinary()).serializeBinary());
    const payloads = [id.serializeBinary(), ...corpus.statusRequests];
    const next = () => {
      if (random() < 0.1) return mutated(seeds, random);
      const type = types[Math.floor(random() * types.length)] as 0;
      return Buffer.from(chaincodeMessage(type, mutated(payloads, random)).serializeBinary());
    };
    const each = 20;
    for (let sent = 0; sent < MESSAGES * 0.1; sent += each) {
      await new Promise<void>((resolve, reject) => {
        const deadline = Date.now() + STREAM_HANGS_MS;
        const stream = dialled.makeBidiStreamRequest('/protos.ChaincodeSupport/Register', same, same, { deadline });
        stream.on('error', (error: ServiceError) => {
          if (error.code === status.DEADLINE_EXCEEDED) reject(new Error(`a stream hangs after ${sent}`));
          else resolve();
        });
        stream.on('status', () => resolve());
        stream.on('data', () => undefined);
        stream.write(register);
        for (let count = 0; count < each; count += 1) stream.write(next());
        stream.end();
      });
    }
    dialled.close();
  },
  TIMEOUT_MS,
);

it(
  'a chaincode that makes odd requests within its transactions gets answers to them, or loses its transaction',
  async () => {
    const before = odd.sent();
    const wanted = MESSAGES * 0.1;
    await inFlight(Math.ceil(wanted / REQUESTS_EACH), async () => {
      await client
        .contract('odd')
        .evaluateTransaction('anything')
        .catch((error: unknown) => error);
    });
    // One whose end was odd takes others on its stream along.
    expect(odd.sent() - before).toBeGreaterThan(wanted / 2);
  },
  TIMEOUT_MS,
);

it.each([Type.REGISTER, Type.COMPLETED])(
  'a chaincode whose message of type %s holds no message loses its stream or its transaction, and nobody else anything',
  async (type) => {
    const id = new peer.ChaincodeID();
    id.setName('byhand:1');
    const port = topology.organisations[0]?.peer?.chaincodePort;
    const dialled = new peer.ChaincodeSupportClient(`127.0.0.1:${port}`, credentials.createInsecure());
    const stream = dialled.register();
    const ended = new Promise<void>((resolve) => {
      stream.on('error', () => resolve());
      stream.on('end', () => resolve());
    });
    const asked = client
      .contract('byhand')
      .evaluateTransaction('get')
      .catch((error: unknown) => error);
    stream.on('data', (message: peer.ChaincodeMessage) => {
      if (message.getType() !== Type.TRANSACTION) return;
      stream.write(chaincodeMessage(type as 1, Buffer.from('0bffff', 'hex'), message));
    });
    stream.write(chaincodeMessage(Type.REGISTER, id.serializeBinary()));
    expect(await asked).toBeInstanceOf(Error);
    await ended;
    dialled.close();
  },
);

it.each<UnaryName>(['Evaluate', 'Endorse', 'Submit', 'CommitStatus'])(
  '%s refuses a long message of nothing but small fields before it is parsed',
  async (name) => {
    const many = Buffer.alloc(30_000_000, Buffer.from([0x7a, 0]));
    const signed = corpus.signed(name, many.subarray(0, 8_000_000));
    // What it takes to make them is not the ledger's.
    turn.restart();
    expect(await call(name, many)).toBe(status.RESOURCE_EXHAUSTED);
    expect(await call(name, signed)).not.toBe(status.OK);
  },
  TIMEOUT_MS,
);
