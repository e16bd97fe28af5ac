import { EventEmitter } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { peer } from '@hyperledger/fabric-protos';
import { pino } from 'pino';
import { ChaincodeStream } from '../../../network/devledger/chaincode/chaincode-stream.js';
import { StateRequests } from '../../../network/devledger/chaincode/state-requests.js';
import { ChannelRules } from '../../../network/devledger/commit/channel-rules.js';
import { CollectionAccess } from '../../../network/devledger/endorse/collection-access.js';
import { Simulator } from '../../../network/devledger/endorse/simulator.js';

const { Type } = peer.ChaincodeMessage;
const STORED = new Map([
  ['a', 'value of a'],
  ['b', 'value of b'],
]);

/** One transaction at a peer that holds two keys. */
function transaction() {
  const simulator = new Simulator(
    {
      height: 1,
      get: async (_namespace, key) => {
        const text = STORED.get(key);
        return text === undefined ? undefined : { value: Buffer.from(text), version: { blockNumber: 0, txNumber: 0 } };
      },
      range: () => {
        throw new Error('nothing is scanned here');
      },
      close: async () => {},
    },
    'tx',
  );
  const rules = new ChannelRules({ channel: '', policy: { endorsers: [], needed: 0 }, chaincodes: [], mspIds: [] });
  const requests = new StateRequests({
    namespace: 'cc',
    simulator,
    collections: new CollectionAccess(rules, { mspId: '', ou: undefined }),
    isInit: false,
    history: () => {
      throw new Error('nobody asks for history here');
    },
    callChaincode: async () => Promise.reject(new Error('there is no other chaincode here')),
  });
  return { requests, simulator };
}

function record(type: number, key: string, fill: (message: peer.WriteRecord) => void = () => undefined) {
  const message = new peer.WriteRecord();
  message.setType(type as peer.WriteRecord.TypeMap[keyof peer.WriteRecord.TypeMap]);
  message.setKey(key);
  fill(message);
  return message;
}

function batchOf(...records: readonly peer.WriteRecord[]): Uint8Array {
  const batch = new peer.WriteBatchState();
  batch.setRecList([...records]);
  return batch.serializeBinary();
}

const { PUT_STATE, DEL_STATE, PUT_STATE_METADATA, PURGE_PRIVATE_DATA } = peer.WriteRecord.Type;

describe('a read of several keys', () => {
  it('answers values in the order of the keys, empty for what is not there, and leaves the reads of single ones', async () => {
    const together = transaction();
    const request = new peer.GetStateMultiple();
    request.setKeysList(['b', 'missing', 'a']);
    const payload = await together.requests.answer(Type.GET_STATE_MULTIPLE, request.serializeBinary());
    const values = peer.GetStateMultipleResult.deserializeBinary(payload ?? new Uint8Array()).getValuesList_asU8();
    expect(values.map((value) => Buffer.from(value).toString('utf8'))).toEqual(['value of b', '', 'value of a']);

    const single = transaction();
    for (const key of ['a', 'b', 'missing']) await single.simulator.getState('cc', key);
    expect(together.simulator.results()).toEqual(single.simulator.results());
  });

  it('of a collection that the chaincode has not got fails as a single read does', async () => {
    const request = new peer.GetStateMultiple();
    request.setKeysList(['a']);
    request.setCollection('none');
    const { requests } = transaction();
    await expect(requests.answer(Type.GET_STATE_MULTIPLE, request.serializeBinary())).rejects.toThrow('none');
  });
});

describe('a batch of writes', () => {
  it('leaves the writes of single messages', async () => {
    const together = transaction();
    const metadata = new peer.StateMetadata();
    metadata.setMetakey('VALIDATION_PARAMETER');
    metadata.setValue(Uint8Array.of(1, 2, 3));
    const payload = batchOf(
      record(PUT_STATE, 'x', (put) => put.setValue(Buffer.from('new'))),
      record(DEL_STATE, 'a'),
      record(PUT_STATE_METADATA, 'b', (put) => put.setMetadata(metadata)),
    );
    expect(await together.requests.answer(Type.WRITE_BATCH_STATE, payload)).toBeUndefined();

    const single = transaction();
    single.simulator.putState('cc', 'x', Buffer.from('new'));
    single.simulator.putState('cc', 'a', new Uint8Array());
    const entries = new Map([['VALIDATION_PARAMETER', Uint8Array.of(1, 2, 3)]]);
    single.simulator.putMetadata({ namespace: 'cc', collection: '', key: 'b' }, entries);
    expect(together.simulator.results()).toEqual(single.simulator.results());
  });

  it.each([
    { name: 'of an unknown kind', bad: record(0, 'x'), reason: 'unknown operation type' },
    { name: 'purging a public key', bad: record(PURGE_PRIVATE_DATA, 'x'), reason: 'only applicable for private data' },
  ])('with a record $name fails there; what stood before it is written', async ({ bad, reason }) => {
    const { requests, simulator } = transaction();
    const payload = batchOf(record(DEL_STATE, 'a'), bad, record(DEL_STATE, 'b'));
    await expect(requests.answer(Type.WRITE_BATCH_STATE, payload)).rejects.toThrow(reason);
    expect([...simulator.record.namespace('cc').writes.keys()]).toEqual(['a']);
  });
});

describe('READY', () => {
  it('offers both to the chaincode, as Fabric does', () => {
    const sent: peer.ChaincodeMessage[] = [];
    const call = Object.assign(new EventEmitter(), {
      write: (message: peer.ChaincodeMessage) => sent.push(message) > 0,
      cancel: () => undefined,
      pause: () => undefined,
      resume: () => undefined,
    });
    new ChaincodeStream(call, {
      chaincodeName: 'cc',
      executeTimeoutMs: 1_000,
      log: pino({ level: 'silent' }),
      onReady: () => undefined,
      onEnd: () => undefined,
    });
    const registration = new peer.ChaincodeMessage();
    registration.setType(Type.REGISTER);
    registration.setPayload(new peer.ChaincodeID().serializeBinary());
    call.emit('data', registration);
    expect(sent.map((message) => message.getType())).toEqual([Type.REGISTERED, Type.READY]);
    const offer = peer.ChaincodeAdditionalParams.deserializeBinary(sent[1]?.getPayload_asU8() ?? new Uint8Array());
    expect(offer.toObject()).toEqual({
      useWriteBatch: true,
      maxSizeWriteBatch: 1000,
      useGetMultipleKeys: true,
      maxSizeGetMultipleKeys: 1000,
    });
  });
});
