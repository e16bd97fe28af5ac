import {
  DomainError,
  LOG_ACTIONS,
  type LaneEntry,
  type Outcome,
  parseGrantStatement,
  parseLaneEntry,
  parseOutcome,
} from '@medledger/chaincode/domain';
import { type ActivityCount, activityOf } from './activity-counts.js';
import type { ProjectedBlock, ProjectedTransaction, ProjectedWrite } from './projected-block.js';

export interface MemberFacts {
  readonly memberId: string;
  readonly role: string;
  readonly agencyId?: string;
  readonly organisation: string;
  readonly keyCustody: string;
}

export interface UnreadableWrite {
  readonly key: string;
  readonly reason: string;
}

/** What one transaction means to the read models. Nothing, unless it is valid. */
export interface TransactionFacts {
  readonly members: readonly MemberFacts[];
  readonly entries: readonly LaneEntry[];
  readonly activity: readonly ActivityCount[];
  /** Writes that are not what their key promises: noted and passed over, so that one cannot stop all that follow. */
  readonly unreadable: readonly UnreadableWrite[];
}

class Unreadable extends Error {}

const NOTHING: TransactionFacts = { members: [], entries: [], activity: [], unreadable: [] };
const DAY_CHARACTERS = 10;
/** 9999-12-31T23:59:59.999Z */
const LATEST_MS = 253_402_300_799_999;

export function factsOf(transaction: ProjectedTransaction): TransactionFacts {
  if (transaction.validationCode !== 'VALID') return NOTHING;
  const unreadable: UnreadableWrite[] = [];
  const read = <T>(prefix: string, parse: (write: ProjectedWrite) => T): T[] =>
    transaction.writes
      .filter(({ key, isDelete }) => key.startsWith(prefix) && !isDelete)
      .flatMap((write) => parseOrNote(write, parse, unreadable));
  const members = read('member~', parseMember);
  const entries = read('entry~', parseEntry);
  const grantedClasses = read('grant~', parseGrantedClasses)[0];
  const activity = entries.flatMap(({ entry, outcome }) =>
    activityOf({ day: dayOf(entry.timeMs), outcome, grantedClasses }),
  );
  return { members, entries: entries.map(({ entry }) => entry), activity, unreadable };
}

/** Of the latest transaction; a client may claim any time, so it is cut to what a date can show. */
export function blockTimeOf(block: ProjectedBlock): number | undefined {
  const times = block.transactions.map(({ timestampMs }) => shownTime(timestampMs));
  return times.length === 0 ? undefined : times.reduce((latest, time) => Math.max(latest, time));
}

export function shownTime(timestampMs: number): number {
  return Number.isFinite(timestampMs) ? Math.trunc(Math.min(Math.max(timestampMs, 0), LATEST_MS)) : 0;
}

/** ISO date in UTC. */
export function dayOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, DAY_CHARACTERS);
}

function parseOrNote<T>(write: ProjectedWrite, parse: (write: ProjectedWrite) => T, noted: UnreadableWrite[]): T[] {
  try {
    return [parse(write)];
  } catch (error) {
    // Anything else is a fault of this program: it must stop the projection, not empty it.
    if (!(error instanceof Unreadable || error instanceof DomainError || error instanceof SyntaxError)) throw error;
    noted.push({ key: write.key, reason: error.message });
    return [];
  }
}

function parseEntry({ key, value }: ProjectedWrite): { entry: LaneEntry; outcome: Outcome } {
  const entry = parseLaneEntry(value);
  const [, patientId, memberId, sequence] = key.split('~');
  const fits = entry.patientId === patientId && entry.memberId === memberId && entry.sequence === Number(sequence);
  if (!fits) throw new Unreadable('the entry is not the one that its key names');
  const outcome = parseOutcome(entry.outcome);
  // What reads the log later must not be the first to meet an outcome that is none.
  if (!isOutcome(outcome)) throw new Unreadable('the entry has no outcome');
  return { entry, outcome };
}

function isOutcome(value: unknown): boolean {
  const { action, items = [], sets = [] } = parseFields(value);
  const areSets = Array.isArray(sets) && sets.every((set) => Array.isArray(parseFields(set).classes));
  return LOG_ACTIONS.some((known) => known === action) && Array.isArray(items) && items.every(isObject) && areSets;
}

function parseMember({ key, value }: ProjectedWrite): MemberFacts {
  const { memberId, role, agencyId, organisation, keyCustody } = parseObject(value);
  const facts = [memberId, role, organisation, keyCustody].every((fact) => typeof fact === 'string');
  if (!facts || key !== `member~${memberId}`) throw new Unreadable('the member is not the one that its key names');
  return {
    memberId: String(memberId),
    role: String(role),
    organisation: String(organisation),
    keyCustody: String(keyCustody),
    ...(typeof agencyId === 'string' && { agencyId }),
  };
}

/** @returns undefined where the grant is about every class */
function parseGrantedClasses({ value }: ProjectedWrite): readonly string[] | undefined {
  const { grant } = parseObject(value);
  const { text } = parseObject(JSON.stringify(grant));
  return parseGrantStatement(String(text)).body.scope.classes;
}

function parseObject(json: string): { readonly [name: string]: unknown } {
  const value: unknown = JSON.parse(json);
  if (!isObject(value)) throw new Unreadable('the value is no object');
  return parseFields(value);
}

/** Of anything else than an object: no fields. */
function parseFields(value: unknown): { readonly [name: string]: unknown } {
  return isObject(value) ? (value as { readonly [name: string]: unknown }) : {};
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
