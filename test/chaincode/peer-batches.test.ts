import { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { ChaincodeStub } from 'fabric-shim-api';
import { formatManyKeys, parseManyValues } from '../../chaincode/state/batch-messages.js';
import type { Write, WorldState as State } from '../../chaincode/state/world-state.js';

process.env.CORE_CHAINCODE_LOGGING_LEVEL = 'critical';
const { takeUpOffers } = await import('../../chaincode/state/peer-batches.js');
const { WorldState } = await import('../../chaincode/state/world-state.js');

const project = createRequire(import.meta.url);
// The package types only its front door.
const { ChaincodeMessageHandler } = project('fabric-shim/lib/handler.js') as {
  ChaincodeMessageHandler: new (stream: object, chaincode: object) => { chat(starter: object): void };
};
/** The shim's own copy of the protocol: its messages are of no other class. */
const { peer } = createRequire(project.resolve('fabric-shim'))('@hyperledger/fabric-protos');
const { Type } = peer.ChaincodeMessage;
const GET_STATE_MULTIPLE = 25;
const WRITE_BATCH_STATE = 24;
const WRITING: readonly number[] = [Type.PUT_STATE, Type.DEL_STATE, WRITE_BATCH_STATE];
/** ChaincodeAdditionalParams: both, and 1000 keys of each. */
const BOTH = Uint8Array.of(0x08, 1, 0x10, 0xe8, 0x07, 0x18, 1, 0x20, 0xe8, 0x07);

const STORED: { readonly [key: string]: string } = { a: 'value of a', b: 'Grüße', c: 'value of c' };

/** The peer's side of a stream; keeps the types of what it was asked, and what was written. */
class StreamOfPeer extends EventEmitter {
  readonly asked: number[] = [];
  readonly written: Write[] = [];
  broken: string | undefined;

  write(message: InstanceType<typeof peer.ChaincodeMessage>): void {
    const type = message.getType();
    if (type === Type.REGISTER || type === Type.COMPLETED) return;
    this.asked.push(type);
    setImmediate(() => this.#answer(message));
  }

  say(type: number, payload: Uint8Array, request?: InstanceType<typeof peer.ChaincodeMessage>): void {
    const message = new peer.ChaincodeMessage();
    message.setType(type);
    message.setPayload(payload);
    message.setTxid(request?.getTxid() ?? '');
    message.setChannelId(request?.getChannelId() ?? '');
    this.emit('data', message);
  }

  #answer(message: InstanceType<typeof peer.ChaincodeMessage>): void {
    const type = message.getType();
    const payload: Uint8Array = message.getPayload_asU8();
    const keys = keysOf(type, payload);
    if (this.broken !== undefined && keys.includes(this.broken)) {
      this.say(Type.ERROR, Buffer.from(`failed: STATE_CORRUPT: ${this.broken}`), message);
      return;
    }
    this.written.push(...writesOf(type, payload));
    this.say(Type.RESPONSE, answerTo(type, keys), message);
  }
}

function answerTo(type: number, keys: readonly string[]): Uint8Array {
  const values = keys.map((key) => STORED[key] ?? '');
  // A list of values looks as a list of keys does.
  return type === GET_STATE_MULTIPLE ? formatManyKeys(values) : Buffer.from(values.join());
}

function keysOf(type: number, payload: Uint8Array): readonly string[] {
  if (type === Type.GET_STATE) return [peer.GetState.deserializeBinary(payload).getKey()];
  if (type !== GET_STATE_MULTIPLE) return [];
  return parseManyValues(payload).map((key) => Buffer.from(key).toString('utf8'));
}

/** A record of a batch begins as PutState does: key, value. */
function writesOf(type: number, payload: Uint8Array): Write[] {
  if (!WRITING.includes(type)) return [];
  const puts = type === WRITE_BATCH_STATE ? parseManyValues(payload) : [payload];
  return puts.map((bytes) => {
    const put = peer.PutState.deserializeBinary(Uint8Array.from(bytes));
    const text = Buffer.from(put.getValue_asU8()).toString('utf8');
    return text === '' ? { key: put.getKey() } : { key: put.getKey(), text };
  });
}

/** Runs `work` as a transaction of the real shim, at a peer that makes this offer. */
async function transaction(
  offer: Uint8Array,
  work: (state: State) => Promise<void>,
  stream = new StreamOfPeer(),
): Promise<StreamOfPeer> {
  const done = new Promise<void>((resolve, reject) => {
    const Invoke = async (stub: ChaincodeStub) => {
      await work(new WorldState(stub)).then(resolve, reject);
      return { status: 200, message: '', payload: Buffer.alloc(0) };
    };
    const registration = new peer.ChaincodeMessage();
    registration.setType(Type.REGISTER);
    new ChaincodeMessageHandler(stream, { Init: Invoke, Invoke }).chat(registration);
  });
  stream.say(Type.REGISTERED, new Uint8Array());
  stream.say(Type.READY, offer);
  const call = new peer.ChaincodeMessage();
  call.setType(Type.TRANSACTION);
  call.setTxid('tx');
  call.setChannelId('health');
  call.setPayload(new peer.ChaincodeInput().serializeBinary());
  stream.emit('data', call);
  await done;
  return stream;
}

const WRITES: readonly Write[] = [{ key: 'x', text: 'new' }, { key: 'a' }, { key: 'y', text: 'Grüße' }];

beforeAll(takeUpOffers);

describe('a peer that takes several keys in one message', () => {
  it('is asked once for what is read together', async () => {
    const found: (string | undefined)[] = [];
    const { asked } = await transaction(BOTH, async (state) => {
      await state.readAhead(['a', 'missing', 'b', 'a']);
      for (const key of ['a', 'missing', 'b']) found.push(await state.read(key));
    });
    expect(found).toEqual(['value of a', undefined, 'Grüße']);
    expect(asked).toEqual([GET_STATE_MULTIPLE]);
  });

  it('is asked only for what was not read ahead before, and for one key as ever', async () => {
    const { asked } = await transaction(BOTH, async (state) => {
      await state.readAhead(['a', 'b']);
      await state.readAhead(['b', 'c']);
      expect(await state.read('c')).toBe('value of c');
    });
    expect(asked).toEqual([GET_STATE_MULTIPLE, Type.GET_STATE]);
  });

  it('is sent no more keys at once than a message may hold', async () => {
    const keys = Array.from({ length: 33 }, (_, index) => `k${index}`);
    const { asked } = await transaction(BOTH, (state) => state.readAhead([...keys, 'a']));
    expect(asked).toEqual([GET_STATE_MULTIPLE, GET_STATE_MULTIPLE]);
  });

  it('is sent all writes at once', async () => {
    const { asked, written } = await transaction(BOTH, (state) => state.write(WRITES));
    expect(asked).toEqual([WRITE_BATCH_STATE]);
    expect(written).toEqual(WRITES);
  });

  it('and cannot read one of its values: that one is named, and the others are still read', async () => {
    const stream = new StreamOfPeer();
    stream.broken = 'b';
    const { asked } = await transaction(
      BOTH,
      async (state) => {
        await state.readAhead(['a', 'b']);
        expect(await state.read('a')).toBe('value of a');
        await expect(state.read('b')).rejects.toThrow('STATE_CORRUPT: b cannot be read');
      },
      stream,
    );
    expect(asked).toEqual([GET_STATE_MULTIPLE, Type.GET_STATE, Type.GET_STATE]);
  });
});

describe('a peer that offers nothing', () => {
  it('is asked key by key, and only for what is wanted', async () => {
    const { asked, written } = await transaction(new Uint8Array(), async (state) => {
      await state.readAhead(['a', 'b']);
      expect(await state.read('a')).toBe('value of a');
      await state.write(WRITES);
    });
    expect(asked).toEqual([Type.GET_STATE, Type.PUT_STATE, Type.DEL_STATE, Type.PUT_STATE]);
    expect(written).toEqual(WRITES);
  });

  it('takes writes together where that is all it offers', async () => {
    const { asked } = await transaction(Uint8Array.of(0x08, 1, 0x10, 2), async (state) => {
      await state.readAhead(['a', 'b']);
      await state.write(WRITES);
    });
    expect(asked).toEqual([WRITE_BATCH_STATE, WRITE_BATCH_STATE]);
  });
});
