import { describe, expect, it } from '@jest/globals';
import { nextDefinition } from '../../../network/fabric/bring-up.js';
import { parseMetric } from '../../../network/fabric/operations.js';

describe('nextDefinition', () => {
  it.each([
    { name: 'nothing committed', committed: undefined, sequence: 1 },
    { name: 'the same version', committed: { version: '1.0', sequence: 3 }, sequence: 3 },
    { name: 'another version', committed: { version: '0.9', sequence: 3 }, sequence: 4 },
  ])('$name: sequence $sequence', ({ committed, sequence }) => {
    expect(nextDefinition(committed, '1.0')).toEqual({ version: '1.0', sequence });
  });
});

describe('parseMetric', () => {
  const TEXT = [
    '# TYPE consensus_etcdraft_is_leader gauge',
    'consensus_etcdraft_is_leader{channel="medledger"} 1',
    'consensus_etcdraft_is_leader{channel="other"} 0',
    'consensus_etcdraft_is_leader_changes{channel="medledger"} 7',
    '',
  ].join('\n');

  it('reads each labelled value, and no metric that only begins alike', () => {
    expect([...parseMetric(TEXT, 'consensus_etcdraft_is_leader')]).toEqual([
      ['channel="medledger"', 1],
      ['channel="other"', 0],
    ]);
  });

  it('a metric that is not there has no values', () => {
    expect(parseMetric(TEXT, 'ledger_blockchain_height').size).toBe(0);
  });
});
