import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ensureIdentities } from '../../../network/identities/index.js';
import { localTopology } from '../../../network/topology.js';
import { exportNetwork } from '../../../scripts/network/export.js';
import type { NetworkContext } from '../../../scripts/network/network-context.js';

const topology = localTopology(21_000);
let dataDir: string;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'export-'));
  await ensureIdentities(topology, dataDir);
});
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

const context = (ledger: 'fabric' | 'devledger', folder = dataDir): NetworkContext => ({
  dataDir: folder,
  ledger,
  portBase: 21_000,
  topology,
  json: false,
  say: () => undefined,
});

interface Profile {
  readonly peers: Readonly<Record<string, { url: string; tlsCACerts: { pem: string }; grpcOptions: object }>>;
  readonly orderers: Readonly<Record<string, object>>;
  readonly organizations: Readonly<Record<string, { mspid: string; peers: readonly string[] }>>;
}

describe('export', () => {
  it('sends each organisation to its peer, and one without a peer to its host’s', () => {
    const { profiles } = exportNetwork(context('fabric'));
    const ofA = profiles.HospitalAMSP as Profile;
    const peer = 'peer0.hospital-a.medledger.example';
    expect(ofA.organizations).toEqual({ HospitalAMSP: { mspid: 'HospitalAMSP', peers: [peer] } });
    expect(ofA.peers[peer]).toMatchObject({
      url: 'grpcs://127.0.0.1:21030',
      grpcOptions: { 'ssl-target-name-override': peer },
    });
    expect(new X509Certificate(ofA.peers[peer]?.tlsCACerts.pem ?? '').ca).toBe(true);
    expect(Object.keys(ofA.orderers)).toHaveLength(topology.orderers.length);
    const insurer = profiles.InsurerMSP as Profile;
    expect(Object.keys(insurer.peers)).toEqual(['peer0.government.medledger.example']);
    expect(insurer.organizations.InsurerMSP).toEqual({ mspid: 'InsurerMSP', peers: [] });
    expect(Object.keys((exportNetwork(context('devledger')).profiles.HospitalAMSP as Profile).orderers)).toEqual([]);
  });

  it('draws every process once, at its ports', () => {
    const { topology: diagram } = exportNetwork(context('fabric'));
    const ports = topology.organisations.flatMap(({ peer, gateway }) => [
      ...[gateway.port, gateway.internalPort, gateway.vaultPort],
      ...(peer === undefined ? [] : [peer.port, peer.chaincodePort]),
    ]);
    for (const port of [...ports, ...topology.orderers.map((orderer) => orderer.port)])
      expect(diagram.split(`:${port}`)).toHaveLength(2);
    expect(diagram.match(/^ {2}subgraph /gm)).toHaveLength(topology.organisations.length + 1);
    expect(diagram.match(/^ {2}subgraph |^ {2}end$/gm)).toHaveLength(2 * (topology.organisations.length + 1));
    expect(exportNetwork(context('devledger')).topology).not.toContain('administration');
  });

  it('writes files without a key in them, and says what a folder without certificates lacks', () => {
    const { files } = exportNetwork(context('fabric'), join(dataDir, 'exported'));
    expect(files).toHaveLength(topology.organisations.length + 1);
    for (const file of files) expect(readFileSync(file, 'utf8')).not.toContain('PRIVATE KEY');
    expect(() => exportNetwork(context('fabric', join(dataDir, 'nowhere')))).toThrow(/has no certificates yet/);
  });
});
