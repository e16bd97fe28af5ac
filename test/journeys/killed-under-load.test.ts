import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { slugOf } from '../../network/fabric/members.js';
import { leaderOf } from '../../network/fabric/operations.js';
import { addAndOpen, type Acknowledged, foundOf, keepBusy, untilBusy } from '../support/load.js';
import { type Member, signIn, signUp } from '../support/member.js';
import { LEDGER, ORDERERS, type RunningNetwork, runNetwork } from '../support/running-network.js';

/** What each gateway has to do before, while and after a process is down. */
const ROUNDS = 2;
/** Each stays down until the others have gone on without it: so long at least that orderers by BFT have missed their leader. */
const DOWN_MS_MIN = LEDGER === 'fabric' ? 20_000 : 0;
/** Nothing comes back by itself before. */
const RESTART_AFTER_MS = 600_000;
const ALL = ['HospitalAMSP', 'HospitalBMSP', 'GovernmentMSP'];
/** Those of Hospital B die; the others' members must not notice. */
const OTHERS = ['HospitalAMSP', 'GovernmentMSP'];

interface Victim {
  readonly what: string;
  readonly processName: () => Promise<string>;
  /** Whose gateways serve meanwhile. */
  readonly through: readonly string[];
}

const OF_FABRIC: readonly Victim[] = [
  { what: 'the leading orderer', processName: leader, through: ALL },
  { what: 'an orderer that follows', processName: follower, through: ALL },
  { what: 'a peer', processName: async () => 'peer-hospital-b', through: OTHERS },
];
/** The embedded ledger is one process, with nothing left that could go on: ledger-killed.test.ts has what it resumes. */
const VICTIMS: readonly Victim[] = [
  ...(LEDGER === 'fabric' ? OF_FABRIC : []),
  { what: 'a chaincode service', processName: async () => 'chaincode-hospital-b', through: OTHERS },
  {
    what: 'a gateway, which is a custodian and a vault',
    processName: async () => 'gateway-hospital-b',
    through: OTHERS,
  },
];

let network: RunningNetwork;
const patients = new Map<string, Member>();
const acknowledged = new Map<string, Acknowledged[]>(ALL.map((mspId) => [mspId, []]));

beforeAll(async () => {
  network = await runNetwork({ restartAfterMs: RESTART_AFTER_MS });
  for (const mspId of ALL) patients.set(mspId, await signUp(network.gatewayUrl(mspId)));
});

afterAll(async () => {
  await network?.stop();
  network?.remove();
});

describe.each(VICTIMS)('kill -9 of $what under load', ({ what, processName, through }) => {
  it('additions and openings go on through the other gateways while it is down, and it serves again after', async () => {
    const victim = await processName();
    const loads = through.map((mspId) => ({ mspId, load: keepBusy(patientOf(mspId)) }));
    const busy = loads.map(({ load }) => load);
    await untilBusy(busy, ROUNDS);
    const whileDown = await network.whileCrashed(victim, async () => {
      const killedAtMs = Date.now();
      const counts = await untilBusy(busy, ROUNDS);
      const tookMs = Date.now() - killedAtMs;
      await wait(Math.max(0, DOWN_MS_MIN - tookMs));
      return { ...counts, tookMs };
    });
    await untilBusy(busy, ROUNDS);
    const refusals: string[] = [];
    for (const { mspId, load } of loads) {
      const done = await load.stop();
      acknowledged.get(mspId)?.push(...done.acknowledged);
      refusals.push(...done.refusals);
    }
    process.stdout.write(`${what} (${victim}) down: ${JSON.stringify({ ...whileDown, refusals })}\n`);
    expect(refusals).toEqual([]);
    const after = await addAndOpen(await signIn(patientOf('HospitalBMSP')));
    acknowledged.get('HospitalBMSP')?.push(after);
  });
});

describe('after all of them', () => {
  it.each(ALL)('nothing that was acknowledged to the patient at %s is lost', async (mspId) => {
    const written = acknowledged.get(mspId) ?? [];
    const found = await foundOf(await signIn(patientOf(mspId)), written);
    process.stdout.write(`${mspId}: ${written.length} additions acknowledged, ${found} found\n`);
    expect(found).toBe(written.length);
    expect(written.length).toBeGreaterThan(0);
  });
});

function patientOf(mspId: string): Member {
  const patient = patients.get(mspId);
  if (patient === undefined) throw new Error(`no patient at ${mspId}`);
  return patient;
}

async function leader(): Promise<string> {
  const host = await leaderOf(network.topology, network.dataDir);
  if (host === undefined) throw new Error('no orderer leads');
  return slugOf(host);
}

async function follower(): Promise<string> {
  const leading = await leader();
  const found = ORDERERS.find((name) => name !== leading);
  if (found === undefined) throw new Error('no orderer follows');
  return found;
}
