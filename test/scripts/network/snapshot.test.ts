import { spawn } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { whileFrozen } from '../../../scripts/network/frozen-processes.js';
import { liveAWhile, keepBusy, type SampleStory } from '../../network/verify/sample-story.js';
import { flipByte } from '../../network/verify/spoil.js';
import { open } from '../../support/care.js';
import { untilTrue } from '../../support/eventually.js';
import { signIn } from '../../support/member.js';
import { runVerb, type VerbEnded } from '../../support/network-verb.js';
import { type RunningNetwork, runNetwork } from '../../support/running-network.js';

let network: RunningNetwork;
let story: SampleStory;
let folder: string;
let live: VerbEnded;
let liveAgain: VerbEnded;

const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'medledger-snapshots-'));
  network = await runNetwork();
  story = await liveAWhile(network);
  const busy = keepBusy(network, story);
  live = await runVerb('snapshot', '--data', network.dataDir, '--out', at('live'), '--json');
  liveAgain = await runVerb('snapshot', '--data', network.dataDir, '--out', at('live'));
  await busy.stop();
  await network.stop();
});
afterAll(async () => {
  await network?.stop();
  network?.remove();
  rmSync(folder, { recursive: true, force: true });
});

describe('a snapshot', () => {
  it('of a network at work is one moment of it: restored, it verifies, starts and opens records', async () => {
    expect(live).toMatchObject({ status: 0 });
    const { pausedMs, heights } = JSON.parse(live.stdout) as { pausedMs: number; heights: Record<string, number> };
    expect(pausedMs).toBeLessThan(5_000);
    expect(Object.values(heights).every((height) => height > 5)).toBe(true);
    const restored = await runVerb('restore', '--from', at('live'), '--data', at('restored'));
    expect(restored).toMatchObject({ status: 0, stdout: expect.stringMatching(/All \d+ checks passed\.\n$/) });
    const again = await runNetwork({ dataDir: at('restored'), portBase: network.portBase });
    try {
      const doctor = await signIn(again.credential('doctor-a'));
      expect(await open(doctor, story.small.recordId)).toMatchObject({ status: 200 });
    } finally {
      await again.stop();
    }
    const checked = await runVerb('snapshot', '--data', at('restored'), '--out', at('second'), '--json');
    expect(JSON.parse(checked.stdout)).not.toHaveProperty('pausedMs');
  });

  it('is its owner’s alone, as the keys in it are, and leaves logs out', () => {
    expect(statSync(at('live')).mode & 0o077).toBe(0);
    expect(statSync(join(at('live'), 'manifest.json')).mode & 0o077).toBe(0);
    expect(existsSync(join(at('live'), 'data/logs'))).toBe(false);
  });

  it('does not overwrite another one', () => {
    expect(liveAgain.status).toBe(1);
    expect(liveAgain.stderr).toMatch(/is there already; choose another folder with --out\.\n$/);
  });
});

describe('restore refuses', () => {
  const refusal = async (spoil: (snapshot: string) => void): Promise<string> => {
    const snapshot = mkdtempSync(at('spoilt-'));
    cpSync(at('live'), snapshot, { recursive: true });
    spoil(snapshot);
    const target = `${snapshot}-target`;
    const { status, stderr } = await runVerb('restore', '--from', snapshot, '--data', target);
    expect(status).toBe(1);
    expect(existsSync(target)).toBe(false);
    return stderr.replaceAll(snapshot, 'SNAPSHOT');
  };
  const change = (file: string, from: RegExp, to: string) =>
    writeFileSync(file, readFileSync(file, 'utf8').replace(from, to));

  it.each([
    {
      what: 'a changed file',
      spoil: (snapshot: string) => flipByte(join(snapshot, 'data/register.json'), 50),
      says: 'The snapshot SNAPSHOT is damaged: register.json is not what was put there; nothing was restored.',
    },
    {
      what: 'a missing file',
      spoil: (snapshot: string) => rmSync(join(snapshot, 'data/gateways/HospitalAMSP/custodian.key')),
      says: 'gateways/HospitalAMSP/custodian.key is missing',
    },
    {
      what: 'a file that was put in',
      spoil: (snapshot: string) => appendFileSync(join(snapshot, 'data/organizations/more.pem'), 'x'),
      says: 'it holds organizations/more.pem, which its manifest does not name',
    },
    {
      what: 'a changed manifest',
      spoil: (snapshot: string) => change(join(snapshot, 'manifest.json'), /"wasRunning": true/, '"wasRunning": false'),
      says: 'its manifest.json was changed',
    },
    {
      what: 'one of another version',
      spoil: (snapshot: string) => change(join(snapshot, 'manifest.json'), /"format": 1/, '"format": 9'),
      says: 'SNAPSHOT was made by another version (format 9; this one reads 1)',
    },
    {
      what: 'what is no snapshot',
      spoil: (snapshot: string) => rmSync(join(snapshot, 'manifest.json')),
      says: 'SNAPSHOT is no snapshot: it has no manifest.json',
    },
  ])('$what', async ({ spoil, says }) => {
    expect(await refusal(spoil)).toContain(says);
  });

  it('a data folder that holds something', async () => {
    const { status, stderr } = await runVerb('restore', '--from', at('live'), '--data', network.dataDir);
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining('is not empty; move it away') });
  });
});

describe('processes that stand still', () => {
  it('do so for a few seconds at most', async () => {
    const tooLong = whileFrozen([], async (signal) => {
      for (;;) {
        signal.throwIfAborted();
        await wait(50);
      }
    });
    await expect(tooLong).rejects.toThrow(/cannot be copied within 5 s; stop the network first/);
  });

  const stateOf = (pid: number) => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.charAt(0);

  it('go on when the one that stopped them is killed', async () => {
    const victim = spawn(process.execPath, ['-e', 'setInterval(() => {}, 10)'], { stdio: 'ignore' });
    const pid = victim.pid ?? 0;
    const module = pathToFileURL(join(process.cwd(), 'dist/scripts/network/frozen-processes.js')).href;
    const code = `import(${JSON.stringify(module)}).then((m) => m.whileFrozen([${pid}], () => new Promise((r) => setTimeout(r, 60000))))`;
    const freezer = spawn(process.execPath, ['-e', code], { stdio: 'ignore' });
    try {
      await untilTrue(
        async () => stateOf(pid),
        (state) => state === 'T',
      );
      freezer.kill('SIGKILL');
      await untilTrue(
        async () => stateOf(pid),
        (state) => state !== 'T',
      );
      await wait(50);
      expect(stateOf(pid)).not.toBe('T');
    } finally {
      freezer.kill('SIGKILL');
      victim.kill('SIGKILL');
    }
  });
});
