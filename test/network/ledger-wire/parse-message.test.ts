import { describe, expect, it } from '@jest/globals';
import { common, gateway, ledger, peer } from '@hyperledger/fabric-protos';
import fc from 'fast-check';
import { FIELDS_MAX, parseMessage } from '../../../network/devledger/wire/parse-message.js';

const INVALID = 'proto: cannot parse invalid wire-format data';
const NOT_UTF8 = 'string field contains invalid UTF-8';

function hex(...parts: readonly string[]): Uint8Array {
  return Buffer.from(parts.join('').replaceAll(' ', ''), 'hex');
}

const number = fc.oneof(fc.maxSafeNat(), fc.nat(300));

describe('what the library writes is read as it was', () => {
  it('headers: numbers of each width, text, bytes and a message within', () => {
    const headers = fc.record({ type: fc.integer(), channel: fc.string({ unit: 'binary' }), epoch: number });
    fc.assert(
      fc.property(headers, fc.uint8Array(), ({ type, channel, epoch }, extension) => {
        const written = new common.ChannelHeader();
        const text = channel.toWellFormed();
        written.setVersion(type);
        written.setChannelId(text);
        written.setEpoch(epoch);
        written.setExtension$(extension);
        const wrapped = new common.Header();
        wrapped.setChannelHeader(written.serializeBinary());
        const header = parseMessage(common.Header, wrapped.serializeBinary());
        const read = parseMessage(common.ChannelHeader, header.getChannelHeader_asU8());
        expect(read.getVersion()).toBe(type);
        expect(read.getChannelId()).toBe(text);
        expect(read.getEpoch()).toBe(epoch);
        expect([...read.getExtension_asU8()]).toEqual([...extension]);
      }),
    );
  });

  it('a message that has messages in it, and a time', () => {
    const block = new common.Block();
    const header = new common.BlockHeader();
    header.setNumber(2 ** 40);
    block.setHeader(header);
    const data = new common.BlockData();
    data.setDataList([Buffer.from('a'), Buffer.alloc(70_000, 7)]);
    block.setData(data);
    const read = parseMessage(common.Block, block.serializeBinary());
    expect(read.serializeBinary()).toEqual(block.serializeBinary());
    const change = parseMessage(ledger.queryresult.KeyModification, hex('1a 06 08 80 e2 cf aa 06'));
    expect(change.getTimestamp()?.getSeconds()).toBe(1_700_000_000);
  });

  it('maps from text to bytes', () => {
    const payload = new peer.ChaincodeProposalPayload();
    payload.getTransientmapMap().set('price', Buffer.from('12'));
    payload.getTransientmapMap().set('', Buffer.alloc(0));
    const read = parseMessage(peer.ChaincodeProposalPayload, payload.serializeBinary());
    expect(read.getTransientmapMap().getLength()).toBe(2);
    expect(read.serializeBinary()).toEqual(payload.serializeBinary());
  });

  it.each([
    { name: 'the largest of 64 bits', bytes: '08 ff ff ff ff ff ff ff ff ff 01', number: 2 ** 64 },
    { name: 'one that is written longer than it need be', bytes: '08 81 80 80 80 80 00', number: 1 },
  ])('$name', ({ bytes, number: expected }) => {
    expect(parseMessage(common.BlockHeader, hex(bytes)).getNumber()).toBe(expected);
  });

  it('a negative number, in ten bytes', () => {
    const response = new peer.Response();
    response.setStatus(-5);
    expect(parseMessage(peer.Response, response.serializeBinary()).getStatus()).toBe(-5);
  });

  it('and fields that nobody knows are left out, groups with all that is in them', () => {
    const unknown = hex('7b 7b 08 01 7c 7c', '78 01', '7d 01 02 03 04', '79 01 02 03 04 05 06 07 08', '7a 01 ff');
    expect(parseMessage(peer.ChaincodeID, Buffer.concat([unknown, hex('12 01 61')])).getName()).toBe('a');
  });
});

describe('refused, and nothing beyond the end is looked at:', () => {
  it.each([
    { name: 'a text of 4 GiB in a message of 7 bytes', bytes: '12 ff ff ff ff 0f 61' },
    { name: 'a text that is one byte too long', bytes: '12 02 61' },
    { name: 'a length of more than 32 bits', bytes: '12 80 80 80 80 10' },
    { name: 'a number of more than ten bytes', bytes: '08 ff ff ff ff ff ff ff ff ff ff 01' },
    { name: 'a number of more than 64 bits', bytes: '08 ff ff ff ff ff ff ff ff ff 02' },
    { name: 'a number without end', bytes: '08 ff' },
    { name: 'a group without end', bytes: '7b 08 01' },
    { name: 'a group that ends as another one', bytes: '7b 74' },
    { name: 'the end of a group that did not begin', bytes: '7c' },
    { name: 'half of a number of fixed width', bytes: '79 01 02' },
    { name: 'field 0', bytes: '02 00' },
    { name: 'a type that there is not', bytes: '7e 00' },
    { name: 'a text that is written as a number', bytes: '10 01' },
  ])('$name', ({ bytes }) => {
    expect(() => parseMessage(peer.ChaincodeID, hex(bytes))).toThrow(INVALID);
  });

  it('a field that runs beyond the end of the message it is in, though not of the one around it', () => {
    // gateway.EvaluateRequest with a SignedProposal of 2 bytes, whose bytes are said to have 3.
    expect(() => parseMessage(gateway.EvaluateRequest, hex('1a 02 0a 03', '12 01 61 61'))).toThrow(INVALID);
  });

  it.each([
    { name: 'a character that is cut off', bytes: '12 01 f0' },
    { name: 'half of a pair that stands for one character', bytes: '12 03 ed a0 80' },
    { name: 'a character written longer than it may be', bytes: '12 02 c0 80' },
  ])('a text with $name', ({ bytes }) => {
    expect(() => parseMessage(peer.ChaincodeID, hex(bytes))).toThrow(NOT_UTF8);
  });

  it('but not a text that has the character for what could not be read', () => {
    expect(parseMessage(peer.ChaincodeID, hex('12 03 ef bf bd')).getName()).toBe('\ufffd');
  });

  it('the key of a map that is no text', () => {
    expect(() => parseMessage(peer.ChaincodeProposalPayload, hex('12 03 0a 01 ff'))).toThrow(NOT_UTF8);
  });
});

describe('bounds', () => {
  it.each([
    { fields: FIELDS_MAX, isRefused: false },
    { fields: FIELDS_MAX + 1, isRefused: true },
  ])('a message of $fields fields is refused: $isRefused', ({ fields, isRefused }) => {
    const read = () => parseMessage(peer.ChaincodeID, Buffer.alloc(fields * 2, Buffer.from([0x7a, 0])));
    if (isRefused) expect(read).toThrow('too many fields');
    else expect(read().getName()).toBe('');
  });

  it.each([
    { depth: 100, isRefused: false },
    { depth: 102, isRefused: true },
  ])('policies within each other, $depth messages deep: $isRefused', ({ depth, isRefused }) => {
    const read = () => parseMessage(common.SignaturePolicy, nestedPolicy(depth));
    if (isRefused) expect(read).toThrow('exceeded maximum recursion depth');
    else expect(read().hasNOutOf()).toBe(true);
  });

  it('whatever the bytes, they are read or refused with a sentence that says so', () => {
    const start = fc.constantFrom('0a', '12', '1a', '22', '3a', '0b', '08', '').map((text) => hex(text));
    const types = [peer.ChaincodeMessage, peer.ChaincodeID, common.ChannelHeader, gateway.EvaluateRequest];
    fc.assert(
      fc.property(fc.constantFrom(...types), start, fc.uint8Array({ maxLength: 64 }), (type, head, rest) => {
        try {
          parseMessage<unknown>(type, Buffer.concat([head, rest]));
        } catch (error) {
          expect([INVALID, NOT_UTF8]).toContain((error as Error).message);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

/** OutOf(0, OutOf(0, …)): two messages for each. */
function nestedPolicy(depth: number): Uint8Array {
  let bytes = new Uint8Array();
  for (let level = 0; level < depth; level += 1) {
    bytes = Buffer.concat([Buffer.from([0x12]), lengthOf(bytes), bytes]);
  }
  return bytes;
}

function lengthOf({ length }: Uint8Array): Buffer {
  return length < 0x80 ? Buffer.from([length]) : Buffer.from([(length & 0x7f) | 0x80, length >>> 7]);
}
