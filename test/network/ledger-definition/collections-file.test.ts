import { describe, expect, it } from '@jest/globals';
import { parseCollections } from '../../../network/devledger/definition/collections-file.js';

const BOTH = "OR('Org1MSP.member', 'Org2MSP.member')";
const FULL = {
  name: 'assets',
  policy: BOTH,
  requiredPeerCount: 1,
  maxPeerCount: 2,
  blockToLive: 1_000_000,
  memberOnlyRead: true,
  memberOnlyWrite: true,
  endorsementPolicy: { signaturePolicy: "OR('Org1MSP.member','Org2MSP.member')" },
};
const PLAIN = {
  name: 'plain',
  policy: "OR('Org1MSP.member')",
  endorsementPolicy: { channelConfigPolicy: '/Channel/Application/Endorsement' },
};

describe('parseCollections', () => {
  it('makes the bytes that Fabric makes of the same file', () => {
    // getCollectionConfigFromBytes of Fabric 3.1.5.
    expect(Buffer.from(parseCollections(JSON.stringify([FULL, PLAIN])).serializeBinary()).toString('hex')).toBe(
      '0a6e0a6c0a06617373657473122a0a28120c120a080112020800120208011a0b12090a074f7267314d53501a0b12090a074f7267324d5350' +
        '1801200228c0843d30013801422a0a28120c120a080112020800120208011a0b12090a074f7267314d53501a0b12090a074f7267324d5350' +
        '0a4a0a480a05706c61696e12190a17120812060801120208001a0b12090a074f7267314d53502001422212202f4368616e6e656c2f4170706c' +
        '69636174696f6e2f456e646f7273656d656e74',
    );
  });

  it.each([
    { name: 'no JSON', text: '[', reason: /^COLLECTIONS_INVALID: the collections are not JSON/ },
    { name: 'none', text: '[]', reason: /^COLLECTIONS_INVALID: in the collections, the file must not have fewer/ },
    { name: 'one twice', text: JSON.stringify([FULL, FULL]), reason: /collection assets is there twice/ },
    { name: 'an unknown field', text: withFull({ blocksToLive: 3 }), reason: /0.blocksToLive/ },
    { name: 'a bad policy', text: withFull({ policy: 'all' }), reason: /^POLICY_INVALID/ },
    {
      name: 'more required than there may be',
      text: withFull({ requiredPeerCount: 3 }),
      reason: /requires 3 peers and has at most 2/,
    },
    {
      name: 'two endorsement policies',
      text: withFull({ endorsementPolicy: { signaturePolicy: BOTH, channelConfigPolicy: 'x' } }),
      reason: /takes one of its two endorsement policies/,
    },
  ])('$name is refused', ({ text, reason }) => {
    expect(() => parseCollections(text)).toThrow(reason);
  });

  function withFull(change: object): string {
    return JSON.stringify([{ ...FULL, ...change }]);
  }
});
