import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as wait } from 'node:timers/promises';
import { Client, type ClientDuplexStream, credentials, type ServiceError, status } from '@grpc/grpc-js';
import { encodeBlock, orderedMetadata } from '../../../network/devledger/commit/block-codec.js';
import { blockDataHash } from '../../../network/devledger/commit/block-hash.js';
import { tlsCaBundle } from '../../../network/identities/index.js';
import { signLowS } from '../../../network/devledger/low-s.js';
import { enrol, failureOf, type Member, type MemberClient } from './front-client.js';
import { type FrontNetwork, startFrontNetwork } from './front-network.js';
import type { MemoryPeerLedger } from './memory-ledger.js';

const GATEWAY_CALLS_MAX = 500;
const DELIVER_STREAMS_MAX = 2_500;
const MESSAGE_MAX_BYTES = 32 * 1024 * 1024;
const BLOCKS = 120;
const BLOCK_BYTES = 200_000;

let network: FrontNetwork;
let member: Member;
let client: MemberClient;
let raw: Client;
let ledger: MemoryPeerLedger;

beforeAll(async () => {
  network = await startFrontNetwork();
  member = await enrol(network.dataDir, network.organisation('HospitalAMSP'));
  client = await network.client('HospitalAMSP', member);
  const endpoint = network.nodes.endpoints.find(({ mspId }) => mspId === 'HospitalAMSP');
  const own = network.ledgers.get('HospitalAMSP');
  if (endpoint === undefined || own === undefined) throw new Error('the peer does not run');
  ledger = own;
  raw = new Client(
    endpoint.address,
    credentials.createSsl(Buffer.from(tlsCaBundle(network.dataDir, network.topology))),
    {
      'grpc.ssl_target_name_override': endpoint.host,
      'grpc.max_send_message_length': -1,
    },
  );
}, 30_000);

afterAll(async () => {
  raw.close();
  await network.stop();
});

const same = (bytes: Buffer) => bytes;

function deliverStream(): ClientDuplexStream<Buffer, Buffer> {
  return raw.makeBidiStreamRequest('/protos.Deliver/Deliver', same, same);
}

function endOf(stream: ClientDuplexStream<Buffer, Buffer>): Promise<ServiceError> {
  return new Promise((resolve) => stream.on('error', resolve));
}

describe('calls at once', () => {
  it(`of the gateway are ${GATEWAY_CALLS_MAX}; the next is turned away, and served when one has ended`, async () => {
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const lookUp = ledger.transaction.bind(ledger);
    ledger.transaction = async (txId) => {
      await gate;
      return lookUp(txId);
    };
    const ask = () => client.qscc.evaluateTransaction('GetChainInfo', 'medledger');
    const answers = Array.from({ length: GATEWAY_CALLS_MAX + 1 }, () => ask().catch((error: ServiceError) => error));
    const refused = await Promise.race(answers);
    expect(refused).toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      cause: { details: 'too many requests for /gateway.Gateway, exceeding concurrency limit (500)' },
    });
    open();
    const all = await Promise.all(answers);
    expect(all.filter((answer) => answer instanceof Error)).toEqual([refused]);
    ledger.transaction = lookUp;
    expect((await ask()).length).toBeGreaterThan(0);
  }, 30_000);

  it(`of the block delivery are ${DELIVER_STREAMS_MAX} streams, whether or not they ask for anything`, async () => {
    const streams = Array.from({ length: DELIVER_STREAMS_MAX }, () => {
      const stream = deliverStream();
      stream.on('error', () => undefined);
      return stream;
    });
    expect(await endOf(deliverStream())).toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      details: 'too many requests for /protos.Deliver, exceeding concurrency limit (2500)',
    });
    // Those of the same connection are ended in order: when the first is, the peer has taken note.
    const [first, ...others] = streams;
    first?.end();
    await new Promise((resolve) => first?.on('end', resolve).resume());
    const next = deliverStream();
    next.end();
    await new Promise((resolve, reject) => next.on('end', resolve).on('error', reject).resume());
    for (const stream of others) stream.cancel();
  }, 30_000);
});

describe('a message', () => {
  it('that is longer than 32 MiB is not taken', async () => {
    const failure = await new Promise<ServiceError | null>((resolve) => {
      raw.makeUnaryRequest('/gateway.Gateway/Evaluate', same, same, Buffer.alloc(MESSAGE_MAX_BYTES + 1), resolve);
    });
    expect(failure?.code).toBe(status.RESOURCE_EXHAUSTED);
  });

  it('of an envelope that is longer than 16 MiB is taken and the envelope refused, by its size', async () => {
    const transaction = await client.contract.newProposal('put', { arguments: ['large', 'x'] }).endorse();
    const signed = client.gateway.newSignedTransaction(transaction.getBytes(), Buffer.alloc(16 * 1024 * 1024));
    expect(await failureOf(signed.submit())).toMatchObject({
      code: status.ABORTED,
      message: expect.stringMatching(
        /status=BAD_REQUEST, info=message payload is \d+ bytes and exceeds maximum allowed 16777216 bytes$/,
      ),
    });
  });

  it('whose lengths run beyond its end is refused with what Fabric says', async () => {
    const failure = await new Promise<ServiceError | null>((resolve) => {
      const bytes = Buffer.from('0affffffff0f61', 'hex');
      raw.makeUnaryRequest('/gateway.Gateway/Evaluate', same, same, bytes, resolve);
    });
    expect(failure).toMatchObject({
      code: status.INTERNAL,
      details: 'grpc: error unmarshalling request: proto: cannot parse invalid wire-format data',
    });
  });
});

/** Last: what it commits no orderer has ordered. */
describe('a client that asks for blocks and does not read them', () => {
  it('has few of them read from the store, and all when it goes on', async () => {
    for (let count = 0; count < BLOCKS; count += 1) await commitLongBlock();
    let read = 0;
    const blockByNumber = ledger.blockByNumber.bind(ledger);
    ledger.blockByNumber = (blockNumber) => {
      read += 1;
      return blockByNumber(blockNumber);
    };
    const stream = deliverStream();
    // Whoever never began to read has everything taken in by his own end of the connection.
    stream.read(0);
    stream.write(await signedSeek());
    await settled(() => read);
    // Sixteen messages are with the client, and one on its way.
    expect(read).toBeLessThan(20);
    await received(stream, BLOCKS);
    expect(read).toBeGreaterThan(BLOCKS / 2);
    stream.cancel();
  }, 60_000);
});

async function signedSeek(): Promise<Buffer> {
  const request = client.network.newBlockEventsRequest({ startBlock: 0n });
  const signature = signLowS(member.privateKey, request.getDigest());
  return Buffer.from(client.gateway.newSignedBlockEventsRequest(request.getBytes(), signature).getBytes());
}

/** Until a number that is not 0 stays what it is for a while. */
async function settled(count: () => number): Promise<void> {
  for (let before = -1; before !== count() || before === 0; ) {
    before = count();
    await wait(300);
  }
}

async function received(stream: ClientDuplexStream<Buffer, Buffer>, count: number): Promise<void> {
  let left = count;
  await new Promise<void>((resolve) => {
    stream.on('error', () => undefined);
    stream.on('data', () => {
      left -= 1;
      if (left === 0) resolve();
    });
  });
}

async function commitLongBlock(): Promise<void> {
  const envelopes = [Buffer.alloc(BLOCK_BYTES, 0x7a)];
  const header = {
    number: ledger.height(),
    previousHash: ledger.currentBlockHash(),
    dataHash: blockDataHash(envelopes),
  };
  const bytes = encodeBlock({ ...header, envelopes, metadata: orderedMetadata(new Uint8Array()) });
  await ledger.commit(bytes);
}
