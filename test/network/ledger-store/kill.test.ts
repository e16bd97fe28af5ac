import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { parseBlock } from '../../../network/devledger/commit/block-codec.js';
import { deliverBlocks } from '../../../network/devledger/commit/deliver-blocks.js';
import { genesisBlock } from '../../../network/devledger/commit/genesis-block.js';
import { openPeerLedger } from '../../../network/devledger/commit/open-peer-ledger.js';
import { RulesByBlock } from '../../../network/devledger/commit/rules-by-block.js';
import { SignatureCache } from '../../../network/devledger/commit/signature-cache.js';
import { MspRegistry } from '../../../network/devledger/msp.js';
import { openOrderer } from '../../../network/devledger/orderer/open-orderer.js';
import { faultRuns, faultTimeoutMs } from '../ledger-faults/fault-runs.js';
import { temporaryFolder } from '../ledger-support.js';

const CHANNEL = {
  channel: 'medledger',
  msps: [{ mspId: 'HospitalAMSP', caCertPems: ['certificate'] }],
  policy: { endorsers: ['HospitalAMSP'], needed: 1 },
};
/** One peer has nobody to differ from. */
const NO_RULES = new RulesByBlock({ ...CHANNEL, chaincodes: [], signatures: new SignatureCache(new MspRegistry([])) });
const KILLS = faultRuns(200);
/** Kills of one folder; then a new one, as every block is read again after each. */
const KILLS_PER_FOLDER = 10;
const ROOT = dirname(createRequire(import.meta.url).resolve('../../../package.json'));
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(async () => {
  await folder.remove();
});

/** Lines the writer printed before it was killed in the middle of its work. */
function writeUntilKilled(round: number, acceptedMin: number): Promise<string[]> {
  const writer = join(ROOT, 'test', 'network', 'fixtures', 'ledger-store-writer.mjs');
  const child = spawn(process.execPath, ['--no-warnings', writer, folder.path, `round${round}`]);
  return new Promise((resolve, reject) => {
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk) => {
      output += String(chunk);
      if (output.split('accepted').length > acceptedMin) child.kill('SIGKILL');
    });
    child.stderr.on('data', (chunk) => {
      errors += String(chunk);
    });
    child.on('close', (_code, signal) => {
      if (signal === 'SIGKILL') resolve(output.split('\n').slice(0, -1));
      else reject(new Error(`the writer ended by itself: ${errors}`));
    });
  });
}

async function reopen() {
  const orderer = await openOrderer({
    directory: join(folder.path, 'orderer'),
    batch: { timeoutMs: 3, maxMessageCount: 1000, preferredMaxBytes: 1_000_000 },
    genesis: genesisBlock(CHANNEL),
  });
  const peer = await openPeerLedger({
    ...CHANNEL,
    mspId: 'HospitalAMSP',
    directory: join(folder.path, 'peer'),
    signatureCache: new SignatureCache(new MspRegistry([])),
    chaincodes: ['medledger'],
  });
  return { orderer, peer };
}

it(
  'kill -9 again and again: every accepted transaction is in a block exactly once, every committed block stays',
  async () => {
    let accepted: string[] = [];
    for (let round = 0; round < KILLS; round += 1) {
      if (round % KILLS_PER_FOLDER === 0) {
        await folder.remove();
        folder = await temporaryFolder();
        accepted = [];
      }
      const lines = await writeUntilKilled(round, 40 + ((37 * round) % 211));
      accepted.push(...lines.filter((line) => line.startsWith('accepted ')).map((line) => line.slice(9)));
      const committed = lines.filter((line) => line.startsWith('committed ')).map((line) => Number(line.slice(10)));
      const { orderer, peer } = await reopen();
      expect(peer.height()).toBeGreaterThan(Math.max(0, ...committed));
      const problems: string[] = [];
      const delivery = deliverBlocks({
        source: orderer,
        peers: [peer],
        rules: NO_RULES,
        onSetAside: (_, text) => problems.push(text),
      });
      // A marker is ordered behind everything the log had kept.
      await orderer.submit(Buffer.from(`marker${round}`));
      accepted.push(`marker${round}`);
      const ordered: string[] = [];
      for (let number = 1; !ordered.includes(`marker${round}`); number += 1) {
        while (number >= peer.height()) await new Promise((resolve) => setTimeout(resolve, 5));
        const block = parseBlock((await peer.blockByNumber(number)) ?? new Uint8Array());
        ordered.push(...block.envelopes.map((envelope) => Buffer.from(envelope).toString()));
      }
      expect(problems).toEqual([]);
      expect(accepted.filter((name) => !ordered.includes(name))).toEqual([]);
      expect(new Set(ordered).size).toBe(ordered.length);
      await delivery.stop();
      await peer.close();
      await orderer.close();
    }
  },
  faultTimeoutMs(KILLS) * 2,
);
