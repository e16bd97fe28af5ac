import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { LaneEntry } from '@medledger/chaincode/domain';
import { blockTimeOf, factsOf, type MemberFacts, shownTime, type UnreadableWrite } from './block-facts.js';
import type { ProjectedBlock, ProjectedTransaction } from './projected-block.js';
import { inTransaction } from './projection-database.js';

/** The last block that is in the read models. */
export interface Checkpoint {
  readonly number: number;
  readonly hash: string;
}

export interface BlockWriter {
  checkpoint(): Checkpoint | undefined;
  hashOf(blockNumber: number): string | undefined;
  /**
   * Puts one block into every read model, and with it the checkpoint. Follows the checkpoint, or is block 0.
   *
   * @returns writes that could not be read
   */
  write(block: ProjectedBlock): readonly UnreadableWrite[];
}

interface Statements {
  readonly insertBlock: StatementSync;
  readonly insertTransaction: StatementSync;
  readonly upsertMember: StatementSync;
  readonly findMember: StatementSync;
  readonly insertEntry: StatementSync;
  readonly addActivity: StatementSync;
  readonly insertUnreadable: StatementSync;
}

export function blockWriter(database: DatabaseSync): BlockWriter {
  const statements = prepareAll(database);
  const last = database.prepare('SELECT number, hash FROM blocks ORDER BY number DESC LIMIT 1');
  const hash = database.prepare('SELECT hash FROM blocks WHERE number = ?');
  return {
    checkpoint: () => parseCheckpoint(last.get()),
    hashOf: (blockNumber) => parseHash(hash.get(blockNumber)),
    write: (block) => {
      const unreadable: UnreadableWrite[] = [];
      inTransaction(database, () => {
        const { number, headerHash, previousHash, dataHash } = block;
        statements.insertBlock.run(number, headerHash, previousHash, dataHash, blockTimeOf(block) ?? null);
        for (const transaction of block.transactions)
          unreadable.push(...writeTransaction(statements, { blockNumber: number, transaction }));
      });
      return unreadable;
    },
  };
}

function writeTransaction(
  statements: Statements,
  at: { readonly blockNumber: number; readonly transaction: ProjectedTransaction },
): readonly UnreadableWrite[] {
  const { blockNumber, transaction } = at;
  const { txId, index, creator } = transaction;
  statements.insertTransaction.run(
    blockNumber,
    index,
    txId,
    shownTime(transaction.timestampMs),
    transaction.validationCode,
    transaction.transaction ?? null,
    creator.mspId,
    creator.memberId ?? null,
    JSON.stringify(transaction.endorserMspIds),
  );
  const facts = factsOf(transaction);
  // Members first: the entry of a registration names the member it makes.
  for (const { memberId, role, agencyId, organisation, keyCustody } of facts.members)
    statements.upsertMember.run(memberId, role, agencyId ?? null, organisation, keyCustody);
  for (const entry of facts.entries) writeEntry(statements, { ...at, entry });
  for (const { day, class: recordClass, records, openings, refusals, grants } of facts.activity)
    statements.addActivity.run(day, recordClass, records, openings, refusals, grants);
  for (const { key, reason } of facts.unreadable) statements.insertUnreadable.run(blockNumber, index, key, reason);
  return facts.unreadable;
}

/** The actor is written down as it was then: a role that changes later does not change the log. */
function writeEntry(
  statements: Statements,
  at: { readonly blockNumber: number; readonly transaction: ProjectedTransaction; readonly entry: LaneEntry },
): void {
  const { entry, transaction, blockNumber } = at;
  const actor = parseActor(statements.findMember.get(entry.memberId), transaction);
  statements.insertEntry.run(
    entry.patientId,
    blockNumber,
    transaction.index,
    entry.memberId,
    entry.sequence,
    transaction.txId,
    entry.timeMs,
    entry.entryHash,
    entry.outcome,
    actor.role,
    actor.agencyId ?? null,
    actor.organisation,
    actor.keyCustody,
  );
}

function prepareAll(database: DatabaseSync): Statements {
  return {
    insertBlock: database.prepare('INSERT INTO blocks VALUES (?, ?, ?, ?, ?)'),
    insertTransaction: database.prepare('INSERT INTO transactions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)'),
    upsertMember: database.prepare(
      `INSERT INTO members VALUES (?, ?, ?, ?, ?) ON CONFLICT (memberId) DO UPDATE SET
         role = excluded.role, agencyId = excluded.agencyId,
         organisation = excluded.organisation, keyCustody = excluded.keyCustody`,
    ),
    findMember: database.prepare('SELECT * FROM members WHERE memberId = ?'),
    insertEntry: database.prepare('INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'),
    addActivity: database.prepare(
      `INSERT INTO activity VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (day, class) DO UPDATE SET
         records = records + excluded.records, openings = openings + excluded.openings,
         refusals = refusals + excluded.refusals, grants = grants + excluded.grants`,
    ),
    insertUnreadable: database.prepare('INSERT INTO unreadable VALUES (?, ?, ?, ?)'),
  };
}

function parseActor(row: object | undefined, { creator }: ProjectedTransaction): Omit<MemberFacts, 'memberId'> {
  if (row === undefined) return { role: 'unknown', organisation: creator.mspId, keyCustody: 'unknown' };
  // The columns are STRICT and written by this file alone.
  const { role, agencyId, organisation, keyCustody } = row as MemberFacts & { agencyId: string | null };
  return { role, organisation, keyCustody, ...(agencyId !== null && { agencyId }) };
}

function parseCheckpoint(row: object | undefined): Checkpoint | undefined {
  return row === undefined ? undefined : { ...(row as Checkpoint) };
}

function parseHash(row: object | undefined): string | undefined {
  return (row as { hash: string } | undefined)?.hash;
}
