import { randomBytes } from 'node:crypto';
import type { AddedRecord } from '../../gateway/services/medledger.js';
import { addFile, listRecords, open, sendFile, verification } from './care.js';
import { eventually, untilTrue } from './eventually.js';
import { jsonOf, type Member, problemOf } from './member.js';

/** A record whose addition was answered with 201. */
export interface Acknowledged {
  readonly recordId: string;
  readonly bytes: Buffer;
}

export interface LoadCounts {
  readonly added: number;
  readonly opened: number;
}

/** One patient who adds a file, opens one of the earlier ones, and so on. */
export interface Load {
  readonly member: Member;
  counts(): LoadCounts;
  /** Lets the call that runs end. @returns what was acknowledged, and the codes of what was not */
  stop(): Promise<{ readonly acknowledged: readonly Acknowledged[]; readonly refusals: readonly string[] }>;
}

const SIZE_BYTES = 2_000;
const CHECKS_AT_ONCE = 8;

export function keepBusy(member: Member): Load {
  let isStopping = false;
  let opened = 0;
  const acknowledged: Acknowledged[] = [];
  const refusals: string[] = [];
  const add = async () => {
    const bytes = randomBytes(SIZE_BYTES);
    const reply = await sendFile(member, member.memberId, { bytes });
    if (reply.status === 201) acknowledged.push({ recordId: jsonOf<AddedRecord>(reply).recordId, bytes });
    else refusals.push(`add ${problemOf(reply).code}`);
  };
  const openOne = async ({ recordId, bytes }: Acknowledged) => {
    const reply = await open(member, recordId);
    if (reply.status === 200 && reply.bytes.equals(bytes)) opened += 1;
    else refusals.push(`open ${reply.status === 200 ? 'other bytes' : problemOf(reply).code}`);
  };
  const run = async () => {
    while (!isStopping) {
      await add();
      const earlier = acknowledged[Math.floor(Math.random() * acknowledged.length)];
      if (earlier !== undefined) await openOne(earlier);
    }
  };
  const running = run();
  // Told when it is stopped; until then a failure is no stray rejection.
  running.catch(() => undefined);
  return {
    member,
    counts: () => ({ added: acknowledged.length, opened }),
    stop: async () => {
      isStopping = true;
      await running;
      return { acknowledged, refusals };
    },
  };
}

/** Waits until every load has added and opened as many more as asked for. @returns what they did meanwhile */
export async function untilBusy(loads: readonly Load[], more: number): Promise<LoadCounts> {
  const before = loads.map(({ counts }) => counts());
  const done = () =>
    loads.map(({ counts }, at) => {
      const { added, opened } = counts();
      return { added: added - (before[at]?.added ?? 0), opened: opened - (before[at]?.opened ?? 0) };
    });
  const last = await untilTrue(
    async () => done(),
    (counts) => counts.every(({ added, opened }) => added >= more && opened >= more),
  );
  return {
    added: last.reduce((sum, { added }) => sum + added, 0),
    opened: last.reduce((sum, { opened }) => sum + opened, 0),
  };
}

/** @returns how many of the acknowledged records are listed, and open with their bytes */
export async function foundOf(member: Member, acknowledged: readonly Acknowledged[]): Promise<number> {
  const listed = new Set((await listRecords(member, member.memberId)).map(({ recordId }) => recordId));
  let found = 0;
  for (let at = 0; at < acknowledged.length; at += CHECKS_AT_ONCE) {
    const replies = acknowledged.slice(at, at + CHECKS_AT_ONCE).map(async ({ recordId, bytes }) => {
      const reply = await open(member, recordId);
      return listed.has(recordId) && reply.status === 200 && reply.bytes.equals(bytes);
    });
    found += (await Promise.all(replies)).filter(Boolean).length;
  }
  const { ok } = await verification(member, member.memberId);
  if (!ok) throw new Error(`the lanes of ${member.memberId} are broken`);
  return found;
}

/** Adds a file and opens it, as soon as the member's gateway lets it. */
export async function addAndOpen(member: Member): Promise<Acknowledged> {
  const bytes = randomBytes(SIZE_BYTES);
  const { recordId } = await eventually(() => addFile(member, member.memberId, { bytes }));
  const reply = await open(member, recordId);
  if (reply.status !== 200 || !reply.bytes.equals(bytes)) throw new Error(`open: ${reply.status} ${reply.bytes}`);
  return { recordId, bytes };
}
