import { rm } from 'node:fs/promises';
import { pino } from 'pino';
import { startDevLedger } from '../../network/devledger/dev-ledger.js';
import { ChaincodeProcesses } from './chaincode-processes.js';
import { chaincodeTlsFolder, conformanceMembers, peerOrganisationOf } from './conformance-members.js';
import { type LedgerUnderTest, PEERS } from './ledger-under-test.js';

/** The embedded ledger, in this process; its chaincode runs in processes of its own. */
export async function startDevLedgerUnderTest(): Promise<LedgerUnderTest> {
  const { topology, dataDir, revoked } = await conformanceMembers();
  const chaincodes = new ChaincodeProcesses(
    PEERS.map((mspId) => {
      const { domain, peer } = peerOrganisationOf(topology, mspId);
      const packageId = `${topology.chaincode.name}:${mspId}`;
      return { mspId, port: peer.chaincodePort, packageId, tlsFolder: chaincodeTlsFolder(dataDir, domain) };
    }),
  );
  await chaincodes.startAll();
  const log = pino({ level: process.env.LEDGER_TEST_LOG ?? 'silent' });
  const ledger = await startDevLedger({ topology, dataDir, log });
  return {
    name: 'devledger',
    topology,
    dataDir,
    revoked,
    endpointOf(mspId) {
      const endpoint = ledger.endpoints.find((candidate) => candidate.mspId === mspId);
      if (endpoint === undefined) throw new Error(`${mspId} has no peer that serves`);
      return endpoint;
    },
    stopChaincode: (mspId) => chaincodes.stop(mspId),
    startChaincode: (mspId) => chaincodes.start(mspId),
    async stop() {
      await ledger.stop();
      await chaincodes.stopAll();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
