import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials } from '@grpc/grpc-js';
import { peer } from '@hyperledger/fabric-protos';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startDevLedger } from '../../../network/devledger/dev-ledger.js';
import type { LedgerTopology } from '../../../network/topology.js';
import { type StrangerClient, strangerClient, twoOrganisations } from '../ledger-product/stranger.js';
import { IS_FULL } from './fault-runs.js';

const LIVES = IS_FULL ? 50 : 5;
/** For a start and for a stop each: a hang, and not a busy machine. */
const HANG_MS = 60_000;

let dataDir: string;
let topology: LedgerTopology;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'start-stop-'));
  topology = await twoOrganisations();
});
afterAll(() => {
  rmSync(dataDir, { recursive: true, force: true });
});

async function inTime<T>(what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} hangs`)), HANG_MS);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** Those who do not go by themselves: a reader of blocks to come, and one that dialled in and says nothing. */
async function lingerers(client: StrangerClient): Promise<() => void> {
  const events = await client.gateway.getNetwork('mychannel').getBlockEvents();
  const first = events[Symbol.asyncIterator]().next();
  // It ends with the ledger.
  first.catch(() => undefined);
  const port = topology.organisations[0]?.peer?.chaincodePort;
  const dialling = new peer.ChaincodeSupportClient(`127.0.0.1:${port}`, credentials.createInsecure());
  dialling.register().on('error', () => undefined);
  return () => {
    events.close();
    dialling.close();
  };
}

it(
  `starts and stops ${LIVES} times in a row, with clients that hold on to it`,
  async () => {
    for (let life = 0; life < LIVES; life += 1) {
      const ledger = await inTime(`start ${life}`, startDevLedger({ topology, dataDir, operations: true }));
      const client = strangerClient(dataDir, ledger.endpoints[0] ?? { address: '', host: '' });
      const letGo = await lingerers(client);
      const height = await client.contract('qscc').evaluateTransaction('GetChainInfo', 'mychannel');
      expect(height.length).toBeGreaterThan(0);
      await inTime(`stop ${life}`, ledger.stop());
      letGo();
      client.close();
      expect({ life, setAside: [...ledger.setAside] }).toEqual({ life, setAside: [] });
    }
  },
  LIVES * HANG_MS,
);
