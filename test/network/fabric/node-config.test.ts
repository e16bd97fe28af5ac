import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { networkRecordFile } from '../../../network/fabric/fabric-paths.js';
import { FabricError } from '../../../network/fabric/fabric-error.js';
import { peerOrganisations } from '../../../network/fabric/members.js';
import { requireSameNetwork } from '../../../network/fabric/network-record.js';
import { nodeProcesses } from '../../../network/fabric/node-processes.js';
import { ordererConfig } from '../../../network/fabric/orderer-config.js';
import { peerConfig } from '../../../network/fabric/peer-config.js';
import { localTopology, type Orderer } from '../../../network/topology.js';
import { fabricPortsOf, portsOf } from '../../../scripts/start/ports.js';

const topology = localTopology(20_000);
const PEERS = peerOrganisations(topology);

describe('configuration of the nodes', () => {
  it.each(PEERS.map((organisation) => ({ organisation, mspId: organisation.mspId })))(
    'the peer of $mspId refuses proposals two minutes off and asks no container engine',
    ({ organisation }) => {
      const { port, operationsPort } = organisation.peer;
      expect(peerConfig({ organisation, dataDir: '/data', builder: '/builder' })).toMatchObject({
        vm: { endpoint: '' },
        chaincode: { externalBuilders: [{ path: '/builder' }], keepalive: 0 },
        operations: {
          listenAddress: `127.0.0.1:${operationsPort}`,
          tls: { enabled: true, clientAuthRequired: true },
        },
        peer: {
          localMspId: organisation.mspId,
          address: `127.0.0.1:${port}`,
          gossip: { externalEndpoint: `127.0.0.1:${port}` },
          authentication: { timewindow: '2m' },
          tls: { enabled: true },
          handlers: { authFilters: expect.arrayContaining([{ name: 'TimeWindowCheck' }]) },
        },
      });
    },
  );

  it('an orderer is administered, and gives metrics, with a client certificate only', () => {
    const [orderer] = topology.orderers;
    expect(ordererConfig(orderer as Orderer, '/data')).toMatchObject({
      General: { ListenPort: 20_034, TLS: { Enabled: true } },
      Admin: { ListenAddress: '127.0.0.1:20044', TLS: { Enabled: true, ClientAuthRequired: true } },
      Operations: { ListenAddress: '127.0.0.1:20014', TLS: { Enabled: true, ClientAuthRequired: true } },
    });
  });

  it('no two listeners of a network share a port', () => {
    const largest = localTopology(20_000, 'bft');
    const ports = [...portsOf(largest), ...fabricPortsOf(largest)].map(({ port }) => port);
    expect(new Set(ports).size).toBe(ports.length);
    expect(Math.max(...ports)).toBeLessThan(20_050);
  });

  it('every node is a process of its own, in its own folder', () => {
    const binaries = { folder: '/bin', peer: '/bin/peer', orderer: '/bin/orderer', configtxgen: '/bin/configtxgen' };
    const nodes = nodeProcesses({ topology, dataDir: '/data', binaries });
    expect(nodes.map(({ name }) => name)).toEqual([
      'orderer',
      'orderer2',
      'orderer3',
      'peer-hospital-a',
      'peer-hospital-b',
      'peer-government',
    ]);
    expect(new Set(nodes.map(({ cwd }) => cwd)).size).toBe(6);
    expect(nodes.every(({ cwd, env }) => env.FABRIC_CFG_PATH === cwd)).toBe(true);
  });
});

describe('requireSameNetwork', () => {
  let dataDir = '';
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'fabric-record-'));
  });
  afterEach(() => rmSync(dataDir, { recursive: true }));

  it('takes the same addresses again', () => {
    requireSameNetwork(topology, dataDir);
    expect(() => requireSameNetwork(topology, dataDir)).not.toThrow();
  });

  it('refuses other ports in one sentence that says what to do', () => {
    requireSameNetwork(topology, dataDir);
    const other = () => requireSameNetwork(localTopology(20_050), dataDir);
    expect(other).toThrow(FabricError);
    expect(other).toThrow(/^FABRIC_DATA_UNUSABLE: .*127\.0\.0\.1:20030.*--port-base/);
  });

  it('refuses another number of orderers', () => {
    requireSameNetwork(topology, dataDir);
    const fewer = { ...topology, orderers: topology.orderers.slice(0, 1) };
    expect(() => requireSameNetwork(fewer, dataDir)).toThrow('FABRIC_DATA_UNUSABLE');
  });

  it('refuses orderers that agree otherwise, and takes a record of before there was a choice for Raft', () => {
    requireSameNetwork(topology, dataDir);
    const path = networkRecordFile(dataDir);
    const { consensus, ...before } = JSON.parse(readFileSync(path, 'utf8'));
    expect(consensus).toBe('raft');
    writeFileSync(path, JSON.stringify(before));
    expect(() => requireSameNetwork(topology, dataDir)).not.toThrow();
    expect(() => requireSameNetwork(localTopology(20_000, 'bft'), dataDir)).toThrow(
      /^FABRIC_DATA_UNUSABLE: .*--consensus raft/,
    );
  });
});
