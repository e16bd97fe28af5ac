import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { limits } from '@medledger/chaincode/domain';
import type { BenchMembers, BenchPatient } from '../bench-members.js';
import { requireThat } from '../bench-failure.js';
import { barePort, type PeerOrganisation, withPeer } from '../bench-ports.js';
import { chaincodePlans } from '../../start/network-plans.js';
import { type BenchProcesses, barePlan } from '../bench-processes.js';
import type { BenchPlace } from '../bench-place.js';
import { type Figure, figureOf, interleave, keepInFlight } from '../figure.js';
import { LaneWriter, parseAnswer } from '../lane-writer.js';
import { connectMemoryPeer, type MemoryState, proposalMaker, type Simulated } from '../memory-peer.js';
import { cpuMsOf } from '../process-cpu.js';
import { oneRecord } from '../sample-records.js';

export interface ChaincodeCpu {
  readonly figures: readonly Figure[];
  /** CPU of one records:add in a long lane, in microseconds. */
  readonly addCpuUs: number;
}

interface Lanes {
  readonly title: string;
  /** Entries of each patient's lane before the transaction that is measured. */
  readonly entries: number;
}

const LONG: Lanes = { title: 'a lane of 40 entries', entries: 40 };
const SHORT: Lanes = { title: `a lane of 8, checked whole up to ${limits.WHOLE_LANE_CHECK_ENTRIES_MAX}`, entries: 8 };
const IN_FLIGHT = 50;
const WARM_UP = 1_000;
const PER_ROUND = 1_000;
const TARGET = 1.5;

/** A chaincode process under load. */
interface Driven {
  readonly name: string;
  /** host:port. */
  readonly address: string;
  readonly pid: number;
  readonly isBare: boolean;
}

interface PreparedLanes extends Lanes {
  readonly samples: readonly Sample[];
  readonly state: MemoryState;
}

/** A transaction that can be simulated again and again: nothing of it is committed. */
interface Sample {
  readonly patient: BenchPatient;
  readonly args: readonly string[];
  readonly expected: Simulated;
}

/**
 * CPU of the chaincode process for records:add over that of a bare shim which makes the same state calls, is given
 * arguments and gives an answer of the same sizes. The ledger's own side of the stream drives both.
 */
export async function measureChaincodeCpu(
  place: BenchPlace,
  processes: BenchProcesses,
  options: { readonly members: BenchMembers; readonly rounds: number },
): Promise<ChaincodeCpu> {
  const { topology } = place;
  const [first, second] = withPeer(topology);
  const [plan] = chaincodePlans(place, topology);
  if (first === undefined || second === undefined || plan === undefined) return missing();
  const ours: Driven = {
    name: 'medledger',
    address: `127.0.0.1:${first.peer.chaincodePort}`,
    pid: await processes.start(plan),
    isBare: false,
  };
  const [short, long] = await prepareLanes(topology.channel, ours, options.members);
  const plansFile = join(place.dataDir, 'plans.json');
  writeFileSync(plansFile, JSON.stringify([...short.samples, ...long.samples].map(planOf)));
  const startBare = async (organisation: PeerOrganisation, unformatted: boolean): Promise<Driven> => ({
    name: 'bare',
    address: `127.0.0.1:${barePort(topology, organisation.mspId)}`,
    pid: await processes.start(barePlan(place, topology, organisation, { plansFile, unformatted })),
    isBare: true,
  });
  const bare = await startBare(first, false);
  const unformatted = await startBare(second, true);
  const run = { ours, bare, unformatted, channel: topology.channel, rounds: options.rounds };
  const longFigure = await figureFor({ ...long, planFrom: short.samples.length }, run);
  const shortFigure = await figureFor({ ...short, planFrom: 0 }, run);
  await processes.stopAll();
  return { figures: [longFigure, shortFigure], addCpuUs: longFigure.measured.median };
}

/** Lanes of both lengths, each with the state that they lie in; the same patients. */
async function prepareLanes(
  channel: string,
  chaincode: Driven,
  members: BenchMembers,
): Promise<readonly [PreparedLanes, PreparedLanes]> {
  const state: MemoryState = new Map();
  const peer = await connectMemoryPeer(chaincode, state);
  const writer = new LaneWriter(channel, peer);
  await writer.found(members);
  const prepare = async (lanes: Lanes): Promise<PreparedLanes> => {
    const samples = await samplesOf(writer, members.patients, lanes);
    return { ...lanes, samples, state: new Map(state) };
  };
  const short = await prepare(SHORT);
  const long = await prepare(LONG);
  peer.close();
  return [short, long];
}

async function figureFor(
  lanes: PreparedLanes & { readonly planFrom: number },
  run: {
    readonly ours: Driven;
    readonly bare: Driven;
    readonly unformatted: Driven;
    readonly channel: string;
    readonly rounds: number;
  },
): Promise<Figure> {
  const ours = await loadOn(run.ours, lanes, run.channel);
  const bare = await loadOn(run.bare, lanes, run.channel);
  const rounds = await interleave(run.rounds, { measured: ours.cpuUs, baseline: bare.cpuUs });
  const unformatted = await loadOn(run.unformatted, lanes, run.channel);
  const unformattedUs = await unformatted.cpuUs();
  for (const load of [ours, bare, unformatted]) load.close();
  const { gets, puts } = lanes.samples[0]?.expected ?? missing();
  return figureOf({
    title: `chaincode CPU, records:add / bare shim with the same state calls, ${lanes.title}`,
    unit: 'µs of CPU',
    target: { comparison: 'at most', value: TARGET },
    names: { measured: 'records:add', baseline: 'bare shim' },
    rounds,
    notes: [
      `${gets.length} gets, ${puts.length} puts, one message each by the bare shim; ${IN_FLIGHT} in flight, ${PER_ROUND} transactions a round`,
      // So much of the bare shim's time is its logging, which the product's chaincode has cut off.
      `a bare shim that formats no line below the log level: ${unformattedUs.toFixed(0)} µs`,
    ],
  });
}

interface Load {
  /** CPU of the chaincode's process for one transaction. */
  readonly cpuUs: () => Promise<number>;
  readonly close: () => void;
}

/** Warmed up when it resolves. */
async function loadOn(
  { pid, isBare, ...service }: Driven,
  { samples, state, planFrom }: PreparedLanes & { readonly planFrom: number },
  channel: string,
): Promise<Load> {
  const peer = await connectMemoryPeer(service, state);
  const propose = proposalMaker(channel);
  const run = (count: number): Promise<void> =>
    keepInFlight({ count, inFlight: IN_FLIGHT }, async (index) => {
      const at = index % samples.length;
      const { patient, args, expected } = samples[at] ?? missing();
      const name = isBare ? `plan:${planFrom + at}` : 'records:add';
      requireSame(await peer.simulate(propose(patient.identity, name, args)), expected, isBare);
    });
  await run(WARM_UP);
  return {
    cpuUs: async () => {
      const beforeMs = cpuMsOf([pid]);
      await run(PER_ROUND);
      return ((cpuMsOf([pid]) - beforeMs) * 1000) / PER_ROUND;
    },
    close: () => peer.close(),
  };
}

/** Every answer of a measurement is looked at: the same calls, the same sizes, and of ours a permit at its place. */
function requireSame(simulated: Simulated, expected: Simulated, isBare: boolean): void {
  const isSame =
    simulated.gets.length === expected.gets.length &&
    simulated.puts.length === expected.puts.length &&
    simulated.answer.length === expected.answer.length;
  requireThat(isSame, 'a simulation made other state calls than the one it repeats');
  if (isBare) return;
  const { outcome, entry } = parseAnswer(simulated.answer);
  requireThat(outcome.outcome === 'permit', 'a records:add was not permitted');
  requireThat(entry.sequence === parseAnswer(expected.answer).entry.sequence, 'an entry came to another place');
}

/** Brings every patient's lane to its length and takes the next transaction as the sample. */
async function samplesOf(
  writer: LaneWriter,
  patients: readonly BenchPatient[],
  { entries }: Lanes,
): Promise<readonly Sample[]> {
  return Promise.all(
    patients.map(async (patient) => {
      while (writer.tip(patient).sequence < entries) await writer.add(patient);
      const args = writer.callOf(patient, 'records:add', await oneRecord(patient));
      return { patient, args, expected: await writer.simulate(patient, 'records:add', args) };
    }),
  );
}

function planOf({ expected }: Sample): object {
  const { gets, puts, answer } = expected;
  return { gets: gets.map(({ key }) => key), puts, answerBytes: Buffer.byteLength(answer) };
}

function missing(): never {
  throw new Error('invariant failed: lanes and samples are there');
}
