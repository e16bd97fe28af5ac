import { describe, expect, it } from '@jest/globals';
import { peer } from '@hyperledger/fabric-protos';
import fc from 'fast-check';
import {
  formatManyKeys,
  formatManyWrites,
  GET_STATE_MULTIPLE,
  parseBatchOffer,
  parseManyValues,
  READY,
  WRITE_BATCH_STATE,
} from '../../chaincode/state/batch-messages.js';

// The messages as Fabric's own protocol buffers have them. Chaincode itself cannot load them beside the shim's.
const { ChaincodeAdditionalParams, GetStateMultiple, GetStateMultipleResult, WriteBatchState, WriteRecord } = peer;

const anyKey = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 300 });

describe('messages for several keys', () => {
  it('have the types of the protocol', () => {
    const { Type } = peer.ChaincodeMessage;
    expect({ READY, GET_STATE_MULTIPLE, WRITE_BATCH_STATE }).toEqual({
      READY: Type.READY,
      GET_STATE_MULTIPLE: Type.GET_STATE_MULTIPLE,
      WRITE_BATCH_STATE: Type.WRITE_BATCH_STATE,
    });
  });

  it('keys are read as they were written', () => {
    fc.assert(
      fc.property(fc.array(anyKey), (keys) => {
        expect(GetStateMultiple.deserializeBinary(formatManyKeys(keys)).getKeysList()).toEqual(keys);
      }),
    );
  });

  it('values are read as they were written, in their order', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), (values) => {
        const result = new GetStateMultipleResult();
        result.setValuesList(values);
        expect(parseManyValues(result.serializeBinary()).map((value) => [...value])).toEqual(
          values.map((value) => [...value]),
        );
      }),
    );
  });

  it('writes are read as puts and deletions', () => {
    const writes = [{ key: 'put', text: 'Grüße' }, { key: 'deleted' }, { key: 'long', text: 'x'.repeat(20_000) }];
    const records = WriteBatchState.deserializeBinary(formatManyWrites(writes)).getRecList();
    expect(
      records.map((record) => [
        record.getType(),
        record.getKey(),
        Buffer.from(record.getValue_asU8()).toString('utf8'),
      ]),
    ).toEqual([
      [WriteRecord.Type.PUT_STATE, 'put', 'Grüße'],
      [WriteRecord.Type.DEL_STATE, 'deleted', ''],
      [WriteRecord.Type.PUT_STATE, 'long', 'x'.repeat(20_000)],
    ]);
    expect(records.every((record) => record.getCollection() === '' && !record.hasMetadata())).toBe(true);
  });
});

describe('the offer of a peer', () => {
  it.each([
    { name: 'both', offer: [true, 1000, true, 500] as const, expected: { writeMax: 1000, readMax: 500 } },
    { name: 'writes only', offer: [true, 7, false, 500] as const, expected: { writeMax: 7, readMax: 0 } },
    { name: 'reads only', offer: [false, 1000, true, 300] as const, expected: { writeMax: 0, readMax: 300 } },
    { name: 'no size', offer: [true, 0, true, 0] as const, expected: { writeMax: 0, readMax: 0 } },
  ])('of $name', ({ offer: [writes, writeMax, reads, readMax], expected }) => {
    const params = new ChaincodeAdditionalParams();
    params.setUseWriteBatch(writes);
    params.setMaxSizeWriteBatch(writeMax);
    params.setUseGetMultipleKeys(reads);
    params.setMaxSizeGetMultipleKeys(readMax);
    expect(parseBatchOffer(params.serializeBinary())).toEqual(expected);
  });

  it('of a peer before 3.1 is empty, and nothing', () => {
    expect(parseBatchOffer(new Uint8Array())).toEqual({ writeMax: 0, readMax: 0 });
  });

  it.each([
    { name: 'a length beyond the end', bytes: [0x0a, 5, 1] },
    { name: 'a number without end', bytes: [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff] },
    { name: 'a fixed number', bytes: [0x0d, 1, 0, 0, 0] },
  ])('with $name is refused', ({ bytes }) => {
    expect(() => parseBatchOffer(Uint8Array.from(bytes))).toThrow('the peer sent');
  });
});
