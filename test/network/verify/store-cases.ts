import { appendFileSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from '@jest/globals';
import { encodeLine } from '../../../gateway/custody/release-log-lines.js';
import { ReleaseLog } from '../../../gateway/custody/release-log.js';
import { readReleaseLog } from '../../../scripts/verify/release-log-file.js';
import type { SampleCopy } from './sample-copy.js';
import { flipByte, statIfThere, stateText } from './spoil.js';

const A = 'HospitalAMSP';
const B = 'HospitalBMSP';

/** @param copy - a fresh one for each test */
export function vaultCases(copy: () => SampleCopy): void {
  it('names node, record and CID of a flipped byte; one whole copy that is left is too few', async () => {
    const { cid, recordId } = copy().story.small;
    const [node = '', ...others] = copy().holders(cid);
    flipByte(copy().blockFile(node, cid), 20);
    const found = await copy().findings();
    const damaged = `vault network · ${node}, record ${recordId}, CID ${cid}: block ${cid} is damaged`;
    expect(found).toContainEqual(expect.stringContaining(damaged));
    const tooFew = `vault network · record ${recordId}, CID ${cid}: only 1 vault node has a whole copy, 2 are needed`;
    expect(found).toHaveLength(others.length === 1 ? 2 : 1);
    if (others.length === 1) expect(found).toContain(tooFew);
    expect(await copy().findings({ vault: false })).toEqual([]);
  });

  it('names an object of several blocks that lost one, and one that nobody has', async () => {
    const [node = '', second = ''] = copy().holders(copy().story.large.cid);
    const blocks = join(copy().dataDir, 'gateways', node, 'vault', 'blocks');
    const leaf = readdirSync(blocks, { recursive: true, encoding: 'utf8' }).find(
      (name) => (statIfThere(join(blocks, name))?.size ?? 0) === 1_048_576,
    );
    rmSync(join(blocks, leaf ?? 'no leaf'));
    for (const { mspId } of copy().topology.organisations)
      rmSync(copy().blockFile(mspId, copy().story.small.cid), { force: true });
    const found = await copy().findings();
    expect(second).not.toBe('');
    expect(found).toContainEqual(
      expect.stringMatching(`^vault network · ${node}, record ${copy().story.large.recordId}, .* is missing`),
    );
    expect(found).toContainEqual(
      expect.stringMatching(`record ${copy().story.small.recordId}, .*: no vault node has a whole copy`),
    );
  });
}

/** @param copy - a fresh one for each test */
export function custodianCases(copy: () => SampleCopy): void {
  it('names a changed share, and a record that too few can open', async () => {
    for (const mspId of [A, B]) {
      const database = new DatabaseSync(copy().custodyFile(mspId, 'shares.sqlite'));
      if (mspId === A) {
        const { sealed } =
          database.prepare('SELECT sealed FROM shares WHERE record_id = ?').get(copy().story.small.recordId) ?? {};
        const bytes = Buffer.from(sealed as Uint8Array);
        bytes.writeUInt8(bytes.readUInt8(30) ^ 1, 30);
        database.prepare('UPDATE shares SET sealed = ? WHERE record_id = ?').run(bytes, copy().story.small.recordId);
      } else database.prepare('DELETE FROM shares WHERE record_id = ?').run(copy().story.small.recordId);
      database.close();
    }
    const found = await copy().findings();
    expect(found).toEqual([
      `custody ${A} · ${copy().custodyFile(A, 'shares.sqlite')}, record ${copy().story.small.recordId} version 1: the share was changed in the store`,
      `custody ${B} · ${copy().custodyFile(B, 'shares.sqlite')}: 1 shares are missing that the sealed summary counts`,
      `custody network · record ${copy().story.small.recordId}: only 1 custodians hold its share, 2 are needed`,
    ]);
    expect(await copy().findings({ custody: false })).toEqual([]);
  });

  it('names a store without its key, and a file that is damaged', async () => {
    rmSync(copy().custodyFile(A, 'share-store.key'));
    const file = copy().custodyFile(B, 'shares.sqlite');
    flipByte(file, readFileSync(file).indexOf(copy().story.small.recordId) + 3);
    const found = await copy().findings();
    expect(found).toContainEqual(expect.stringMatching(`^custody ${A} · .*The key file .* is missing`));
    expect(found.some((line) => line.startsWith(`custody ${B} · `))).toBe(true);
    expect(statIfThere(copy().custodyFile(A, 'share-store.key'))).toBeUndefined();
  });
}

/** @param copy - a fresh one for each test */
export function releaseLogCases(copy: () => SampleCopy): void {
  it('names the byte of a changed line in a release log; a torn end is none', async () => {
    appendFileSync(copy().custodyFile(A, 'releases.log'), '000000ff 0123');
    expect(await copy().findings()).toEqual([]);
    flipByte(copy().custodyFile(A, 'releases.log'), 120);
    expect(await copy().findings()).toEqual([
      `custody ${A} · ${copy().custodyFile(A, 'releases.log')}, byte 0: the line at byte 0 was changed`,
    ]);
  });

  it('names a release that no permit stands behind', async () => {
    const log = await ReleaseLog.open(copy().custodyFile(B, 'releases.log'));
    const { linkHex, nextSequence } = log.head;
    await log.close();
    const added = JSON.parse(
      await stateText(copy().dataDir, A, `recordset~${copy().story.small.recordId.slice(0, 32)}`),
    );
    const release = { recordId: copy().story.small.recordId, version: 1, timeMs: 1 };
    const entries = [
      { ...release, transactionId: added.txId },
      { ...release, transactionId: 'ab'.repeat(32) },
    ];
    appendFileSync(
      copy().custodyFile(B, 'releases.log'),
      encodeLine(linkHex, JSON.stringify({ first: nextSequence, entries })).line,
    );
    const where = (index: number) =>
      `custody ${B} · ${copy().custodyFile(B, 'releases.log')}, release ${nextSequence + index} of record ${copy().story.small.recordId} for transaction ${entries[index]?.transactionId}`;
    expect(await copy().findings()).toEqual([
      `${where(0)}: the transaction is records:add, no opening`,
      `${where(1)}: no block holds the transaction`,
    ]);
  });
  it('takes no noted refusal for a release, whatever statement it has seen', async () => {
    const file = copy().custodyFile(B, 'releases.log');
    const permitted = await releaseIn(file);
    const log = await ReleaseLog.open(file);
    const statements = [{ id: `${copy().story.patientId}~policy`, version: 2 }];
    await log.append({ ...permitted, statements, refusedAs: 'EXCLUDED' });
    expect(await found(log)).toEqual([]);
    const again = await ReleaseLog.open(file);
    await again.append({ ...permitted, statements });
    expect(await found(again)).toEqual([expect.stringContaining('which the release did not look at')]);
  });

  async function found(log: ReleaseLog): Promise<readonly string[]> {
    await log.close();
    return copy().findings();
  }
}

/** One that rests on a grant. */
async function releaseIn(file: string) {
  for await (const line of readReleaseLog(file, statIfThere(file)?.size ?? 0)) {
    const releases = 'fault' in line ? [] : line.releases;
    const onGrant = releases.find(({ statements = [] }) => statements.some(({ id }) => id.includes('~g')));
    if (onGrant !== undefined) {
      const { transactionId, recordId, version, timeMs } = onGrant;
      return { transactionId, recordId, version, timeMs };
    }
  }
  throw new Error('no release that rests on a grant');
}
