import { execFile } from 'node:child_process';
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { localTopology } from '../../../network/topology.js';
import { rebuildPeerState } from '../../../scripts/verify/rebuild-peer-state.js';
import { grantKey, memberKey } from '../../../scripts/verify/state-keys.js';
import { type VerifyReport, verifyDataFolder } from '../../../scripts/verify/verify-data-folder.js';
import { type RunningNetwork, runNetwork } from '../../support/running-network.js';
import { forgedGrantCases, forgedRegisterCases, spoiltLedgerCases } from './ledger-cases.js';
import { SampleCopy } from './sample-copy.js';
import { keepBusy, liveAWhile, type SampleStory } from './sample-story.js';
import { fingerprint, flipByte, flipState, onlyFile, writeState } from './spoil.js';
import { custodianCases, releaseLogCases, vaultCases } from './store-cases.js';

const topology = localTopology();
const A = 'HospitalAMSP';
const B = 'HospitalBMSP';
const LIVE_LOOKS = 3;
let network: RunningNetwork;
let story: SampleStory;
const liveReports: VerifyReport[] = [];
let liveRebuild: string;
let copy: SampleCopy;

beforeAll(async () => {
  network = await runNetwork();
  story = await liveAWhile(network);
  const busy = keepBusy(network, story);
  for (let looks = 0; looks < LIVE_LOOKS; looks += 1)
    liveReports.push(await verifyDataFolder({ dataDir: network.dataDir, topology, vault: true, custody: true }));
  await busy.stop();
  liveRebuild = await refusal(rebuildPeerState({ dataDir: network.dataDir, topology, mspId: A }));
  await network.stop();
});
afterAll(async () => {
  await network?.stop();
  network?.remove();
});
beforeEach(() => {
  copy = new SampleCopy(network.dataDir, story);
});
afterEach(() => copy.remove());

async function refusal(action: Promise<unknown>): Promise<string> {
  return action.then(
    () => 'not refused',
    (error: unknown) => (error instanceof Error ? `${error.name}: ${error.message}` : String(error)),
  );
}

function run(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const script = join(process.cwd(), 'dist/scripts/verify-ledger.js');
    const child = execFile(process.execPath, [script, ...args], (_error, stdout, stderr) =>
      resolve({ status: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

describe('one peer’s ledger', () => spoiltLedgerCases(() => copy));
describe('a grant that the chaincode would never have written', () => forgedGrantCases(() => copy));
describe('a register that nobody signed', () => forgedRegisterCases(() => copy));
describe('vaults', () => vaultCases(() => copy));
describe('custodians', () => custodianCases(() => copy));
describe('release logs', () => releaseLogCases(() => copy));

describe('data that nobody touched', () => {
  it('passes every check while the network is at work', () => {
    expect(liveReports.flatMap(({ checks }) => checks.flatMap((check) => check.findings))).toEqual([]);
    const transactions = liveReports.map(({ checks }) => checks[0]?.counts.transactions ?? 0);
    expect(transactions.at(-1)).toBeGreaterThan(transactions[0] ?? 0);
    expect(liveReports.map(({ ok, running }) => ok && running)).toEqual(liveReports.map(() => true));
  });

  it('passes every check when it is stopped, and is left as it was', async () => {
    const before = fingerprint(copy.dataDir);
    const { checks, ok, running } = await copy.look({ decisions: true });
    expect({ ok, running }).toEqual({ ok: true, running: false });
    const counts = (name: string, organisation: string) =>
      checks
        .filter(({ check, organisation: of }) => check === name && of === organisation)
        .map((check) => check.counts);
    expect(counts('lanes', A)[0]).toMatchObject({ lanes: 3 });
    expect(counts('consents', B)).toEqual([{ grants: 2, revocations: 1, policies: 1 }]);
    // Two additions; five openings, of which one was refused; and those of who was kept busy.
    expect(counts('decisions', A)[0]?.decisions).toBeGreaterThan(7);
    expect(counts('vault', 'network')[0]).toMatchObject({ records: 3, reasons: 1 });
    expect(counts('custody', A)[0]?.releases).toBeGreaterThan(4);
    expect(counts('custody', A)).toContainEqual({ shares: 3 });
    expect(fingerprint(copy.dataDir)).toEqual(before);
  });

  it('can be looked at in part', async () => {
    const { checks } = await copy.look({ mspId: B, vault: false, custody: false });
    expect(new Set(checks.map(({ check }) => check))).toEqual(
      new Set(['peer', 'agreement', 'orderer', 'lanes', 'register', 'consents']),
    );
    expect(checks.filter(({ check }) => check === 'peer').map(({ organisation }) => organisation)).toEqual([B]);
  });
});

describe('the command', () => {
  it('ends with 0 when all is well, with 1 and a line when not, with 2 when it cannot look', async () => {
    const clean = await run('--data', copy.dataDir);
    expect(clean).toMatchObject({ status: 0, stderr: '' });
    expect(clean.stdout).toMatch(/^OK {3}blocks and state +HospitalAMSP +\d+ blocks/m);
    await flipState(copy.dataDir, A, grantKey(copy.story.patientId, copy.story.grantId));
    const spoilt = await run('--data', copy.dataDir);
    expect(spoilt.status).toBe(1);
    expect(spoilt.stdout).toMatch(
      /^ {5}HospitalAMSP · state: state medledger\/"grant~.*digest.* → Stop the network and/m,
    );
    const json = await run('--data', copy.dataDir, '--json');
    expect(json.status).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: false, running: false });
    const missing = await run('--data', join(copy.dataDir, 'nothing'));
    expect(missing.status).toBe(2);
    expect(missing.stderr).toMatch(/^There is no folder .*--data\.\n$/);
    expect((await run('--unknown')).status).toBe(2);
  });

  it('says what it cannot look at', async () => {
    expect(await refusal(copy.look({ mspId: 'InsurerMSP' }))).toMatch(/^CannotLook: There is no peer of Ins/);
    renameSync(join(copy.dataDir, 'ledger'), join(copy.dataDir, 'fabric'));
    expect(await refusal(copy.look())).toMatch(/^CannotLook: .* has no folder fabric\/nodes/);
    rmSync(join(copy.dataDir, 'fabric'), { recursive: true });
    expect(await refusal(copy.look())).toMatch(/^CannotLook: .* has no folder ledger\/peers/);
  });
});

describe('healing', () => {
  it('a rebuilt state passes, and the old one is kept', async () => {
    await writeState(copy.dataDir, A, { [memberKey('doctor-a')]: undefined });
    expect(await copy.findings({ mspId: A })).not.toEqual([]);
    const done = await rebuildPeerState({ dataDir: copy.dataDir, topology, mspId: A });
    expect(done).toMatch(/^HospitalAMSP: state made again from \d+ blocks; the old one is .*state\.replaced$/);
    expect(await copy.findings()).toEqual([]);
  });

  it('refuses to rebuild beside a running network, an unknown peer, or from damaged blocks', async () => {
    expect(liveRebuild).toMatch(/^CannotLook: A network is running on .*: stop it first\.$/);
    const rebuild = (mspId: string) => refusal(rebuildPeerState({ dataDir: copy.dataDir, topology, mspId }));
    expect(await rebuild('InsurerMSP')).toBe('CannotLook: InsurerMSP has no peer to rebuild.');
    flipByte(onlyFile(join(copy.peer(A), 'blocks'), '.frames'), 3000);
    expect(await rebuild(A)).toMatch(
      /^CannotLook: BLOCK_CORRUPT: .* Stop the network, move .* away and start it again/,
    );
  });

  it('a peer folder that was moved away is filled anew by the next start', async () => {
    renameSync(copy.peer(A), join(copy.dataDir, 'moved-away'));
    rmSync(join(copy.peer(B), 'state'), { recursive: true });
    const found = await copy.findings();
    expect(found).toContain(`peer ${A} · ${copy.peer(A)}: the peer has no blocks`);
    expect(found).toContain(`peer ${B} · ${copy.peer(B)}: the peer has no state database`);
    expect(found.filter((line) => line.startsWith('lanes'))).toEqual([]);
    const again = await runNetwork({ dataDir: copy.dataDir });
    await again.stop();
    expect(await copy.findings()).toEqual([]);
  });
});
