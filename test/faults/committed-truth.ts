import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type LaneEntry, type Outcome, parseOutcome } from '@medledger/chaincode/domain';
import { common } from '@hyperledger/fabric-protos';
import { readBlock } from '../../gateway/ledger/block-reader.js';
import { factsOf } from '../../gateway/projections/block-facts.js';
import type { Topology } from '../../network/topology.js';
import { readPeerBlocks } from '../../network/devledger/store/read-peer.js';
import { readReleaseLog } from '../../scripts/verify/release-log-file.js';

/** One record that a committed, valid entry permits somebody to read. */
export interface Permit {
  readonly transactionId: string;
  readonly memberId: string;
  readonly recordId: string;
  readonly timeMs: number;
  readonly grantId?: string;
}

/** What the blocks of one peer say, read without anything that runs. */
export interface CommittedTruth {
  readonly permits: readonly Permit[];
  /** Ids of all valid transactions. */
  readonly transactionIds: ReadonlySet<string>;
  readonly actions: ReadonlyMap<string, number>;
}

export async function readTruth(dataDir: string, mspId: string): Promise<CommittedTruth> {
  const permits: Permit[] = [];
  const transactionIds = new Set<string>();
  const actions = new Map<string, number>();
  for await (const { bytes } of readPeerBlocks({ mspId, directory: join(dataDir, 'ledger', 'peers', mspId) })) {
    const { transactions } = readBlock(common.Block.deserializeBinary(bytes));
    for (const transaction of transactions) {
      if (transaction.validationCode !== 'VALID') continue;
      transactionIds.add(transaction.txId);
      for (const entry of factsOf(transaction).entries) {
        const outcome = parseOutcome(entry.outcome);
        actions.set(outcome.action, (actions.get(outcome.action) ?? 0) + 1);
        permits.push(...permitsIn(entry, outcome));
      }
    }
  }
  return { permits, transactionIds, actions };
}

function permitsIn({ txId, memberId, timeMs }: LaneEntry, { items = [] }: Outcome): readonly Permit[] {
  return items.flatMap((item): readonly Permit[] => {
    if (item.outcome === 'deny') return [];
    const { recordId, basis } = item;
    const counted = 'grantId' in basis ? { grantId: basis.grantId } : {};
    return [{ transactionId: txId, memberId, timeMs, recordId, ...counted }];
  });
}

/** By `transaction record`: how many custodians have noted it. */
export interface CustodiansNotes {
  readonly released: ReadonlyMap<string, number>;
  readonly refused: ReadonlyMap<string, number>;
}

/** @throws Error for a log that was changed */
export async function readNotes(dataDir: string, topology: Topology): Promise<CustodiansNotes> {
  const released = new Map<string, number>();
  const refused = new Map<string, number>();
  const custodians = topology.organisations.filter(({ custodian }) => custodian);
  for (const { mspId } of custodians) {
    const notes = await notesOf(join(dataDir, 'gateways', mspId, 'custody', 'releases.log'));
    for (const name of notes.released) released.set(name, (released.get(name) ?? 0) + 1);
    for (const name of notes.refused) refused.set(name, (refused.get(name) ?? 0) + 1);
  }
  return { released, refused };
}

async function notesOf(file: string): Promise<Record<'released' | 'refused', ReadonlySet<string>>> {
  const released = new Set<string>();
  const refused = new Set<string>();
  if (!existsSync(file)) return { released, refused };
  for await (const line of readReleaseLog(file, Number.POSITIVE_INFINITY)) {
    if ('fault' in line) throw new Error(`${file}: ${line.fault}`);
    for (const release of line.releases) (release.refusedAs === undefined ? released : refused).add(nameOf(release));
  }
  return { released, refused };
}

export function nameOf({ transactionId, recordId }: { transactionId: string; recordId: string }): string {
  return `${transactionId} ${recordId}`;
}
