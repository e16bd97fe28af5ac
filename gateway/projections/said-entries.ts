import type { DatabaseSync } from 'node:sqlite';
import { type LogAction, type Outcome, parseOutcome } from '@medledger/chaincode/domain';

/** An entry by which somebody said something for the patient: a policy, a grant, a group, an appointment. */
export interface SaidEntry {
  readonly transactionId: string;
  readonly outcome: Outcome;
}

/** By what such an entry can be: a registration may bring the first policy. */
const SAYING: readonly LogAction[] = ['register', 'policy', 'grant', 'alter', 'approve', 'group', 'appoint'];

/** What was said about one patient before a place in the chain, newest first. */
export function saidReader(database: DatabaseSync) {
  const select = database.prepare(
    `SELECT txId, outcome FROM entries WHERE patientId = ? AND (blockNumber, place) < (?, ?)
       AND outcome ->> '$.action' IN (${SAYING.map((action) => `'${action}'`).join(', ')})
     ORDER BY blockNumber DESC, place DESC`,
  );
  return (patientId: string, place: { blockNumber: number; index: number }): readonly SaidEntry[] =>
    parseRows(select.all(patientId, place.blockNumber, place.index)).map(({ txId, outcome }) => ({
      transactionId: txId,
      outcome: parseOutcome(outcome),
    }));
}

/** The columns are STRICT and written by block-writer.ts alone. */
function parseRows(rows: unknown): readonly { txId: string; outcome: string }[] {
  return rows as readonly { txId: string; outcome: string }[];
}
