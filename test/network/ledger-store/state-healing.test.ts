import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openPeerLedger } from '../../../network/devledger/commit/open-peer-ledger.js';
import {
  CHAINCODE,
  createNetwork,
  nextBlock,
  peerOptions,
  type TestNetwork,
  temporaryFolder,
} from '../ledger-support.js';
import { openTestPeer, type TestPeer, transaction } from '../ledger-transactions.js';
import { flipIn, historyOf, type Tip, tipOf } from './stored-peer.js';

let network: TestNetwork;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  network = await createNetwork();
});
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(async () => {
  await folder.remove();
});

function open(): Promise<TestPeer> {
  return openTestPeer(network, join(folder.path, 'peer'));
}

async function fill(values: readonly string[]): Promise<Tip> {
  const peer = await open();
  for (const value of values) await peer.commit({ writes: [['k', value]] });
  const tip = tipOf(peer.ledger);
  await peer.close();
  return tip;
}

function stateFile(suffix: string): string {
  const directory = join(folder.path, 'peer', 'state');
  return join(directory, readdirSync(directory).find((name) => name.endsWith(suffix)) ?? '');
}

function becomeLevelDb(directory: string): void {
  for (const name of readdirSync(directory)) rmSync(join(directory, name));
  writeFileSync(join(directory, 'CURRENT'), 'MANIFEST-000001\n');
}

function damagedFolders(): string[] {
  return readdirSync(join(folder.path, 'peer')).filter((name) => name.startsWith('damaged-'));
}

describe('a damaged state is made again from the blocks', () => {
  it.each([
    { what: 'a manifest that was changed', spoil: () => flipIn(stateFile('manifest'), 90) },
    { what: 'a manifest that was cut', spoil: () => truncateSync(stateFile('manifest'), 20) },
    { what: 'a LevelDB of an earlier version', spoil: () => becomeLevelDb(join(folder.path, 'peer', 'state')) },
    { what: 'a manifest that is gone', spoil: () => rmSync(stateFile('manifest')) },
    { what: 'a table that is gone', spoil: () => rmSync(stateFile('.table')) },
    { what: 'a table that was cut', spoil: () => truncateSync(stateFile('.table'), 100) },
    { what: 'a table whose root was changed', spoil: () => flipIn(stateFile('.table'), -1) },
    { what: 'a table whose rows were changed', spoil: () => flipIn(stateFile('.table'), 20) },
  ])('at the start: $what', async ({ spoil }) => {
    const before = await fill(['1', '2']);
    spoil();
    const peer = await open();
    expect(tipOf(peer.ledger)).toEqual(before);
    expect(await peer.stateOf('k')).toBe('2');
    expect(await historyOf(peer.ledger, 'k')).toEqual(['2', '1']);
    expect(damagedFolders().length).toBe(1);
    await peer.close();
  });

  it('while it runs: whoever reads is told, then the peer serves again, and loses nothing', async () => {
    const peer = await open();
    const rows = Array.from({ length: 60 }, (_, index) => [`k${index}`, `value ${index} `.repeat(50)] as const);
    await peer.commit({ writes: rows });
    await peer.close();
    const said: string[] = [];
    const ledger = await openPeerLedger({
      ...peerOptions(network, join(folder.path, 'peer')),
      onIncident: (sentence) => said.push(sentence),
    });
    const table = stateFile('.table');
    flipIn(table, readFileSync(table).indexOf('value 20 '));
    const readK20 = async () => {
      const snapshot = ledger.snapshot();
      const found = await snapshot.get(CHAINCODE, 'k20');
      await snapshot.close();
      return Buffer.from(found?.value ?? []).toString();
    };
    await expect(readK20()).rejects.toThrow(/STATE_CORRUPT: peer HospitalAMSP, state medledger\/"k20"/);
    expect(ledger.isServing()).toBe(false);
    expect(() => ledger.snapshot()).toThrow(/makes its state again/);
    const { envelope } = transaction(network, { writes: [['after', '1']] });
    expect((await ledger.commit(await nextBlock(ledger, [envelope]))).blockNumber).toBe(2);
    expect([ledger.isServing(), await readK20()]).toEqual([true, 'value 20 '.repeat(50)]);
    expect(said).toEqual([
      expect.stringMatching(/moved to .*damaged-/),
      'The state of peer HospitalAMSP was made again from 2 blocks.',
    ]);
    await ledger.close();
  });

  it('again and again: at the ninth time the disk is to be looked at', async () => {
    for (let time = 0; time < 8; time += 1) {
      await fill([`${time}`]);
      flipIn(stateFile('manifest'), 90);
    }
    await fill(['8']);
    flipIn(stateFile('manifest'), 90);
    await expect(open()).rejects.toThrow(/was damaged 8 times.*check the disk/);
  });
});
