import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { entryKey, grantKey, headKey, memberKey } from '../../../scripts/verify/state-keys.js';
import type { SampleCopy } from './sample-copy.js';
import { changed, flipByte, flipState, onlyFile, statIfThere, stateKeys, stateText, writeState } from './spoil.js';

const A = 'HospitalAMSP';
const B = 'HospitalBMSP';

/** @param copy - a fresh one for each test */
export function spoiltLedgerCases(copy: () => SampleCopy): void {
  it('names the key of a flipped byte in a live value, and the lane and entry', async () => {
    const key = entryKey(copy().lane(copy().story.patientId), 0);
    await flipState(copy().dataDir, B, key);
    const found = await copy().findings();
    expect(found).toContainEqual(expect.stringMatching(`^peer ${B} · state: state medledger/"${key}": .*digest`));
    expect(found).toContainEqual(
      `lanes ${B} · lane ${copy().story.patientId}~${copy().story.patientId}, entry 0: the stored bytes are damaged or no entry`,
    );
    expect(found.every((line) => line.includes(` ${B} `))).toBe(true);
  });

  it.each(['.table', 'manifest'])('names a peer whose %s was changed', async (suffix) => {
    const [name = ''] = readdirSync(join(copy().peer(B), 'state')).filter((candidate) => candidate.endsWith(suffix));
    const file = join(copy().peer(B), 'state', name);
    flipByte(file, Math.floor((statIfThere(file)?.size ?? 0) / 2));
    expect((await copy().findings({ mspId: B })).some((line) => line.startsWith(`peer ${B} · `))).toBe(true);
  });

  it('names an entry that was changed with a digest to match, and what it broke', async () => {
    const key = entryKey(copy().lane('doctor-a'), 1);
    const text = await stateText(copy().dataDir, A, key);
    await writeState(copy().dataDir, A, { [key]: changed(text, '"timeMs":1', '"timeMs":2') });
    const found = await copy().findings();
    expect(found).toContainEqual(expect.stringMatching(`^peer ${A} · state: state medledger/"${key}"`));
    expect(found).toContainEqual(expect.stringMatching(`^lanes ${A} · lane .*~doctor-a, entry 1: hash, proof of work`));
  });

  it('names an entry that was taken away, a head without entries, entries without a head', async () => {
    const doctorB = await stateKeys(copy().dataDir, A, `entry~${copy().story.patientId}~doctor-b~`);
    await writeState(copy().dataDir, A, {
      [entryKey(copy().lane('doctor-a'), 0)]: undefined,
      [headKey(copy().lane(copy().story.patientId))]: undefined,
      ...Object.fromEntries(doctorB.map((key) => [key, undefined])),
    });
    const found = (await copy().findings({ mspId: A })).filter((line) => line.startsWith('lanes'));
    expect(found).toContainEqual(expect.stringMatching(/~doctor-a, entry 0: the entry is missing/));
    expect(found).toContainEqual(expect.stringMatching(/~doctor-b, entry 0: a head stands there without entries/));
    expect(found).toContainEqual(expect.stringMatching(/entry \d+: the lane’s head is not the one/));
  });

  it('misses a whole lane that was taken away', async () => {
    const lane = copy().lane('doctor-b');
    const keys = [headKey(lane), ...(await stateKeys(copy().dataDir, A, `entry~${lane.patientId}~doctor-b~`))];
    await writeState(copy().dataDir, A, Object.fromEntries(keys.map((key) => [key, undefined])));
    const found = (await copy().findings({ mspId: A })).filter((line) => line.startsWith('lanes'));
    expect(found).toEqual([
      expect.stringMatching(/all lanes: \d+ valid transactions wrote entries, but \d+ are there/),
    ]);
  });

  it('names block, file and byte of a flipped byte in a block file', async () => {
    flipByte(onlyFile(join(copy().peer(A), 'blocks'), '.frames'), -40);
    const found = await copy().findings();
    const file = join(copy().peer(A), 'blocks', '000000000000.frames');
    expect(found.filter((line) => line.startsWith('peer'))).toEqual([
      expect.stringMatching(`^peer ${A} · block: block \\d+, ${file} from byte \\d+: .*digest`),
    ]);
    expect(found.some((line) => line.includes('no block holds'))).toBe(false);
  });

  it('names a flipped byte in a block of the orderer', async () => {
    flipByte(onlyFile(join(copy().dataDir, 'ledger', 'orderer', 'blocks'), '.frames'), 3000);
    expect((await copy().findings()).map((line) => line.slice(0, 30))).toEqual([
      expect.stringMatching(/^orderer orderer · block \d/),
    ]);
  });
}

/** @param copy - a fresh one for each test */
export function forgedGrantCases(copy: () => SampleCopy): void {
  it.each([{ peers: [A] }, { peers: [A, B] }])(
    'names a grant without the patient’s statement in $peers',
    async ({ peers }) => {
      const given = await stateText(copy().dataDir, A, grantKey(copy().story.patientId, copy().story.grantId));
      const forgedId = `g${'0'.repeat(32)}`;
      const forged = changed(changed(given, copy().story.grantId, forgedId), 'doctor-a', 'doctor-b');
      for (const peer of peers)
        await writeState(copy().dataDir, peer, { [grantKey(copy().story.patientId, forgedId)]: forged });
      const found = await copy().findings();
      for (const peer of peers) {
        const key = grantKey(copy().story.patientId, forgedId);
        expect(found).toContainEqual(`consents ${peer} · ${key}: the patient did not sign this grant`);
        expect(found).toContainEqual(expect.stringMatching(`^peer ${peer} · state: .*${forgedId}": no block wrote it`));
      }
      expect(found.some((line) => line.includes('GovernmentMSP'))).toBe(false);
    },
  );

  it('names a revocation taken back, a permit whose grant is gone, and a list that names it', async () => {
    const revokedKey = grantKey(copy().story.patientId, copy().story.revokedGrantId);
    const { grant, txId } = JSON.parse(await stateText(copy().dataDir, A, revokedKey));
    await writeState(copy().dataDir, A, {
      [revokedKey]: JSON.stringify({ grant, txId }),
      [grantKey(copy().story.patientId, copy().story.grantId)]: undefined,
    });
    const found = await copy().findings({ mspId: A });
    expect(found).toContainEqual(
      expect.stringMatching(`^consents ${A} · ${revokedKey}: transaction .* consents:revoke`),
    );
    expect(found).toContainEqual(
      expect.stringMatching(
        `~doctor-a, entry \\d: record ${copy().story.small.recordId} was permitted, but there is no readable`,
      ),
    );
    expect(found).toContainEqual(
      expect.stringMatching(`^consents ${A} · grantee~.*doctor-a: it names grant ${copy().story.grantId}`),
    );
  });
}

/** @param copy - a fresh one for each test */
export function forgedRegisterCases(copy: () => SampleCopy): void {
  it('names a member of staff with another key, and a patient whose key is not the one of its id', async () => {
    const doctorA = await stateText(copy().dataDir, A, memberKey('doctor-a'));
    const doctorB = await stateText(copy().dataDir, A, memberKey('doctor-b'));
    const patient = await stateText(copy().dataDir, A, memberKey(copy().story.patientId));
    const keyOf = (text: string): string => JSON.parse(text).signingKey;
    await writeState(copy().dataDir, A, {
      [memberKey('doctor-a')]: changed(doctorA, keyOf(doctorA), keyOf(doctorB)),
      [memberKey(copy().story.patientId)]: changed(patient, keyOf(patient), keyOf(doctorB)),
    });
    const found = await copy().findings({ mspId: A });
    expect(found).toContainEqual(
      expect.stringMatching(`^register ${A} · member~doctor-a: the register document says otherwise`),
    );
    expect(found).toContain(`register ${A} · member~${copy().story.patientId}: the id is not made from the pinned key`);
    expect(found).toContainEqual(expect.stringMatching(`~doctor-a, entry 0: it names another key than the register`));
    expect(found).toContainEqual(expect.stringMatching(`^consents ${A} · .*: its patient has no pinned key`));
  });

  it('names a register document that two pinned registrars did not sign', async () => {
    const [key = ''] = await stateKeys(copy().dataDir, A, 'registerdoc~');
    const { text, signatures } = JSON.parse(await stateText(copy().dataDir, A, key));
    const [one] = signatures;
    await writeState(copy().dataDir, A, { [key]: JSON.stringify({ text, signatures: [one] }) });
    expect(await copy().findings({ mspId: A })).toContain(
      `register ${A} · ${key}: two registrars whose keys are pinned did not sign it`,
    );
  });
}
