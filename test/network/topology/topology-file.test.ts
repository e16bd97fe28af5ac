import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { localTopology } from '../../../network/topology.js';
import {
  consortiumTopology,
  parseTopology,
  readTopologyFile,
  topologyFileText,
} from '../../../network/topology-file.js';

const EXAMPLE = 'network/examples/test-network.json';

describe('the default topology', () => {
  it.each([8080, 21_000])('written out and read back is the same, from port %i', (portBase) => {
    expect(parseTopology(topologyFileText(localTopology(portBase)), 'topology.json')).toEqual(localTopology(portBase));
  });

  it('is that of the consortium where no file is named', () => {
    expect(consortiumTopology({ portBase: 9000 })).toEqual(localTopology(9000));
  });
});

describe("the example of Fabric's test network", () => {
  it('has its organisations, its channel and its ports', () => {
    const { channel, organisations, endorsementsNeeded } = readTopologyFile(EXAMPLE);
    expect(channel).toBe('mychannel');
    expect(endorsementsNeeded).toBe(2);
    expect(organisations.map(({ mspId, peer }) => [mspId, peer?.host, peer?.port])).toEqual([
      ['Org1MSP', 'peer0.org1.example.com', 7051],
      ['Org2MSP', 'peer0.org2.example.com', 9051],
    ]);
  });

  it('written out and read back is the same', () => {
    const topology = readTopologyFile(EXAMPLE);
    expect(parseTopology(topologyFileText(topology), EXAMPLE)).toEqual(topology);
  });

  it('is no consortium: it has no gateways', () => {
    expect(() => consortiumTopology({ file: EXAMPLE })).toThrow(/it describes a ledger alone/);
  });
});

describe('a file that is wrong says where', () => {
  const org1 = {
    mspId: 'Org1MSP',
    domain: 'org1.example.com',
    peer: { port: 7051, chaincodePort: 7052, operationsPort: 9444 },
  };
  const file = { format: 1, channel: 'mychannel', organisations: [org1] };

  it('reads the file that the cases are made from', () => {
    expect(parsed(file).endorsementsNeeded).toBe(1);
  });

  it.each([
    { name: 'no JSON', text: '{', message: /it is not JSON/ },
    { name: 'another format', change: { format: 2 }, message: /format must be equal to constant/ },
    { name: 'an unknown field', change: { chanel: 'x' }, message: /chanel is not a known field/ },
    { name: 'a channel in capitals', change: { channel: 'My' }, message: /channel must match pattern/ },
    {
      name: 'a port above 65535',
      change: { organisations: [withPeer({ port: 70_000 })] },
      message: /organisations.0.peer.port must be <= 65535/,
    },
    {
      name: 'a domain that leaves its folder',
      change: { organisations: [{ ...org1, domain: '../x' }] },
      message: /organisations.0.domain must match pattern/,
    },
    { name: 'an organisation twice', change: { organisations: [org1, org1] }, message: /mspId Org1MSP is there twice/ },
    {
      name: 'a port twice',
      change: { organisations: [withPeer({ chaincodePort: 7051 })] },
      message: /port 7051 is there twice/,
    },
    {
      name: 'more endorsements than endorsers',
      change: { endorsementsNeeded: 2 },
      message: /endorsementsNeeded is 2 and only 1/,
    },
    {
      name: 'an endorser without a peer',
      change: { organisations: [{ mspId: 'A', domain: 'a', endorses: true }] },
      message: /A endorses and has no peer/,
    },
    {
      name: 'a chaincode that runs in two places',
      change: { chaincodes: [{ name: 'basic', version: '1', sequence: 1, folder: 'a', address: 'b:1' }] },
      message: /chaincode basic takes one of folder and address/,
    },
  ])('$name', ({ text, change, message }) => {
    expect(() => parseTopology(text ?? JSON.stringify({ ...file, ...change }), 'my.json')).toThrow(message);
    expect(() => parseTopology(text ?? JSON.stringify({ ...file, ...change }), 'my.json')).toThrow(/my\.json: /);
  });

  it('a consortium in which one organisation has no gateway', () => {
    const written = JSON.parse(topologyFileText(localTopology()));
    written.medledger.gateways.pop();
    expect(() => parseTopology(JSON.stringify(written), 'my.json')).toThrow(
      /medledger.gateways has none for InsurerMSP/,
    );
  });

  it('a file that is not there', () => {
    expect(() => readTopologyFile('no-such.json')).toThrow(/no-such\.json: it cannot be read/);
  });

  function withPeer(change: object) {
    return { ...org1, peer: { ...org1.peer, ...change } };
  }

  function parsed(value: object) {
    return parseTopology(JSON.stringify(value), 'my.json');
  }
});

describe('folders and files of a chaincode', () => {
  it('are taken from the place of the topology file', () => {
    const text = JSON.parse(readFileSync(EXAMPLE, 'utf8'));
    text.chaincodes = [{ name: 'a', version: '1', sequence: 1, folder: 'cc', collections: '/etc/collections.json' }];
    expect(parseTopology(JSON.stringify(text), '/somewhere/net.json').chaincodes).toEqual([
      { ...text.chaincodes[0], folder: '/somewhere/cc' },
    ]);
  });
});
