import { hash } from 'node:crypto';
import type { RulesByBlock } from '../commit/rules-by-block.js';
import { hashNamespace, parseNamespace } from '../commit/state-namespaces.js';
import { keyHash } from '../endorse/private-simulation.js';
import { type CollectionName, missingSetKey, parsePrivateStateKey } from '../private-data/private-rows.js';
import type { Finding } from './finding.js';
import { StateCorruptError } from './ledger-errors.js';
import { digestOf, type ReplayedState, type ReplayedValue } from './replayed-state.js';
import { openRow } from './row.js';
import { kindRange, printable, readVersion, VERSION_BYTES } from './row-keys.js';
import type { StateDatabase } from './state-database.js';

export interface PrivateComparison {
  readonly findings: readonly Finding[];
  /** Private values that were held against their hashes. */
  readonly rows: number;
}

/**
 * Compares a peer's private values with the hashes that the blocks have of them: each value has its hash, and each hash
 * in a collection that the peer is a member of has its value, unless the peer says itself that it never got it.
 *
 * @param rules - tell the members; where left out, values that are missing are not looked for
 */
export async function comparePrivate(
  peer: string,
  database: StateDatabase,
  replayed: { readonly state: ReplayedState; readonly unreadable: readonly number[]; readonly rules?: RulesByBlock },
): Promise<PrivateComparison> {
  const findings: Finding[] = [];
  const found = (where: string, detail: string) => findings.push({ peer, kind: 'state', where, detail });
  const seen = new Set<ReplayedValue>();
  let rows = 0;
  try {
    for await (const [key, row] of database.rawRows(kindRange('privateState'))) {
      rows += 1;
      const name = parsePrivateStateKey(key);
      const expected = replayed.state.get(hashNamespace(name.namespace, name.collection), keyHash(name.key));
      if (expected !== undefined) seen.add(expected);
      const fault = rowFault({ payload: openRow(key, row), expected }, database, replayed.unreadable);
      if (fault !== undefined) found(describe(name, printable(name.key)), fault);
    }
  } catch (error) {
    if (!(error instanceof StateCorruptError)) throw error;
    found('private data', error.message);
  }
  for (const value of missingValues(peer, replayed, seen).filter((each) => !isNoted(database, each))) {
    const where = describe(parsed(value), `with the hash ${value.key.slice(0, 16)}…`);
    found(where, `missing; block ${value.version.blockNumber} wrote it`);
  }
  return { findings, rows };
}

interface PrivateRow {
  readonly payload: Buffer | undefined;
  readonly expected: ReplayedValue | undefined;
}

function rowFault(row: PrivateRow, database: StateDatabase, unreadable: readonly number[]): string | undefined {
  const { payload, expected } = row;
  if (expected !== undefined && isOutdated(payload, expected) && isNoted(database, expected)) return undefined;
  return valueFault(payload, expected, unreadable);
}

/** The value before the one that the peer never got; it is given to nobody. */
function isOutdated(payload: Buffer | undefined, { writtenAt }: ReplayedValue): boolean {
  return payload !== undefined && readVersion(payload, 0).blockNumber < writtenAt.blockNumber;
}

function valueFault(
  payload: Buffer | undefined,
  expected: ReplayedValue | undefined,
  unreadable: readonly number[],
): string | undefined {
  if (payload === undefined) return 'the stored bytes do not match their digest';
  if (unreadable.includes(readVersion(payload, 0).blockNumber)) return undefined;
  if (expected === undefined) return 'no block has a hash of it';
  const valueHash = hash('sha256', payload.subarray(VERSION_BYTES), 'buffer');
  return digestOf(valueHash) === expected.valueDigest ? undefined : 'its value does not match the hash in the blocks';
}

/** Hashes whose values the peer should have, and does not show. */
function missingValues(
  peer: string,
  { state, unreadable, rules }: Parameters<typeof comparePrivate>[2],
  seen: ReadonlySet<ReplayedValue>,
): ReplayedValue[] {
  // Blocks that cannot be read may have deleted what earlier ones wrote.
  const newestUnreadable = unreadable.at(-1) ?? -1;
  return [...state.values()].filter((value) => {
    const { kind, chaincode, collection } = parseNamespace(value.namespace);
    if (kind !== 'hash' || seen.has(value) || value.version.blockNumber <= newestUnreadable) return false;
    const members = rules?.at(value.version.blockNumber).channel.collection(chaincode, collection);
    return members?.isMember({ mspId: peer, ou: 'peer' }) === true;
  });
}

/** Whether the peer knows that it was not given the value; it asks the others for it while it runs. */
function isNoted(database: StateDatabase, value: ReplayedValue): boolean {
  return [value.version, value.writtenAt].some((version) => {
    try {
      return database.get(missingSetKey({ ...parsed(value), ...version })) !== undefined;
    } catch (error) {
      if (error instanceof StateCorruptError) return false;
      throw error;
    }
  });
}

function parsed({ namespace }: ReplayedValue): CollectionName {
  const { chaincode, collection } = parseNamespace(namespace);
  return { namespace: chaincode, collection };
}

function describe({ namespace, collection }: CollectionName, key: string): string {
  return `private data of ${namespace}, collection ${collection}, key ${key}`;
}
