import { hash } from 'node:crypto';
import type { Finding } from '../../../network/devledger/store/finding.js';
import { digestOf, type ReplayedState, type ReplayedValue } from '../../../network/devledger/store/replayed-state.js';
import { printable } from '../../../network/devledger/store/row-keys.js';
import type { FabricState, ScannedRow } from './fabric-state.js';
import type { ReplayedBlocks } from './walk-fabric-blocks.js';
import { hashesBeside, stateKeyText } from './transaction-writes.js';

/** What came of it, and how many values there were. */
export interface StateComparison {
  readonly findings: readonly Finding[];
  readonly rows: number;
}

/**
 * Compares every live value with the state made again from the blocks. Fabric keeps no digest beside a value: this is
 * what notices a change.
 *
 * @param replayed.unreadable - numbers of blocks that could not be read; rows they may have written are not judged
 */
export function compareFabricState(peer: string, database: FabricState, replayed: ReplayedBlocks): StateComparison {
  const findings: Finding[] = [];
  const found = (namespace: string, key: string, detail: string) =>
    findings.push({ peer, kind: 'state', where: `state ${namespace}/${printable(key)}`, detail });
  const seen = new Set<ReplayedValue>();
  let rows = 0;
  for (const row of database.scan()) {
    rows += 1;
    const { isPrivate, expected } = expectedOf(row, replayed.state);
    if (expected !== undefined && !isPrivate) seen.add(expected);
    const detail = difference(row, expected, { unreadable: replayed.unreadable, isPrivate });
    if (detail !== undefined) found(row.namespace, stateKeyText(row.namespace, row.key), detail);
  }
  for (const { namespace, key, version } of missingIn(seen, replayed))
    found(namespace, key, `missing; block ${version.blockNumber} wrote it`);
  return { findings, rows };
}

/** A block that cannot be read may have deleted what an earlier one wrote. */
function missingIn(
  seen: ReadonlySet<ReplayedValue>,
  { state, unreadable }: { readonly state: ReplayedState; readonly unreadable: readonly number[] },
): readonly ReplayedValue[] {
  const newestUnreadable = unreadable.at(-1) ?? -1;
  return [...state.values()].filter((value) => !seen.has(value) && value.version.blockNumber > newestUnreadable);
}

/** What the blocks have of a row; of a private value the hash that everybody has. */
function expectedOf(
  { namespace, key }: ScannedRow,
  state: ReplayedState,
): { readonly isPrivate: boolean; readonly expected: ReplayedValue | undefined } {
  const beside = hashesBeside(namespace);
  if (beside === undefined) return { isPrivate: false, expected: state.get(namespace, stateKeyText(namespace, key)) };
  return { isPrivate: true, expected: state.get(beside, hash('sha256', key, 'hex')) };
}

function difference(
  { stored }: ScannedRow,
  expected: ReplayedValue | undefined,
  how: { readonly unreadable: readonly number[]; readonly isPrivate: boolean },
): string | undefined {
  if (stored === undefined) return 'its bytes are no value with a version';
  const { version, value } = stored;
  const { blockNumber, txNumber } = version;
  if (how.unreadable.some((number) => number >= blockNumber)) return undefined;
  if (expected === undefined) return `no block wrote it (it claims block ${blockNumber})`;
  if (blockNumber !== expected.version.blockNumber || txNumber !== expected.version.txNumber) {
    return (
      `it claims block ${blockNumber}, transaction ${txNumber}, but the newest write is in ` +
      `block ${expected.version.blockNumber}, transaction ${expected.version.txNumber}`
    );
  }
  const recorded = how.isPrivate ? hash('sha256', value, 'buffer') : value;
  if (digestOf(recorded) === expected.valueDigest) return undefined;
  return `its value is not the one block ${blockNumber}, transaction ${txNumber} wrote`;
}
