import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { accessLog, jobUntil } from '../support/care.js';
import { untilTrue } from '../support/eventually.js';
import { IS_FULL } from '../support/full-run.js';
import { jsonOf, type Member, type Reply, send, signIn, signUp } from '../support/member.js';
import { type RunningNetwork, runNetwork } from '../support/running-network.js';
import { newSecrets, type Secrets, snapshotOf, type Stock, stockOf } from './stock.js';
import { type Try, triesOf } from './tries.js';

jest.setTimeout(900_000);

const TRIES = IS_FULL ? Number.POSITIVE_INFINITY : 300;
const FULL_TRIES_MIN = 2_000;
const AT_ONCE = 8;

/** To none of them the victim has given anything. */
const STAFF = ['doctor-a', 'doctor-a-2', 'nurse-a', 'insurer-1', 'admin-a'];

let network: RunningNetwork;
let victim: Member;
let victimSecrets: Secrets;
let victimStock: Stock;
let accompliceStock: Stock;
let attackers: ReadonlyMap<string, Member>;
/** Of the victim; and all that its own routes tell, as it was before. */
let needles: readonly string[];
let before: string;

beforeAll(async () => {
  network = await runNetwork({ doctors: 4 });
  victim = await signUp(network.gatewayUrl('HospitalAMSP'));
  const accomplice = await signUp(network.gatewayUrl('HospitalBMSP'));
  const representative = await signUp(network.gatewayUrl('HospitalAMSP'));
  victimSecrets = newSecrets();
  const doctorOf = (memberId: string) => signIn(network.credential(memberId));
  const doctor = await doctorOf('doctor-b');
  victimStock = await stockOf(victim, { doctor, representative, secrets: victimSecrets });
  const helped = { doctor: await doctorOf('doctor-a'), representative: accomplice, secrets: newSecrets() };
  const other = await signUp(network.gatewayUrl('HospitalBMSP'));
  accompliceStock = await stockOf(accomplice, { ...helped, representative: other });
  const staff = await Promise.all(STAFF.map(doctorOf));
  attackers = new Map([...staff, accomplice].map((member) => [member.memberId, member]));
  before = await snapshotOf(victim);
  const { content, reason } = victimSecrets;
  const ids = Object.values(victimStock).filter((id) => id !== victim.memberId);
  needles = [content, Buffer.from(content).toString('base64').slice(4, 40), reason, ...ids];
});

afterAll(async () => {
  await network?.stop();
  network?.remove();
});

/** Of the victim, without what the request itself has named. */
function leaksIn(reply: Reply, { call }: Try): readonly string[] {
  const asked = `${call.path} ${JSON.stringify(call.body ?? {})}`;
  const told = `${reply.bytes.toString('latin1')} ${JSON.stringify([...reply.headers])}`;
  return needles.filter((needle) => told.includes(needle) && !asked.includes(needle));
}

/** Answered with nothing: an empty page, or an emergency in which every record is refused. */
function isEmpty(reply: Reply): boolean {
  if (!(reply.headers.get('content-type') ?? '').startsWith('application/json')) return false;
  const { items, records } = jsonOf<{ items?: object[]; records?: { outcome: string }[] }>(reply);
  return (items ?? records?.filter(({ outcome }) => outcome === 'permit'))?.length === 0;
}

/** @returns what is wrong with the answer; undefined where nothing got through */
async function wrongWith(attacker: Member, made: Try): Promise<string | undefined> {
  const reply = await attacker.send(made.call);
  const leaks = leaksIn(reply, made);
  if (leaks.length > 0) return `${made.name}: told ${leaks.join(', ')}`;
  if (reply.status >= 500) return `${made.name}: ${reply.status} ${reply.bytes}`;
  if (reply.status >= 400 || made.isAboutSelf || isEmpty(reply)) return undefined;
  if (reply.status === 202) return wrongWithJob(attacker, made, jsonOf<{ jobId: string }>(reply).jobId);
  return `${made.name}: ${reply.status} ${reply.bytes}`;
}

async function wrongWithJob(attacker: Member, { name }: Try, jobId: string): Promise<string | undefined> {
  const { status } = await jobUntil(attacker, jobId);
  return status === 'failed' ? undefined : `${name}: the job is ${status}`;
}

/** Every n-th of them, so that each attacker and each source of ids has its part. */
function someOf<T>(items: readonly T[], count: number): readonly T[] {
  const step = Math.max(1, items.length / count);
  return Array.from({ length: Math.min(count, items.length) }, (_, at) => items[Math.floor(at * step)] as T);
}

async function eachAtOnce<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const worker = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

describe('tries at what is somebody else’s', () => {
  it('none gets through', async () => {
    const all = [...attackers.values()].flatMap((attacker) =>
      triesOf(attacker.memberId, victimStock, accompliceStock).map((made) => ({ attacker, made })),
    );
    const chosen = someOf(all, TRIES);
    const wrong: string[] = [];
    await eachAtOnce(chosen, async ({ attacker, made }) => {
      const found = await wrongWith(attacker, made);
      if (found !== undefined) wrong.push(found);
    });
    process.stdout.write(`${chosen.length} of ${all.length} tries across objects, ${wrong.length} got through\n`);
    expect(wrong).toEqual([]);
    if (IS_FULL) expect(chosen.length).toBeGreaterThanOrEqual(FULL_TRIES_MIN);
  });

  it('nothing of the victim has changed, and its log permits nobody but those it chose', async () => {
    expect(await snapshotOf(victim)).toBe(before);
    const log = await untilTrue(
      () => accessLog(victim, victim.memberId),
      (items) => items.length > 0,
    );
    const permitted = log.filter(({ actor, outcome }) => attackers.has(actor.memberId) && outcome === 'permit');
    expect(permitted).toEqual([]);
  });
});

describe('access tokens', () => {
  const partOf = (token: string, at: number) => token.split('.')[at] ?? '';
  const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

  it('of another gateway, changed or unsigned: none is taken', async () => {
    const { memberId, password } = network.credential('doctor-a');
    const url = network.gatewayUrl('HospitalAMSP');
    const session = await send(url, { method: 'POST', path: '/v1/sessions', body: { memberId, password } });
    const { accessToken } = jsonOf<{ accessToken: string }>(session);
    const [head, claims, signature] = [0, 1, 2].map((at) => partOf(accessToken, at));
    const said = JSON.parse(Buffer.from(claims ?? '', 'base64url').toString()) as object;
    const asVictim = encoded({ ...said, sub: victim.memberId, role: 'patient' });
    const forged = [
      `${head}.${asVictim}.${signature}`,
      `${encoded({ alg: 'none', typ: 'JWT' })}.${asVictim}.`,
      `${encoded({ alg: 'none', typ: 'JWT' })}.${claims}.${signature}`,
      `${head}.${encoded({ ...said, exp: 9_999_999_999 })}.${signature}`,
      `${head}.${claims}.`,
      `${head}.${claims}`,
      'x.y.z',
    ];
    const own = { method: 'GET', path: '/v1/members/me' } as const;
    expect((await send(url, own, accessToken)).status).toBe(200);
    const statuses = await Promise.all(forged.map(async (token) => (await send(url, own, token)).status));
    const elsewhere = ['HospitalBMSP', 'GovernmentMSP', 'InsurerMSP'].map((mspId) => network.gatewayUrl(mspId));
    for (const other of elsewhere) statuses.push((await send(other, own, accessToken)).status);
    expect(statuses).toEqual(statuses.map(() => 401));
  });
});
