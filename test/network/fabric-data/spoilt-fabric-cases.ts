import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { FabricBlockFiles } from '../../../network/fabric/store/block-files.js';
import {
  nodeStoreFolder,
  ordererBlocksFolder,
  peerBlocksFolder,
  peerStateFolder,
} from '../../../network/fabric/store/store-paths.js';
import { grantKey } from '../../../scripts/verify/state-keys.js';
import { ledgerutilVerify, organisationWithPeer } from '../../support/fabric-tools.js';
import { openFabricState } from '../../support/fabric-state.js';
import { flipStateBit } from '../../support/tamper.js';
import type { SampleCopy } from '../verify/sample-copy.js';
import { flipByte } from '../verify/spoil.js';
import { rewriteCode } from './rewritten-blocks.js';

const A = 'HospitalAMSP';
const B = 'HospitalBMSP';
const ORDERER = 'orderer2.medledger.example';
const MVCC_READ_CONFLICT = 11;

const hostOf = (copy: SampleCopy, mspId: string) => organisationWithPeer(copy, mspId).peer.host;

function blocksOf(copy: SampleCopy, mspId: string): string {
  return peerBlocksFolder(copy.dataDir, hostOf(copy, mspId), copy.topology.channel);
}

function placeOf(directory: string, number: number) {
  const files = FabricBlockFiles.inspect({ directory, owner: 'test' });
  const place = files.place(number);
  const next = files.place(number + 1);
  if (place === undefined || next === undefined) throw new Error(`no block ${number}`);
  return { ...place, endBytes: next.offsetBytes };
}

function expectLine(found: readonly string[], pattern: string): void {
  expect(found).toContainEqual(expect.stringMatching(pattern));
}

/** @param copy - a fresh one for each test */
export function spoiltStateCases(copy: () => SampleCopy): void {
  it('a changed value: names organisation and key; the command ends with 1', async () => {
    const key = grantKey(copy().story.patientId, copy().story.grantId);
    await flipStateBit(copy().dataDir, A, key);
    const { status, stdout } = await command('--data', copy().dataDir);
    expect(status).toBe(1);
    expect(stdout).toMatch(new RegExp(`^ {5}${A} · state: state medledger/"${key}": its value is not the one`, 'm'));
    expect(stdout).not.toContain(`${B} · state`);
  });

  it('a value that no block wrote', async () => {
    const state = await openFabricState(copy().dataDir, A);
    await state.write('grant~nobody~nothing', Buffer.from('{}'));
    await state.close();
    const found = await copy().findings({ mspId: A, vault: false, custody: false });
    expectLine(found, `^peer ${A} · state: state medledger/"grant~nobody~nothing": no block wrote it`);
  });

  it.each([
    { what: 'without its manifest', spoil: (folder: string) => rmSync(join(folder, manifestIn(folder))) },
    {
      what: 'with a manifest cut short',
      spoil: (folder: string) => truncateSync(join(folder, manifestIn(folder)), 10),
    },
  ])('a state $what: a finding, and no end of the check', async ({ spoil }) => {
    spoil(peerStateFolder(copy().dataDir, hostOf(copy(), A)));
    const found = await copy().findings({ vault: false, custody: false });
    expectLine(found, `^peer ${A} · state: .*stateLeveldb: the state database of ${A} cannot be read \\(.+\\)`);
    expect(found.filter((line) => !line.startsWith(`peer ${A}`))).toEqual([]);
  });

  it('no store at all', async () => {
    rmSync(nodeStoreFolder(copy().dataDir, hostOf(copy(), A)), { recursive: true });
    const found = await copy().findings({ vault: false, custody: false });
    expectLine(found, `^peer ${A} · .*: the peer has no blocks`);
    expectLine(found, `^peer ${A} · .*: the peer has no state database`);
  });
}

/** @param copy - a fresh one for each test */
export function spoiltBlockCases(copy: () => SampleCopy): void {
  it('a byte within a block: names the block and its place, as ledgerutil does', async () => {
    const { file, offsetBytes, endBytes } = placeOf(blocksOf(copy(), A), 6);
    // Behind the header, in the first transaction.
    flipByte(file, offsetBytes + Math.floor((endBytes - offsetBytes) / 3));
    const found = await copy().findings();
    expectLine(
      found,
      `^peer ${A} · block: block 6, .*blockfile_000000 from byte ${offsetBytes}: its transactions do not`,
    );
    expect(found.filter((line) => line.startsWith(`peer ${B}`))).toEqual([]);
    expect(await ledgerutilVerify(copy().dataDir, hostOf(copy(), A))).not.toMatchObject({ status: 0 });
  });

  it('the length of a block: names it, and the blocks behind it are still read', async () => {
    const { file, offsetBytes } = placeOf(blocksOf(copy(), B), 5);
    flipByte(file, offsetBytes);
    const found = await copy().findings({ vault: false, custody: false });
    expectLine(found, `^peer ${B} · block: block 5, .* from byte ${offsetBytes}: it cannot be read`);
    expect(found.filter((line) => line.startsWith(`peer ${B} · block`))).toHaveLength(1);
  });

  it('blocks that were cut off, though the state has seen them', async () => {
    const { file, offsetBytes } = placeOf(blocksOf(copy(), B), 8);
    truncateSync(file, offsetBytes);
    const found = await copy().findings({ vault: false, custody: false });
    expectLine(found, `^peer ${B} · block: block 8: the state has seen \\d+ blocks; the files hold 8`);
    expectLine(found, `^agreement network · ${B} height 8: another peer has \\d+ blocks`);
  });

  it('a validation code, with every commit hash made anew: judged again, it is another', async () => {
    const number = FabricBlockFiles.inspect({ directory: blocksOf(copy(), A), owner: 'test' }).nextSequence - 3;
    await rewriteCode(blocksOf(copy(), A), { number, code: MVCC_READ_CONFLICT });
    const found = await copy().findings({ vault: false, custody: false });
    const code = `transaction 0 is stored with validation code ${MVCC_READ_CONFLICT}, but it is valid`;
    expectLine(found, `^peer ${A} · block: block ${number}, .*: ${code}`);
    expect(found.join('\n')).not.toContain('commit hash does not match');
    expectLine(found, `^agreement network · ${A} block ${number}: same transactions, but other validation codes`);
  });

  it('the signature of an orderer', async () => {
    const directory = ordererBlocksFolder(copy().dataDir, ORDERER, copy().topology.channel);
    const { file, offsetBytes } = placeOf(directory, 7);
    const block = await FabricBlockFiles.inspect({ directory, owner: 'test' }).read(7);
    const signatures = Buffer.from(block?.metadata[0] ?? []);
    // Their last bytes are those of a signature itself.
    flipByte(file, readFileSync(file).indexOf(signatures, offsetBytes) + signatures.length - 3);
    const found = await copy().findings({ vault: false, custody: false });
    expect(found).toEqual([
      expect.stringMatching(`^orderer ${ORDERER} · block 7, .*: \\d orderers signed it, \\d are needed`),
    ]);
  });
}

function manifestIn(folder: string): string {
  const name = readdirSync(folder).find((file) => file.startsWith('MANIFEST-'));
  if (name === undefined) throw new Error(`${folder} has no manifest`);
  return name;
}

function command(...args: string[]): Promise<{ status: number; stdout: string }> {
  return new Promise((resolve) => {
    const script = join(process.cwd(), 'dist/scripts/verify-ledger.js');
    const child = execFile(process.execPath, [script, ...args], (_error, stdout) =>
      resolve({ status: child.exitCode ?? -1, stdout }),
    );
  });
}
