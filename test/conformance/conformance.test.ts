import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { describeChaincodeCalls } from './chaincode-calls-conformance.js';
import { describeCollections } from './collections-conformance.js';
import { describeConflicts } from './conflicts-conformance.js';
import { startDevLedgerUnderTest } from './devledger.js';
import { describeDiscovery } from './discovery-conformance.js';
import { describeEndorsement } from './endorsement-conformance.js';
import { describeFailures } from './failures-conformance.js';
import { startFabricUnderTest } from './fabric.js';
import { describeMembers } from './members-conformance.js';
import { describeOddBytes } from './odd-bytes-conformance.js';
import { describeProposals } from './proposals-conformance.js';
import { describeDeliver } from './deliver-conformance.js';
import { describeEvents } from './events-conformance.js';
import { describeQueries } from './queries-conformance.js';
import { describePlainServices } from './plain-services-conformance.js';
import { describeReadWriteSets } from './read-write-sets-conformance.js';
import { describeState } from './state-conformance.js';
import { describeSystemChaincodes } from './system-chaincodes-conformance.js';
import { describeSubmission } from './submission-conformance.js';
import { describeKeyPolicies } from './key-policies-conformance.js';
import { describePrivateData } from './private-data-conformance.js';
import type { LedgerUnderTest } from './ledger-under-test.js';
import { CONSENSUS } from '../support/running-network.js';

/** What the gateway relies on from a ledger, in Fabric's words. */
const SUITES = [
  describeEndorsement,
  describeConflicts,
  describeOddBytes,
  describeProposals,
  describeMembers,
  describeSubmission,
  describeState,
  describeReadWriteSets,
  describeEvents,
  describeDeliver,
  describeQueries,
  describeFailures,
  describeChaincodeCalls,
  describeKeyPolicies,
  describePrivateData,
  describeCollections,
  describeSystemChaincodes,
  describePlainServices,
  describeDiscovery,
];

function describeLedger(name: string, start: () => Promise<LedgerUnderTest>, startMs: number): void {
  describe(name, () => {
    let running: LedgerUnderTest | undefined;

    beforeAll(async () => {
      running = await start();
    }, startMs);

    afterAll(() => running?.stop());

    const ledger = () => {
      if (running === undefined) throw new Error(`${name} does not run`);
      return running;
    };
    for (const suite of SUITES) suite(ledger);
  });
}

describeLedger('the embedded ledger', startDevLedgerUnderTest, 60_000);

if (process.env.FABRIC_BIN === undefined || process.env.FABRIC_BIN === '') {
  it.skip('real Fabric: set FABRIC_BIN to the bin folder of a Fabric 3.1 release', () => undefined);
} else {
  describeLedger(`real Fabric, orderers by ${CONSENSUS}`, startFabricUnderTest, 120_000);
}
