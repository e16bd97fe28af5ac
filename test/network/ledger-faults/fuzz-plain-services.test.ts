import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { type DevLedger, startDevLedger } from '../../../network/devledger/dev-ledger.js';
import { type StrangerClient, strangerClient, twoOrganisations, writeChaincode } from '../ledger-product/stranger.js';
import { IS_FULL, seededRandom } from './fault-runs.js';
import { type Corpus, fuzzCorpus } from './fuzz-corpus.js';
import { LongestTurn, TURN_MAX_MS } from './longest-turn.js';
import { mutated } from './mutations.js';

/** Of each of the three services. */
const MESSAGES = IS_FULL ? 10_000 : 300;
const EACH_STREAM = 5;
const TIMEOUT_MS = 60_000 + MESSAGES * 20;

let dataDir: string;
let ledger: DevLedger;
let client: StrangerClient;
let atPeer: Client;
let atOrderer: Client;
let corpus: Corpus;
let turn: LongestTurn;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'fuzz-plain-'));
  const folder = join(dataDir, 'notes');
  writeChaincode(folder);
  const topology = await twoOrganisations();
  ledger = await startDevLedger({ topology, dataDir, chaincodes: [{ name: 'notes', version: '1.0', folder }] });
  const [first] = ledger.endpoints;
  client = strangerClient(dataDir, first ?? { address: '', host: '' });
  atPeer = connectTo(first, 'peerOrganizations/org1.example.com/tlsca/tlsca.org1.example.com-cert.pem');
  atOrderer = connectTo(ledger.orderer, 'ordererOrganizations/example.com/tlsca/tlsca.example.com-cert.pem');
  corpus = await fuzzCorpus(client, dataDir);
}, 60_000);
beforeEach(() => {
  turn = new LongestTurn();
});
afterEach(async () => {
  expect(turn.stop().cpuMs).toBeLessThan(TURN_MAX_MS);
  expect((await client.contract('qscc').evaluateTransaction('GetChainInfo', 'mychannel')).length).toBeGreaterThan(0);
  expect([...ledger.setAside]).toEqual([]);
});
afterAll(async () => {
  atPeer.close();
  atOrderer.close();
  client.close();
  await ledger.stop();
  rmSync(dataDir, { recursive: true, force: true });
}, 30_000);

function connectTo(endpoint: { address: string; host: string } | undefined, ca: string): Client {
  return new Client(endpoint?.address ?? '', credentials.createSsl(readFileSync(join(dataDir, 'organizations', ca))), {
    'grpc.ssl_target_name_override': endpoint?.host ?? '',
    'grpc.max_send_message_length': -1,
  });
}

const same = (bytes: Buffer) => bytes;

function propose(bytes: Uint8Array): Promise<number> {
  return new Promise((resolve) => {
    const deadline = Date.now() + 20_000;
    const answered = (error: ServiceError | null) => resolve(error?.code ?? status.OK);
    atPeer.makeUnaryRequest('/protos.Endorser/ProcessProposal', same, same, Buffer.from(bytes), { deadline }, answered);
  });
}

/** @returns how the stream ended; what is sought may be waited for until the deadline */
function converse(path: string, messages: readonly Uint8Array[], deadlineMs: number): Promise<number> {
  return new Promise((resolve) => {
    const stream = atOrderer.makeBidiStreamRequest(path, same, same, { deadline: Date.now() + deadlineMs });
    stream.on('data', () => undefined);
    stream.on('error', ({ code }: ServiceError) => resolve(code));
    stream.on('status', ({ code }: { code: number }) => resolve(code));
    for (const message of messages) stream.write(Buffer.from(message));
    stream.end();
  });
}

it(
  'the endorser of a peer answers whatever bytes it is sent, signed or not',
  async () => {
    const random = seededRandom(3);
    const signed = corpus.proposals.map((bytes) => corpus.signedProposal(bytes));
    const codes = new Set<number>();
    for (let sent = 0; sent < MESSAGES; sent += 1) {
      const isSigned = random() < 0.5;
      codes.add(
        await propose(isSigned ? corpus.signedProposal(mutated(corpus.proposals, random)) : mutated(signed, random)),
      );
    }
    expect(codes).not.toContain(status.DEADLINE_EXCEEDED);
    expect(codes.size).toBeGreaterThan(1);
  },
  TIMEOUT_MS,
);

it(
  'the orderer answers whatever envelopes it is sent',
  async () => {
    const random = seededRandom(5);
    const honest = corpus.envelopePayloads.map((payload) => corpus.signedEnvelope(payload));
    const next = () =>
      random() < 0.5 ? corpus.signedEnvelope(mutated(corpus.envelopePayloads, random)) : mutated(honest, random);
    for (let sent = 0; sent < MESSAGES; sent += EACH_STREAM) {
      const messages = Array.from({ length: EACH_STREAM }, next);
      expect(await converse('/orderer.AtomicBroadcast/Broadcast', messages, 20_000)).not.toBe(status.DEADLINE_EXCEEDED);
    }
  },
  TIMEOUT_MS,
);

it(
  'and whatever is sought',
  async () => {
    const random = seededRandom(7);
    const next = () =>
      random() < 0.1 ? corpus.signedEnvelope(mutated(corpus.seekPayloads, random)) : mutated(corpus.seeks, random);
    await Promise.all(
      Array.from({ length: MESSAGES / EACH_STREAM }, () =>
        converse('/orderer.AtomicBroadcast/Deliver', Array.from({ length: EACH_STREAM }, next), 500),
      ),
    );
  },
  TIMEOUT_MS,
);

/** As long as the largest that the orderer looks into, and a third of that a peer takes. */
const MANY = Buffer.alloc(8_000_000, Buffer.from([0x7a, 0]));

it('the endorser refuses a long message of nothing but small fields before it is parsed', async () => {
  expect(await propose(MANY)).toBe(status.RESOURCE_EXHAUSTED);
}, 20_000);

it('and so does the orderer', async () => {
  const envelope = corpus.signedEnvelope(MANY);
  expect(await converse('/orderer.AtomicBroadcast/Broadcast', [envelope], 20_000)).toBe(status.RESOURCE_EXHAUSTED);
}, 30_000);
