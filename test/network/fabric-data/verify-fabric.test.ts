import { renameSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { localTopology } from '../../../network/topology.js';
import { nodeStoreFolder } from '../../../network/fabric/store/store-paths.js';
import { rebuildPeerState } from '../../../scripts/verify/rebuild-peer-state.js';
import { grantKey } from '../../../scripts/verify/state-keys.js';
import { type VerifyReport, verifyDataFolder } from '../../../scripts/verify/verify-data-folder.js';
import { signUp } from '../../support/member.js';
import { ledgerutilCompare, ledgerutilVerify, organisationWithPeer, peerSnapshot } from '../../support/fabric-tools.js';
import { LEDGER, type RunningNetwork, runNetwork } from '../../support/running-network.js';
import { flipStateBit } from '../../support/tamper.js';
import { SampleCopy } from '../verify/sample-copy.js';
import { keepBusy, liveAWhile, type SampleStory } from '../verify/sample-story.js';
import { fingerprint } from '../verify/spoil.js';
import { spoiltBlockCases, spoiltStateCases } from './spoilt-fabric-cases.js';

const A = 'HospitalAMSP';
const B = 'HospitalBMSP';
const topology = localTopology();
const onFabric = LEDGER === 'fabric' ? describe : describe.skip;

let network: RunningNetwork;
let story: SampleStory;
let liveReport: VerifyReport;
let snapshots: readonly string[];
let copy: SampleCopy;

const look = (dataDir: string) => verifyDataFolder({ dataDir, topology, vault: true, custody: true });

async function liveAndLook(): Promise<void> {
  network = await runNetwork();
  story = await liveAWhile(network);
  const busy = keepBusy(network, story);
  liveReport = await look(network.dataDir);
  await busy.stop();
  snapshots = await Promise.all([A, B, 'GovernmentMSP'].map((mspId) => peerSnapshot(network, mspId)));
  await network.stop();
}

/** The network of the copy, which has to have the ports it was made with. */
const runCopy = () => runNetwork({ dataDir: copy.dataDir, portBase: network.portBase });

onFabric('verify-ledger on the data of real Fabric', () => {
  beforeAll(liveAndLook);
  afterAll(async () => {
    await network?.stop();
    network?.remove();
  });
  beforeEach(() => {
    copy = new SampleCopy(network.dataDir, story);
  });
  afterEach(() => copy.remove());

  describe('data that nobody touched', untouchedCases);
  describe('a byte in the blocks of one node', () => spoiltBlockCases(() => copy));
  describe('the state of one peer', () => spoiltStateCases(() => copy));
  describe('healing', healingCases);
});

function untouchedCases(): void {
  it('passes every check while the network is at work', () => {
    expect(liveReport.checks.flatMap(({ findings }) => findings)).toEqual([]);
    expect(liveReport).toMatchObject({ ok: true, running: true });
  });

  it('passes every check when it is stopped, and is left as it was', async () => {
    const before = fingerprint(copy.dataDir);
    const { checks, ok, running } = await copy.look();
    expect({ ok, running }).toEqual({ ok: true, running: false });
    const counts = (name: string, organisation: string) =>
      checks
        .filter(({ check, organisation: of }) => check === name && of === organisation)
        .map((check) => check.counts);
    expect(counts('lanes', A)[0]).toMatchObject({ lanes: 3 });
    expect(counts('consents', B)).toEqual([{ grants: 2, policies: 1, revocations: 1 }]);
    expect(counts('vault', 'network')[0]).toMatchObject({ records: 3, reasons: 1 });
    expect(checks.filter(({ check }) => check === 'orderer')).toHaveLength(network.topology.orderers.length);
    expect(counts('peer', A)[0]?.['state rows']).toBeGreaterThan(20);
    expect(fingerprint(copy.dataDir)).toEqual(before);
  });

  it('agrees with ledgerutil: the ledgers of two organisations are the same, and their blocks whole', async () => {
    const [ofA = '', ...others] = snapshots;
    for (const other of others) expect(await ledgerutilCompare(ofA, other)).toMatchObject({ status: 0 });
    for (const mspId of [A, B]) {
      const { host } = organisationWithPeer({ dataDir: copy.dataDir, topology }, mspId).peer;
      expect(await ledgerutilVerify(copy.dataDir, host)).toMatchObject({ status: 0 });
    }
  });
}

function healingCases(): void {
  it('agrees with ledgerutil on a byte that was changed in one peer’s state; rebuilt, nothing is left of it', async () => {
    const key = grantKey(story.patientId, story.grantId);
    await flipStateBit(copy.dataDir, A, key);
    const again = await runCopy();
    await signUp(again.gatewayUrl(B), { name: 'A new block' });
    const [ofA = '', ofB = ''] = await Promise.all([A, B].map((mspId) => peerSnapshot(again, mspId)));
    await again.stop();
    const compared = await ledgerutilCompare(ofA, ofB);
    expect(compared).toMatchObject({ status: 2, stdout: expect.stringContaining('Total differences found: 1') });
    const found = await copy.findings();
    expect(found).toContainEqual(
      expect.stringMatching(`^peer ${A} · state: state medledger/"${key}": its value is not`),
    );
    expect(found.filter((line) => line.startsWith(`peer ${B}`))).toEqual([]);
    const done = await rebuildPeerState({ dataDir: copy.dataDir, topology, mspId: A });
    expect(done).toMatch(/^HospitalAMSP: the state was set aside as .*state\.replaced/);
    const rebuilt = await runCopy();
    await rebuilt.stop();
    expect(await copy.findings()).toEqual([]);
  });

  it('an orderer whose store was moved away is filled anew by the next start', async () => {
    const store = nodeStoreFolder(copy.dataDir, topology.orderers[2]?.host ?? '');
    renameSync(store, `${store}.moved`);
    expect(await copy.findings()).toContainEqual(
      expect.stringMatching(/^orderer orderer3.*: the orderer has no blocks/),
    );
    const again = await runCopy();
    await signUp(again.gatewayUrl(A), { name: 'A new block' });
    await again.stop();
    expect(await copy.findings()).toEqual([]);
  });
}
