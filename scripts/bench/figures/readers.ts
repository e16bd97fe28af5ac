import { randomBytes } from 'node:crypto';
import {
  formatStatement,
  grantId,
  type GrantBody,
  type RecordId,
  recordIdOf,
  statementBytes,
  toBase64url,
} from '@medledger/chaincode/domain';
import { requireThat } from '../bench-failure.js';
import type { BenchPatient } from '../bench-members.js';
import type { BenchNetwork } from '../bench-network.js';
import { type Figure, figureOf, interleave } from '../figure.js';
import { manyRecords } from '../sample-records.js';
import { median } from '../statistics.js';

export const READERS = 32;
const TARGET = 0.8;
const CONFLICT_SHARE_TARGET = 0.01;
const OPENINGS_PER_READER = 4;
const AT_ONCE = 100;
const DAY_MS = 86_400_000;

/** A record that this reader was granted. */
interface Readable {
  readonly reader: BenchPatient;
  readonly owner: BenchPatient;
  readonly recordId: RecordId;
}

/**
 * Openings a second by 32 readers at once: of one patient, over each of another patient. Each has a lane of its own, so
 * the one patient should cost nothing. Beside it, what one reader's 100 openings at once come to.
 *
 * @param options.patients - the one patient, and READERS more
 */
export async function measureReaders(
  network: BenchNetwork,
  options: { readonly patients: readonly BenchPatient[]; readonly rounds: number },
): Promise<Figure> {
  const [owner, ...readers] = options.patients;
  if (owner === undefined || readers.length < READERS) throw new Error('invariant failed: too few patients');
  const shared = await readableBy(network, owner, readers);
  const [recordId] = shared.recordIds;
  if (recordId === undefined) throw new Error('invariant failed: the patient has records');
  const onOne = readers.map((reader) => ({ reader, owner, recordId }));
  const onMany = await Promise.all(
    readers.map(async (reader, at) => {
      const other = readers[(at + 1) % readers.length] ?? owner;
      return (await readableBy(network, other, [reader])).first;
    }),
  );
  await rateOf(network, onMany);
  await rateOf(network, onOne);
  const conflicts: number[] = [];
  const rounds = await interleave(options.rounds, {
    measured: async () => {
      const before = conflictsOf(network);
      const rate = await rateOf(network, onOne);
      conflicts.push(conflictsOf(network) - before);
      return rate;
    },
    baseline: () => rateOf(network, onMany),
  });
  const share = conflicts.reduce((sum, count) => sum + count, 0) / (options.rounds * READERS * OPENINGS_PER_READER);
  const verdict = share <= CONFLICT_SHARE_TARGET ? 'PASS' : 'MISS';
  return figureOf({
    title: `openings a second, ${READERS} readers of one patient / of ${READERS} patients`,
    unit: 'openings/s',
    target: { comparison: 'at least', value: TARGET },
    names: { measured: 'one patient', baseline: `${READERS} patients` },
    rounds,
    notes: [
      `${verdict}  conflicts on the one patient: ${(share * 100).toFixed(2)} % of its openings (at most 1 %)`,
      await atOnce(network, shared.first.reader, { owner, recordIds: shared.recordIds }),
    ],
  });
}

/** The owner adds AT_ONCE records and grants all of them to each reader. */
async function readableBy(network: BenchNetwork, owner: BenchPatient, readers: readonly BenchPatient[]) {
  const { identity, patientId } = owner;
  const business = await manyRecords(owner, AT_ONCE);
  await network.chain.transact({ identity, name: 'records:addBatch', patientId, business });
  for (const reader of readers) await grantTo(network, owner, reader);
  const recordIds = business.sets.flatMap(({ setId, records }) => records.map((_, index) => recordIdOf(setId, index)));
  const [reader] = readers;
  const [recordId] = recordIds;
  if (reader === undefined || recordId === undefined) throw new Error('invariant failed: nobody reads');
  const first: Readable = { reader, owner, recordId };
  return { recordIds, first };
}

async function grantTo({ chain }: BenchNetwork, owner: BenchPatient, reader: BenchPatient): Promise<void> {
  const { channel, patientId, identity } = owner;
  const id = grantId(`g${randomBytes(16).toString('hex')}`, '/grantId');
  const body: GrantBody = {
    grantee: { kind: 'person', id: reader.patientId },
    actions: ['read'],
    scope: {},
    purpose: 'TREAT',
    fromMs: 0,
    untilMs: Date.now() + DAY_MS,
  };
  const text = formatStatement({ channel, patientId, kind: 'grant', id, version: 1, keyEpoch: 0, body });
  const grant = { text, signature: toBase64url(await identity.signStatement(statementBytes(text))) };
  await chain.transact({ identity, name: 'consents:grant', patientId, business: { patientId, grant } });
}

async function rateOf(network: BenchNetwork, readable: readonly Readable[]): Promise<number> {
  const startedMs = performance.now();
  await Promise.all(
    readable.map(async (one) => {
      for (let count = 0; count < OPENINGS_PER_READER; count += 1) await open(network, one);
    }),
  );
  return (readable.length * OPENINGS_PER_READER) / ((performance.now() - startedMs) / 1000);
}

async function open({ chain }: BenchNetwork, { reader, owner, recordId }: Readable): Promise<void> {
  const { identity } = reader;
  const { item } = await chain.open({ identity, patientId: owner.patientId, recordId, purpose: 'TREAT' });
  requireThat(item.outcome === 'permit', 'an opening was not permitted');
}

function conflictsOf({ chain }: BenchNetwork): number {
  return Object.values(chain.metrics.conflicts).reduce((sum, count) => sum + count, 0);
}

/** Until each is committed; custodians and decryption are not counted. */
async function atOnce(
  network: BenchNetwork,
  reader: BenchPatient,
  { owner, recordIds }: { owner: BenchPatient; recordIds: readonly RecordId[] },
): Promise<string> {
  const { metrics } = network.chain;
  const before = metrics.openingTransactions;
  const startedMs = performance.now();
  const tookMs = await Promise.all(
    recordIds.map(async (recordId) => {
      await open(network, { reader, owner, recordId });
      return performance.now() - startedMs;
    }),
  );
  const p99Ms = tookMs.toSorted((left, right) => left - right)[Math.ceil(tookMs.length * 0.99) - 1] ?? Number.NaN;
  const transactions = metrics.openingTransactions - before;
  const times = `p50 ${median(tookMs).toFixed(0)} ms, p99 ${p99Ms.toFixed(0)} ms until committed`;
  return `one reader, ${recordIds.length} openings at once: ${transactions} transactions, ${times}`;
}
