import { randomBytes } from 'node:crypto';
import {
  canonicalJson,
  formatStatement,
  type GrantBody,
  type GrantId,
  grantId,
  headerOf,
  formatLaneProof,
  headerHash,
  keyHashOf,
  type LaneAnswer,
  type PatientId,
  recordIdOf,
  solve,
  statementBytes,
  tipOf,
  toBase64url,
  utf8ToBytes,
} from '@medledger/chaincode/domain';
import { requireThat } from '../bench-failure.js';
import type { BenchMembers, BenchPatient } from '../bench-members.js';
import type { BenchPlace } from '../bench-place.js';
import { withPeer } from '../bench-ports.js';
import { chaincodePlans } from '../../start/network-plans.js';
import type { BenchProcesses } from '../bench-processes.js';
import { type Figure, figureOf, interleave, keepInFlight } from '../figure.js';
import { LaneWriter, parseAnswer } from '../lane-writer.js';
import { connectMemoryPeer, type MemoryPeer, type MemoryState, proposalMaker } from '../memory-peer.js';
import { cpuMsOf } from '../process-cpu.js';
import { oneRecord } from '../sample-records.js';

const TARGET = 1.3;
const FEW = 10;
const MANY = 10_000;
const IN_FLIGHT = 50;
const WARM_UP = 500;
const PER_ROUND = 1_000;
const YEAR_MS = 365 * 86_400_000;

interface Run {
  readonly channel: string;
  readonly address: string;
  readonly pid: number;
}

/** An opening that can be simulated again and again: nothing of it is committed. */
interface Opening {
  readonly reader: BenchPatient;
  readonly args: readonly string[];
}

/**
 * CPU of the chaincode process for one access:open: of a patient who gave 10,000 grants, 10 of them to the reader, over
 * one who gave those 10 alone.
 */
export async function measureDecision(
  place: BenchPlace,
  processes: BenchProcesses,
  options: { readonly members: BenchMembers; readonly rounds: number },
): Promise<Figure> {
  const { topology } = place;
  const [organisation] = withPeer(topology);
  const [plan] = chaincodePlans(place, topology);
  const [owner, reader] = options.members.patients;
  if (organisation === undefined || plan === undefined || owner === undefined || reader === undefined) return missing();
  const address = `127.0.0.1:${organisation.peer.chaincodePort}`;
  const run = { channel: topology.channel, address, pid: await processes.start(plan) };
  const { few, many, opening } = await prepare(run, { members: options.members, owner, reader });
  const ofMany = await loadOn(run, many, opening);
  const ofFew = await loadOn(run, few, opening);
  const rounds = await interleave(options.rounds, { measured: ofMany.cpuUs, baseline: ofFew.cpuUs });
  for (const load of [ofMany, ofFew]) load.close();
  await processes.stopAll();
  return figureOf({
    title: `chaincode CPU, access:open of a patient with ${MANY} grants / with ${FEW}`,
    unit: 'µs of CPU',
    target: { comparison: 'at most', value: TARGET },
    names: { measured: `${MANY} grants`, baseline: `${FEW} grants` },
    rounds,
    notes: [`${FEW} of them to the reader; ${many.size - few.size} keys more in state; ${PER_ROUND} openings a round`],
  });
}

async function prepare(
  run: Run,
  { members, owner, reader }: { members: BenchMembers; owner: BenchPatient; reader: BenchPatient },
): Promise<{ few: MemoryState; many: MemoryState; opening: Opening }> {
  const few: MemoryState = new Map();
  const peer = await connectMemoryPeer({ name: 'medledger', address: run.address }, few);
  const writer = new LaneWriter(run.channel, peer);
  await writer.found(members);
  const business = await oneRecord(owner);
  await writer.commit(owner, 'records:add', business);
  const ids: GrantId[] = [];
  for (let index = 0; index < FEW; index += 1) ids.push(await grantTo(run.channel, writer, owner, reader));
  const args = await openingArgs(run.channel, peer, { owner, reader, recordId: recordIdOf(business.setId, 0) });
  peer.close();
  return {
    few,
    many: withOthers(few, { owner: owner.patientId, reader: reader.patientId, ids }),
    opening: { reader, args },
  };
}

async function grantTo(
  channel: string,
  writer: LaneWriter,
  owner: BenchPatient,
  reader: BenchPatient,
): Promise<GrantId> {
  const { patientId, identity } = owner;
  const id = newGrantId();
  const body: GrantBody = {
    grantee: { kind: 'person', id: reader.patientId },
    actions: ['read'],
    scope: {},
    purpose: 'TREAT',
    fromMs: 0,
    untilMs: Date.now() + YEAR_MS,
  };
  const text = formatStatement({ channel, patientId, kind: 'grant', id, version: 1, keyEpoch: 0, body });
  const grant = { text, signature: toBase64url(await identity.signStatement(statementBytes(text))) };
  await writer.commit(owner, 'consents:grant', { patientId, grant });
  return id;
}

/** The reader's lane about the owner has no entry yet: its head is asked for, as the gateway does. */
async function openingArgs(
  channel: string,
  peer: MemoryPeer,
  { owner, reader, recordId }: { owner: BenchPatient; reader: BenchPatient; recordId: string },
): Promise<readonly string[]> {
  const { patientId } = owner;
  const asked = proposalMaker(channel)(reader.identity, 'audit:head', [canonicalJson({ patientId })]);
  const tip = tipOf(parseHead((await peer.simulate(asked)).answer).head);
  const oneTimeKey = toBase64url(randomBytes(32));
  const businessJson = canonicalJson({ patientId, recordIds: [recordId], purpose: 'TREAT', oneTimeKey });
  const keyHash = keyHashOf(reader.identity.signingPublicKeySpki);
  const memberId = reader.patientId;
  const header = headerOf({ channel, transaction: 'access:open', businessJson, memberId, keyHash, patientId, tip });
  const { difficulty } = tip;
  const solution = solve({ headerHash: headerHash(header), difficulty, attemptsMax: difficulty * 64 });
  return [businessJson, formatLaneProof({ ...tip, nonce: solution?.nonceHex ?? '' })];
}

function parseHead(answer: string): LaneAnswer {
  return JSON.parse(answer) as LaneAnswer;
}

/** The same state with the grants once more for each of many other people, FEW to each. */
function withOthers(
  few: MemoryState,
  { owner, reader, ids }: { owner: PatientId; reader: PatientId; ids: readonly GrantId[] },
): MemoryState {
  const many: MemoryState = new Map(few);
  const isOfGrants = (key: string) =>
    key.startsWith(`grantee~${owner}~`) || ids.some((id) => key.startsWith('grant') && key.endsWith(id));
  const rows = [...few].filter(([key]) => isOfGrants(key));
  for (let other = 1; other < MANY / FEW; other += 1) {
    const names = new Map<string, string>([[reader, `p-other-${other}`]]);
    for (const id of ids) names.set(id, newGrantId());
    for (const [key, value] of rows)
      many.set(renamed(key, names), utf8ToBytes(renamed(Buffer.from(value).toString('utf8'), names)));
  }
  return many;
}

function renamed(text: string, names: ReadonlyMap<string, string>): string {
  let result = text;
  for (const [from, to] of names) result = result.replaceAll(from, to);
  return result;
}

async function loadOn({ address, pid, channel }: Run, state: MemoryState, { reader, args }: Opening) {
  const peer = await connectMemoryPeer({ name: 'medledger', address }, state);
  const propose = proposalMaker(channel);
  const load = (count: number): Promise<void> =>
    keepInFlight({ count, inFlight: IN_FLIGHT }, async () => {
      const { answer } = await peer.simulate(propose(reader.identity, 'access:open', args));
      requireThat(parseAnswer(answer).outcome.outcome === 'permit', 'an opening was not permitted');
    });
  await load(WARM_UP);
  return {
    cpuUs: async () => {
      const beforeMs = cpuMsOf([pid]);
      await load(PER_ROUND);
      return ((cpuMsOf([pid]) - beforeMs) * 1000) / PER_ROUND;
    },
    close: () => peer.close(),
  };
}

function newGrantId(): GrantId {
  return grantId(`g${randomBytes(16).toString('hex')}`, '/grantId');
}

function missing(): never {
  throw new Error('invariant failed: organisations and patients are there');
}
