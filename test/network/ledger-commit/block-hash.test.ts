import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { common } from '@hyperledger/fabric-protos';
import { blockDataHash, blockHeaderHash } from '../../../network/devledger/commit/block-hash.js';
import { genesisBlock } from '../../../network/devledger/commit/genesis-block.js';
import { nextCommitHash } from '../../../network/devledger/commit/commit-hash.js';

const PREVIOUS = '11'.repeat(32);
const DATA = '22'.repeat(32);

function sha256Hex(hex: string): string {
  return createHash('sha256').update(Buffer.from(hex, 'hex')).digest('hex');
}

describe('blockHeaderHash', () => {
  // DER written by hand: SEQUENCE { INTEGER number, OCTET STRING previous hash, OCTET STRING data hash }.
  it.each([
    { number: 0, der: `30270201000400${`0420${DATA}`}`, previous: '' },
    { number: 1, der: `3047020101${`0420${PREVIOUS}`}0420${DATA}`, previous: PREVIOUS },
    { number: 127, der: `304702017f0420${PREVIOUS}0420${DATA}`, previous: PREVIOUS },
    { number: 128, der: `304802020080${`0420${PREVIOUS}`}0420${DATA}`, previous: PREVIOUS },
    { number: 256, der: `304802020100${`0420${PREVIOUS}`}0420${DATA}`, previous: PREVIOUS },
    { number: 2 ** 32, der: `304b02050100000000${`0420${PREVIOUS}`}0420${DATA}`, previous: PREVIOUS },
  ])('of block $number is the hash of its DER sequence', ({ number, der, previous }) => {
    const header = { number, previousHash: Buffer.from(previous, 'hex'), dataHash: Buffer.from(DATA, 'hex') };
    expect(blockHeaderHash(header).toString('hex')).toBe(sha256Hex(der));
  });

  it('the data hash covers the envelopes one behind the other', () => {
    const hash = blockDataHash([Buffer.from('0102', 'hex'), Buffer.from('03', 'hex')]).toString('hex');
    expect(hash).toBe(sha256Hex('010203'));
  });
});

describe('nextCommitHash', () => {
  it('hashes count and codes, the writes as Fabric serialises them, and the hash before', () => {
    const writes = [
      { namespace: 'cc', key: 'a', value: Buffer.from('v'), version: { blockNumber: 1, txNumber: 0 } },
      { namespace: 'cc', key: 'b', value: undefined, version: { blockNumber: 300, txNumber: 2 } },
    ];
    // KVWritesBatchProto by hand: namespace (1) once, key (3), value (5) or isDelete (4), version bytes (6).
    const first = `0a02${'6363'}1a0161${'2a0176'}3203${'010100'}`;
    const second = `1a0162${'2001'}3205${'02012c0102'}`;
    const batch = `0a0f${first}0a0c${second}`;
    const expected = sha256Hex(`03${'000b00'}${batch}${'ab'.repeat(32)}`);
    const hash = nextCommitHash(Uint8Array.of(0, 11, 0), writes, Buffer.from('ab'.repeat(32), 'hex'));
    expect(hash.toString('hex')).toBe(expected);
  });
});

describe('genesisBlock', () => {
  const definition = {
    channel: 'medledger',
    policy: { endorsers: ['HospitalAMSP'], needed: 1 },
    msps: [
      { mspId: 'HospitalBMSP', caCertPems: ['second'] },
      { mspId: 'HospitalAMSP', caCertPems: ['first'] },
    ],
  };

  it('is the same every time and another for other members', () => {
    const once = Buffer.from(genesisBlock(definition)).toString('hex');
    expect(Buffer.from(genesisBlock(definition)).toString('hex')).toBe(once);
    const other = { ...definition, msps: [{ mspId: 'HospitalAMSP', caCertPems: ['other'] }] };
    expect(Buffer.from(genesisBlock(other)).toString('hex')).not.toBe(once);
  });

  it('names channel and members as Fabric clients look for them', () => {
    const block = common.Block.deserializeBinary(genesisBlock(definition));
    const [bytes] = block.getData()?.getDataList_asU8() ?? [];
    const envelope = common.Envelope.deserializeBinary(bytes ?? new Uint8Array());
    const payload = common.Payload.deserializeBinary(envelope.getPayload_asU8());
    const header = common.ChannelHeader.deserializeBinary(
      payload.getHeader()?.getChannelHeader_asU8() ?? new Uint8Array(),
    );
    expect([header.getType(), header.getChannelId()]).toEqual([common.HeaderType.CONFIG, 'medledger']);
    const config = common.ConfigEnvelope.deserializeBinary(payload.getData_asU8()).getConfig();
    const application = config?.getChannelGroup()?.getGroupsMap().get('Application');
    expect([...(application?.getGroupsMap().keys() ?? [])].sort()).toEqual(['HospitalAMSP', 'HospitalBMSP']);
  });
});
