import { describe, expect, it } from '@jest/globals';
import { channelConfig } from '../../../network/fabric/channel-config.js';
import {
  accessControl,
  applicationPolicies,
  BLOCK_READERS,
  channelPolicies,
  endorsementRule,
  organisationPolicies,
} from '../../../network/fabric/channel-policies.js';
import { localTopology } from '../../../network/topology.js';

const topology = localTopology(20_000);
const PEERS = ['HospitalAMSP', 'HospitalBMSP', 'GovernmentMSP'];

describe('policies of the channel', () => {
  it('two of the three organisations with a peer endorse', () => {
    expect(endorsementRule(topology)).toBe("OutOf(2, 'HospitalAMSP.peer', 'HospitalBMSP.peer', 'GovernmentMSP.peer')");
    expect(applicationPolicies(topology).Endorsement?.Rule).toBe(endorsementRule(topology));
  });

  it.each(['Admins', 'LifecycleEndorsement', 'Endorsement', BLOCK_READERS])('%s leaves the insurer out', (name) => {
    const policy = applicationPolicies(topology)[name];
    expect(policy?.Type).toBe('Signature');
    expect(policy?.Rule).not.toContain('InsurerMSP');
    for (const mspId of PEERS) expect(policy?.Rule).toContain(`'${mspId}.`);
  });

  it.each(['Admins', 'LifecycleEndorsement'])('%s is a majority of the three', (name) => {
    expect(applicationPolicies(topology)[name]?.Rule).toMatch(/^OutOf\(2, /);
  });

  it('orderers give blocks to organisations with a peer and to orderers only, and take from every member', () => {
    const { Readers, Writers } = channelPolicies(topology, 'OrdererMSP');
    expect(Readers?.Rule).toContain("'GovernmentMSP.peer'");
    expect(Readers?.Rule).toContain("'OrdererMSP.orderer'");
    expect(Readers?.Rule).not.toContain('InsurerMSP');
    expect(Writers).toEqual({ Type: 'ImplicitMeta', Rule: 'ANY Writers' });
  });

  it.each([
    'qscc/GetBlockByNumber',
    'qscc/GetBlockByHash',
    'qscc/GetBlockByTxID',
    'qscc/GetTransactionByID',
    'event/Block',
  ])('%s is for block readers', (resource) => {
    expect(accessControl()[resource]).toBe(`/Channel/Application/${BLOCK_READERS}`);
  });

  it.each(['qscc/GetChainInfo', 'event/FilteredBlock'])('%s is for every member', (resource) => {
    expect(accessControl()[resource]).toBe('/Channel/Application/Readers');
  });

  it('a client organisation has nobody who could endorse', () => {
    expect(organisationPolicies('InsurerMSP', false)).not.toHaveProperty('Endorsement');
    expect(organisationPolicies('HospitalAMSP', true)).toHaveProperty('Endorsement');
  });
});

describe('channelConfig', () => {
  const profile = profileOf(channelConfig(topology, '/data'));

  it('takes the batch from the topology', () => {
    expect(profile.Orderer).toMatchObject({
      BatchTimeout: '50ms',
      BatchSize: { MaxMessageCount: 500, PreferredMaxBytes: 2 * 1024 * 1024 },
    });
  });

  it('names every orderer as a consenter and as an endpoint', () => {
    const { Organizations, EtcdRaft } = profile.Orderer;
    expect(EtcdRaft.Consenters.map(({ Host, Port }) => `${Host}:${Port}`)).toEqual(Organizations[0]?.OrdererEndpoints);
    expect(EtcdRaft.Consenters).toHaveLength(3);
    expect(EtcdRaft.Consenters[2]).toMatchObject({
      Port: 20_036,
      ServerTLSCert: expect.stringContaining('/orderer3.'),
    });
  });

  it('with BFT names four consenters with their numbers and identities, and takes the batch from the topology', () => {
    const bft = localTopology(20_000, 'bft');
    const { Orderer } = profileOf(channelConfig(bft, '/data'));
    expect(Orderer).toMatchObject({
      OrdererType: 'BFT',
      SmartBFT: { RequestBatchMaxCount: 500, RequestBatchMaxInterval: '50ms' },
      ConsenterMapping: bft.orderers.map(({ host, port }, index) => ({
        ID: index + 1,
        Host: '127.0.0.1',
        Port: port,
        MSPID: 'OrdererMSP',
        Identity: expect.stringContaining(`/msp/signcerts/${host}-cert.pem`),
        ClientTLSCert: expect.stringContaining(`/${host}/tls/server.crt`),
      })),
    });
    expect(Orderer).not.toHaveProperty('EtcdRaft');
    expect(bft.orderers).toHaveLength(4);
  });

  it('has all four organisations, and an anchor peer for each that has a peer', () => {
    const anchors = profile.Application.Organizations.map(({ ID, AnchorPeers }) => [ID, AnchorPeers?.[0]?.Port]);
    expect(anchors).toEqual([
      ['HospitalAMSP', 20_030],
      ['HospitalBMSP', 20_031],
      ['GovernmentMSP', 20_032],
      ['InsurerMSP', undefined],
    ]);
  });
});

interface Profile {
  readonly Orderer: {
    readonly Organizations: readonly { readonly OrdererEndpoints: readonly string[] }[];
    readonly EtcdRaft: { readonly Consenters: readonly { readonly Host: string; readonly Port: number }[] };
  };
  readonly Application: {
    readonly Organizations: readonly {
      readonly ID: string;
      readonly AnchorPeers?: readonly { readonly Port: number }[];
    }[];
  };
}

function profileOf(config: object): Profile {
  return (config as { Profiles: { MedLedger: Profile } }).Profiles.MedLedger;
}
