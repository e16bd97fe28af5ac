import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type DevLedger, startDevLedger } from '../../../network/devledger/dev-ledger.js';
import type { LedgerTopology } from '../../../network/topology.js';
import { strangerClient, twoOrganisations } from '../ledger-product/stranger.js';
import { faultRuns, faultTimeoutMs, seededRandom } from './fault-runs.js';

const RUNS = faultRuns(100);
/** Coprime to any likely number of kinds, so that few runs are spread over all of them. */
const STRIDE = 17;

let folder: string;
let original: string;
let topology: LedgerTopology;
let answer: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'flips-identities-'));
  original = join(folder, 'original');
  topology = await twoOrganisations();
  const ledger = await startDevLedger({ topology, dataDir: original });
  answer = await answerOf(ledger);
  await ledger.stop();
}, 60_000);
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** As a client hears it that has its own files elsewhere. */
async function answerOf(ledger: DevLedger): Promise<string> {
  const client = strangerClient(original, ledger.endpoints[0] ?? { address: '', host: '' });
  try {
    const info = await client.contract('qscc').evaluateTransaction('GetChainInfo', 'mychannel');
    return Buffer.from(info).toString('hex');
  } finally {
    client.close();
  }
}

/** Certificates, keys and lists of them. */
function kinds(directory: string): [kind: string, files: string[]][] {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .filter((file) => file.startsWith('organizations/'))
    .filter((file) => readFileSync(join(directory, file)).length > 0);
  const byKind = Map.groupBy(files, (file) => file.replaceAll(/org\d/g, 'org#'));
  return [...byKind].sort(([left], [right]) => (left < right ? -1 : 1));
}

function flip(path: string, random: () => number): void {
  const bytes = readFileSync(path);
  const place = Math.floor(random() * bytes.length);
  bytes.writeUInt8(bytes.readUInt8(place) ^ (1 << Math.floor(random() * 8)), place);
  writeFileSync(path, bytes);
}

/** @returns what became of a start: refused with a sentence, refused by the client, or an answer */
async function outcomeOf(dataDir: string): Promise<string> {
  let ledger: DevLedger;
  try {
    ledger = await startDevLedger({ topology, dataDir });
  } catch (error) {
    return `refused: ${error instanceof Error ? error.message : String(error)}`;
  }
  try {
    return await answerOf(ledger);
  } catch (error) {
    return `client refused: ${String(error)}`;
  } finally {
    await ledger.stop();
  }
}

it(
  'whichever bit of a certificate or a key is flipped, no other answer comes of it',
  async () => {
    const random = seededRandom(11);
    const directory = join(folder, 'spoilt');
    const all = kinds(original);
    const met = new Set<string>();
    for (let run = 0; run < RUNS; run += 1) {
      rmSync(directory, { recursive: true, force: true });
      cpSync(original, directory, { recursive: true });
      const [kind, files] = all[(run * STRIDE) % all.length] ?? ['', []];
      flip(join(directory, files[Math.floor(random() * files.length)] ?? ''), random);
      const outcome = await outcomeOf(directory);
      const isNoticed = outcome.startsWith('refused: ') || outcome.startsWith('client refused: ');
      expect({ kind, outcome: isNoticed ? answer : outcome }).toEqual({ kind, outcome: answer });
      met.add(kind);
    }
    expect(met.size).toBe(Math.min(RUNS, all.length));
  },
  faultTimeoutMs(RUNS),
);
