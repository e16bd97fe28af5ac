import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CONSENSUS } from '../support/running-network.js';
import { conformanceDefinition } from './conformance-collections.js';
import { startDevLedgerUnderTest } from './devledger.js';
import { DifferentialRun } from './differential.js';
import type { Step } from './differential-kinds.js';
import { codesByBlock, commitHashFaults } from './differential-outcomes.js';
import { StepGenerator } from './differential-steps.js';
import { startFabricUnderTest } from './fabric.js';
import type { LedgerUnderTest } from './ledger-under-test.js';

/** DIFFERENTIAL_SEED tries another sequence; a failure names the step and the seed. */
const SEED = Number(process.env.DIFFERENTIAL_SEED ?? '20260801');
const TRANSACTIONS_MIN = Number(process.env.DIFFERENTIAL_TRANSACTIONS ?? '500');
const RUN_MS = 15 * 60_000;
/** Long enough for what is to be in one block; one orderer, because several do not keep the order of submission. */
const NETWORK = { batchTimeoutMs: 500, orderers: 1 };
/** As many are told at once, unless what follows would differ because of them. */
const DIFFERENCES_MAX = 8;

// A second copy of a transaction is a duplicate in a block by Raft, as on the embedded ledger, and in none by BFT.
const hasFabric = (process.env.FABRIC_BIN ?? '') !== '' && CONSENSUS === 'raft';

(hasFabric ? describe : describe.skip)('the embedded ledger beside real Fabric (needs FABRIC_BIN, and Raft)', () => {
  const ledgers: LedgerUnderTest[] = [];
  const runs: DifferentialRun[] = [];

  beforeAll(async () => {
    // One after the other: what the second one finds free would otherwise be the first one's too.
    for (const start of [startFabricUnderTest, startDevLedgerUnderTest]) ledgers.push(await start(NETWORK));
    for (const ledger of ledgers) runs.push(await DifferentialRun.open(ledger));
  });

  afterAll(async () => {
    for (const run of runs) run.close();
    await Promise.all(ledgers.map((ledger) => ledger.stop()));
  });

  it(
    `does the same with at least ${TRANSACTIONS_MIN} transactions of seed ${SEED}`,
    async () => {
      const [fabric, devledger] = runs;
      if (fabric === undefined || devledger === undefined) throw new Error('the ledgers do not run');
      const height = Math.max(await fabric.height(), await devledger.height());
      await Promise.all(runs.map((run) => run.padTo(height)));
      expect(await compare(fabric, devledger)).toEqual([]);
      const [theirs, ours] = [await fabric.blocks(height), await devledger.blocks(height)];
      expect(codesByBlock(ours)).toEqual(codesByBlock(theirs));
      expect(await devledger.delivered(height)).toEqual(await fabric.delivered(height));
      expect(await devledger.state()).toEqual(await fabric.state());
      const definitions = ledgers.slice(0, 1).map(({ topology }) => conformanceDefinition(topology));
      // Fabric's own commit hashes come out of our rules, and ours too.
      expect(await commitHashFaults(theirs, definitions)).toEqual([]);
      expect(await commitHashFaults(ours, definitions)).toEqual([]);
    },
    RUN_MS,
  );
});

async function compare(fabric: DifferentialRun, devledger: DifferentialRun): Promise<unknown[]> {
  const steps = new StepGenerator(SEED);
  const differences: unknown[] = [];
  for (let number = 0; differences.length < DIFFERENCES_MAX; number += 1) {
    if (fabric.transactions >= TRANSACTIONS_MIN) break;
    const step: Step = steps.next();
    const [theirs, ours] = await Promise.all([fabric.do(step, number), devledger.do(step, number)]);
    if (JSON.stringify(theirs) !== JSON.stringify(ours))
      differences.push({ number, step, fabric: theirs, devledger: ours });
    if (differences.length > 0 && (await fabric.height()) !== (await devledger.height())) break;
  }
  return differences;
}
