import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { addBundle, bundleBytes, giveGrant, listRecords, metricsOf, open } from '../support/care.js';
import { type Member, signIn, signUp } from '../support/member.js';
import { type RunningNetwork, runNetwork } from '../support/running-network.js';

const DOCTORS = 16;
const RECORDS = 40;
/** A few seconds on a machine with nothing else to do; what hangs takes longer than this. */
const DEADLINE_MS = 120_000;
/** 40 openings of one doctor ride along in few entries. */
const TRANSACTIONS_MAX = 8;

let network: RunningNetwork;
let doctors: readonly Member[];
let recordIds: readonly string[];

beforeAll(async () => {
  network = await runNetwork({ doctors: DOCTORS });
  const patient = await signUp(network.gatewayUrl('HospitalAMSP'));
  await addBundle(patient, bundleBytes('ezekiel'), 'ezekiel');
  const staff = network.credentials().filter(({ role }) => role === 'doctor');
  await Promise.all(staff.map(({ memberId }) => giveGrant(patient, { to: memberId })));
  doctors = await Promise.all(staff.map(signIn));
  recordIds = (await listRecords(patient, patient.memberId)).slice(0, RECORDS).map(({ recordId }) => recordId);
});

afterAll(async () => {
  await network?.stop();
  network?.remove();
});

interface LaneCounts {
  readonly transactions: number;
  readonly openings: number;
  readonly conflicts: number;
  readonly retries: number;
}

/** Of both hospitals' gateways together, since they started. */
async function laneCounts(): Promise<LaneCounts> {
  const urls = ['HospitalAMSP', 'HospitalBMSP'].map((mspId) => network.gatewayUrl(mspId));
  const metrics = await Promise.all(urls.map(metricsOf));
  const sum = (name: string) =>
    metrics
      .flatMap((samples) => [...samples])
      .filter(([sample]) => sample === name || sample.startsWith(`${name}{`))
      .reduce((total, [, value]) => total + value, 0);
  return {
    transactions: sum('medledger_opening_transactions_total'),
    openings: sum('medledger_openings_total'),
    conflicts: sum('medledger_lane_conflicts_total'),
    retries: sum('medledger_lane_retries_total'),
  };
}

interface Measured extends LaneCounts {
  readonly tookMs: number;
  readonly slowestMs: number;
  /** Transaction ids as the answers name them. */
  readonly named: ReadonlySet<string | null>;
}

async function openAtOnce(openings: readonly { doctor: Member; recordId: string }[]): Promise<Measured> {
  const before = await laneCounts();
  const startedMs = performance.now();
  const ends = await Promise.all(
    openings.map(async ({ doctor, recordId }) => {
      const reply = await open(doctor, recordId);
      return { ...reply, atMs: performance.now() - startedMs };
    }),
  );
  const tookMs = Math.round(performance.now() - startedMs);
  expect(ends.map(({ status }) => status)).toEqual(openings.map(() => 200));
  const after = await laneCounts();
  return {
    tookMs,
    slowestMs: Math.round(Math.max(...ends.map(({ atMs }) => atMs))),
    named: new Set(ends.map(({ headers }) => headers.get('x-transaction-id'))),
    transactions: after.transactions - before.transactions,
    openings: after.openings - before.openings,
    conflicts: after.conflicts - before.conflicts,
    retries: after.retries - before.retries,
  };
}

function print(name: string, { named: _named, slowestMs: _slowest, ...figures }: Measured): void {
  process.stdout.write(`${name}: ${JSON.stringify(figures)}\n`);
}

describe('many readers at once', () => {
  it('16 doctors open records of one patient, without a conflict between their lanes', async () => {
    expect(doctors.length).toBe(DOCTORS);
    const openings = doctors.map((doctor, at) => ({ doctor, recordId: recordIds[at % 4] ?? '' }));
    const measured = await openAtOnce(openings);
    print('16 doctors at once', measured);
    expect(measured.tookMs).toBeLessThan(DEADLINE_MS);
    expect(measured).toMatchObject({ openings: DOCTORS, transactions: DOCTORS });
    expect(measured.named.size).toBe(DOCTORS);
  });

  it('one doctor opens 40 records at once, in at most 8 transactions', async () => {
    const [doctor] = doctors;
    if (doctor === undefined) throw new Error('no doctor');
    const measured = await openAtOnce(recordIds.map((recordId) => ({ doctor, recordId })));
    print('one doctor, 40 records at once', measured);
    expect(measured.tookMs).toBeLessThan(DEADLINE_MS);
    expect(measured.openings).toBe(RECORDS);
    expect(measured.transactions).toBeLessThanOrEqual(TRANSACTIONS_MAX);
    expect(measured.named.size).toBe(measured.transactions);
  });

  it('16 doctors open 10 records each, all at once', async () => {
    const openings = doctors.flatMap((doctor) => recordIds.slice(0, 10).map((recordId) => ({ doctor, recordId })));
    const measured = await openAtOnce(openings);
    print('16 doctors, 10 records each at once', measured);
    expect(measured.tookMs).toBeLessThan(DEADLINE_MS);
    expect(measured.openings).toBe(openings.length);
    expect(measured.transactions).toBeLessThanOrEqual(DOCTORS * 3);
  });
});
