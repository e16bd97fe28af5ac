import { Counter, type Registry } from '@prometheus-io/client';
import type { LaneMetrics } from '../ledger/lane-metrics.js';

type CountOf = (metrics: LaneMetrics) => number;

const COUNTERS: readonly { readonly name: string; readonly help: string; readonly of: CountOf }[] = [
  { name: 'medledger_lane_transactions_total', help: 'Transactions committed as VALID', of: (m) => m.transactions },
  { name: 'medledger_lane_retries_total', help: 'New transactions made because of a conflict', of: (m) => m.retries },
  { name: 'medledger_openings_total', help: 'Records asked to be opened', of: (m) => m.openings },
  {
    name: 'medledger_opening_transactions_total',
    help: 'Transactions that opened them',
    of: (m) => m.openingTransactions,
  },
  { name: 'medledger_nonces_solved_total', help: 'Nonces solved', of: (m) => m.noncesSolved },
  { name: 'medledger_nonce_attempts_total', help: 'Hashes tried for them', of: (m) => m.nonceAttempts },
  {
    name: 'medledger_nonce_solving_seconds_total',
    help: 'Time spent solving, waiting for a thread included',
    of: (m) => m.solvingMs / 1000,
  },
];

/** What the ledger client counts, read when somebody asks for metrics. */
export function addLaneCounters(registry: Registry, metrics: LaneMetrics): void {
  const registers = [registry];
  for (const { name, help, of } of COUNTERS) {
    const counter: Counter = new Counter({
      name,
      help,
      registers,
      collect() {
        counter.reset();
        counter.inc(of(metrics));
      },
    });
  }
  const conflicts: Counter<'kind'> = new Counter({
    name: 'medledger_lane_conflicts_total',
    help: 'Conflicts that transactions met',
    labelNames: ['kind'],
    registers,
    collect() {
      conflicts.reset();
      for (const [kind, count] of Object.entries(metrics.conflicts)) conflicts.inc({ kind }, count);
    },
  });
}
