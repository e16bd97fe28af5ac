import { setTimeout as wait } from 'node:timers/promises';
import { Client, credentials, Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import { peer } from '@hyperledger/fabric-protos';
import { afterEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { ChaincodeConnection } from '../../../network/devledger/chaincode/chaincode-connection.js';
import type { ChaincodeInvocation } from '../../../network/devledger/chaincode/chaincode-stream.js';
import { startChaincodeSupport } from '../../../network/devledger/chaincode/chaincode-support.js';
import { DialInChaincode } from '../../../network/devledger/chaincode/dial-in.js';
import { Simulator } from '../../../network/devledger/endorse/simulator.js';
import type { StateSnapshot } from '../../../network/devledger/peer-ledger.js';

const { Type } = peer.ChaincodeMessage;
const REQUESTS = 400;
/** Comes back twice in the answer, which says that there is no such transaction. */
const LONG_TX_ID = 'f'.repeat(20_000);
const log = pino({ level: 'silent' });

/** A chaincode's end of its stream. */
interface End {
  read(sizeBytes: number): unknown;
  write(message: Buffer, written?: () => void): unknown;
  on(event: 'data', listener: (bytes: Buffer) => void): unknown;
}

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const same = (bytes: Buffer) => bytes;

function bytesOf(fields: { type: number; txId?: string; payload?: Uint8Array }): Buffer {
  const message = new peer.ChaincodeMessage();
  message.setType(fields.type as 0);
  message.setChannelId('channel');
  message.setTxid(fields.txId ?? '');
  message.setPayload(fields.payload ?? new Uint8Array());
  return Buffer.from(message.serializeBinary());
}

function registration(): Buffer {
  const id = new peer.ChaincodeID();
  id.setName('cc:1');
  return bytesOf({ type: Type.REGISTER, payload: id.serializeBinary() });
}

async function dialledIn(): Promise<{ end: End; runtime: DialInChaincode }> {
  const runtime = new DialInChaincode({ chaincodeName: 'cc', packageId: 'cc:1', log });
  const support = await startChaincodeSupport({ host: '127.0.0.1', port: 0, log, find: () => runtime });
  const client = new Client(support.address, credentials.createInsecure());
  stops.push(
    () => support.stop(),
    () => client.close(),
  );
  const end = client.makeBidiStreamRequest('/protos.ChaincodeSupport/Register', same, same);
  end.on('error', () => undefined);
  return { end, runtime };
}

async function connectedTo(): Promise<{ end: End; runtime: ChaincodeConnection }> {
  const server = new Server();
  const { connect } = peer.ChaincodeService;
  const own = { requestDeserialize: same, responseSerialize: same };
  const connected = new Promise<ServerDuplexStream<Buffer, Buffer>>((resolve) => {
    server.addService({ connect: { ...connect, ...own } }, { connect: resolve });
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const runtime = new ChaincodeConnection({ chaincodeName: 'cc', address: `127.0.0.1:${port}`, log });
  stops.push(
    () => server.forceShutdown(),
    () => runtime.stop(),
  );
  const end = await connected;
  end.on('error', () => undefined);
  return { end, runtime };
}

/** Until a number stays what it is for a while. */
async function settled(count: () => number): Promise<void> {
  for (let before = -1; before !== count(); ) {
    before = count();
    await wait(300);
  }
}

describe.each([
  { name: 'dials in', open: dialledIn },
  { name: 'is a service', open: connectedTo },
])('a chaincode that $name', ({ open }) => {
  it('and asks without reading what it is answered is not listened to until it reads', async () => {
    const { end } = await open();
    end.read(0);
    end.write(registration());
    let written = 0;
    for (let count = 0; count < REQUESTS; count += 1) {
      end.write(bytesOf({ type: Type.GET_STATE, txId: LONG_TX_ID }), () => {
        written += 1;
      });
    }
    await settled(() => written);
    // What both ends hold: three queues of sixteen messages, and what the connection takes by itself.
    expect(written).toBeLessThan(REQUESTS / 4);
    let answers = 0;
    await new Promise<void>((resolve) => {
      end.on('data', (bytes) => {
        const type = peer.ChaincodeMessage.deserializeBinary(bytes).getType();
        if (type === Type.ERROR) answers += 1;
        if (answers === REQUESTS) resolve();
      });
    });
    expect(written).toBe(REQUESTS);
  }, 30_000);

  it('and asks twice at once within one transaction is answered once', async () => {
    const { end, runtime } = await open();
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const answers: string[] = [];
    const ask = (key: string) => end.write(bytesOf({ type: Type.GET_STATE, txId: 'tx', payload: getState(key) }));
    const onAnswer: Record<string, () => void> = {
      1: () => ask('c'),
      2: () => end.write(bytesOf({ type: Type.COMPLETED, txId: 'tx' })),
    };
    const onMessage = new Map<number, (message: peer.ChaincodeMessage) => void>([
      [
        Type.TRANSACTION,
        () => {
          ask('a');
          ask('b');
          // What belongs to no transaction is answered at once, and so tells that both have come.
          end.write(bytesOf({ type: Type.GET_STATE, txId: 'other', payload: getState('a') }));
        },
      ],
      [Type.ERROR, () => release()],
      [
        Type.RESPONSE,
        (message) => {
          answers.push(Buffer.from(message.getPayload_asU8()).toString());
          onAnswer[answers.length]?.();
        },
      ],
    ]);
    end.on('data', (bytes) => {
      const message = peer.ChaincodeMessage.deserializeBinary(bytes);
      onMessage.get(message.getType())?.(message);
    });
    end.write(registration());
    const answer = await runtime.execute(invocation(held));
    expect(answer.response.getStatus()).toBe(0);
    expect(answers).toEqual(['a', 'c']);
  }, 30_000);
});

function getState(key: string): Uint8Array {
  const message = new peer.GetState();
  message.setKey(key);
  return message.serializeBinary();
}

/** Every key holds its own name, and is read when something else has happened. */
function invocation(held: Promise<void>): ChaincodeInvocation {
  const snapshot: StateSnapshot = {
    height: 1,
    get: async (_namespace, key) => {
      await held;
      return { value: Buffer.from(key), version: { blockNumber: 0, txNumber: 0 } };
    },
    async *range() {},
    close: async () => undefined,
  };
  return {
    channel: 'channel',
    txId: 'tx',
    input: new peer.ChaincodeInput().serializeBinary(),
    signedProposal: new peer.SignedProposal(),
    isInit: false,
    simulator: new Simulator(snapshot, 'tx'),
    collections: undefined as unknown as ChaincodeInvocation['collections'],
    history: async function* () {},
    callChaincode: async () => new Uint8Array(),
  };
}
