import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { serviceIdentity } from '../../../gateway/identity/network-identities.js';
import { openFabricLedger } from '../../../gateway/ledger/fabric-ledger.js';
import { nodeFolder, organisationFolder, tlsPaths } from '../../../network/identities/index.js';
import { localTopology } from '../../../network/topology.js';
import { freePortBase } from '../../support/free-ports.js';
import { runVerb, type VerbEnded } from '../../support/network-verb.js';
import { CONSENSUS, isAlive, ORDERERS } from '../../support/running-network.js';

interface Status {
  readonly running: boolean;
  readonly processes: Readonly<Record<string, number>>;
  readonly peers: readonly { readonly mspId: string; readonly height: number; readonly lag: number }[];
  readonly orderers: readonly { readonly height: number; readonly isLeader: boolean; readonly relation: string }[];
  readonly certificates: { readonly endsAt: string };
}

interface NetworkUnderTest {
  readonly ledger: string;
  readonly ordererCount: number;
  dataDir: string;
  portBase: number;
  /** After the first start. */
  started: Status | undefined;
  verb(...args: string[]): Promise<VerbEnded>;
  status(): Promise<Status>;
}

function describeVerbs(ledger: string, ordererCount: number): void {
  const network: NetworkUnderTest = {
    ledger,
    ordererCount,
    dataDir: '',
    portBase: 0,
    started: undefined,
    verb: (...args) => runVerb(...args, '--data', network.dataDir),
    status: async () => JSON.parse((await network.verb('status', '--json')).stdout) as Status,
  };
  describe(`npm run network, ${ledger}`, () => {
    beforeAll(async () => {
      network.dataDir = mkdtempSync(join(tmpdir(), 'network-script-'));
      network.portBase = await freePortBase();
    });
    afterAll(async () => {
      await network.verb('down');
      rmSync(network.dataDir, { recursive: true, force: true });
    });
    describeRunning(network);
    describeRestarted(network);
  });
}

function describeRunning(network: NetworkUnderTest): void {
  it('up comes back when it serves, each step with its time', async () => {
    const consensus = network.ledger === 'fabric' ? ['--consensus', CONSENSUS] : [];
    const place = ['--ledger', network.ledger, ...consensus, '--port-base', String(network.portBase)];
    const ended = await network.verb('up', ...place);
    expect(ended).toMatchObject({ status: 0, stderr: '' });
    expect(ended.stdout).toMatch(/^certificates +\d+\.\d s$/m);
    expect(ended.stdout.trimEnd().split('\n').at(-1)).toBe('ready');
  });

  it('status has the height of every peer, the orderers with one leader, and the first certificate to end', async () => {
    network.started = await network.status();
    const { running, peers, orderers, certificates } = network.started;
    expect(running).toBe(true);
    expect(peers.map(({ mspId, lag }) => [mspId, lag])).toEqual([
      ['HospitalAMSP', 0],
      ['HospitalBMSP', 0],
      ['GovernmentMSP', 0],
    ]);
    expect(orderers.map(({ relation }) => relation)).toEqual(Array(network.ordererCount).fill('consenter'));
    expect(orderers.filter(({ isLeader }) => isLeader)).toHaveLength(Math.min(1, network.ordererCount));
    expect(Date.parse(certificates.endsAt)).toBeGreaterThan(Date.now());
  });

  it('up again changes nothing', async () => {
    expect((await network.verb('up')).status).toBe(0);
    expect((await network.status()).processes).toEqual(network.started?.processes);
  });

  it('takes a transaction, which a peer commits', async () => {
    const block = await submitted(network.dataDir, network.portBase);
    const { peers } = await network.status();
    expect(Math.max(...peers.map(({ height }) => height))).toBe(block + 1);
  });

  it('deploy finds everything in place', async () => {
    const heights = async () => (await network.status()).peers.map(({ height }) => height);
    const before = await heights();
    expect(await network.verb('deploy')).toMatchObject({ status: 0, stderr: '' });
    expect(await heights()).toEqual(before);
  });
}

function describeRestarted(network: NetworkUnderTest): void {
  it('restart goes on with the data, by the ports it was started with', async () => {
    const before = await network.status();
    expect(await network.verb('restart')).toMatchObject({ status: 0 });
    const after = await network.status();
    expect(after.peers.map(({ height }) => height)).toEqual(before.peers.map(({ height }) => height));
    expect(Object.values(before.processes).filter(isAlive)).toEqual([]);
  });

  it('logs names the process of each line, and knows which there are', async () => {
    expect((await network.verb('logs', '--of', 'network', '--lines', '1')).stdout).toBe('network | ready\n');
    const { status, stderr } = await network.verb('logs', '--of', 'nobody');
    expect([status, stderr]).toEqual([1, expect.stringContaining('chaincode-hospital-a')]);
  });

  it('down leaves no process, and again finds none', async () => {
    const { processes } = await network.status();
    expect((await network.verb('down')).status).toBe(0);
    expect(Object.values(processes).filter(isAlive)).toEqual([]);
    expect(await network.verb('down')).toMatchObject({ status: 0, stdout: 'no network runs on this folder\n' });
    expect((await network.status()).running).toBe(false);
  });

  it('refuses orderers that agree otherwise, in one line', async () => {
    const other = CONSENSUS === 'bft' ? 'raft' : 'bft';
    const { status, stderr } = await network.verb('up', '--consensus', other);
    expect([status, stderr.trimEnd().split('\n').length]).toEqual([1, 1]);
    expect(stderr).toContain(network.ledger === 'fabric' ? `--consensus ${CONSENSUS}` : '--ledger fabric');
  });

  it('refuses the other ledger on the same folder, in one line', async () => {
    const other = network.ledger === 'fabric' ? 'devledger' : 'fabric';
    const { status, stderr } = await network.verb('up', '--ledger', other);
    expect([status, stderr.trimEnd().split('\n').length]).toEqual([1, 1]);
    expect(stderr).toContain(`--ledger ${network.ledger}`);
  });
}

describe('npm run network', () => {
  it('doctor names a folder without the programs of Fabric and exits with 1', async () => {
    const { status, stdout } = await runVerb('doctor', '--ledger', 'fabric', '--bin', tmpdir(), '--data', tmpdir());
    expect(status).toBe(1);
    expect(stdout).toMatch(/^BAD +programs of Fabric +FABRIC_BINARIES_MISSING/m);
  });

  it('refuses a verb it does not know', async () => {
    expect((await runVerb('fly')).status).toBe(1);
  });
});

describeVerbs('devledger', 0);

if (process.env.FABRIC_BIN === undefined || process.env.FABRIC_BIN === '') {
  it.skip('real Fabric: set FABRIC_BIN to the bin folder of a Fabric 3.1 release', () => undefined);
} else {
  describeVerbs('fabric', ORDERERS.length);
}

/** @returns number of the block that holds it */
async function submitted(dataDir: string, portBase: number): Promise<number> {
  const topology = localTopology(portBase);
  const organisation = topology.organisations[0];
  if (organisation?.peer === undefined) throw new Error('the first organisation has a peer');
  const { domain, mspId, peer } = organisation;
  const { authority } = tlsPaths(nodeFolder(organisationFolder(dataDir, domain), peer.host, 'peer'));
  const ledger = openFabricLedger({
    endpoint: { address: `127.0.0.1:${peer.port}`, hostName: peer.host, tlsRootFile: authority },
    peerMspId: mspId,
    channel: topology.channel,
    chaincode: topology.chaincode.name,
    policy: { mspIds: ['HospitalAMSP', 'HospitalBMSP', 'GovernmentMSP'], needed: 2 },
    outboxFile: join(dataDir, 'test-outbox.sqlite'),
  });
  try {
    const committed = await ledger.submit(serviceIdentity(dataDir, domain), 'org.hyperledger.fabric:GetMetadata', []);
    return committed.blockNumber;
  } finally {
    await ledger.close();
  }
}
