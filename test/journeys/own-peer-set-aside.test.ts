import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { addFile, open } from '../support/care.js';
import { type Member, signIn, signUp } from '../support/member.js';
import { LEDGER, type RunningNetwork, runNetwork } from '../support/running-network.js';
import { logLines, removeStateRow } from '../support/tamper.js';

const ADDITIONS = 3;
/** An outcome is called unknown after 90 s, and a custodian waits ten for its own peer. */
const SOON_MS = 80_000;

let network: RunningNetwork;

afterAll(async () => {
  await network?.stop();
  network?.remove();
});

/** Fabric's peers do not check what they read; what is changed there is found by verify-ledger. */
(LEDGER === 'devledger' ? describe : describe.skip)('an organisation whose peer was set aside', () => {
  let patient: Member;

  beforeAll(async () => {
    network = await runNetwork();
    patient = await signUp(network.gatewayUrl('HospitalBMSP'));
    const { dataDir, portBase } = network;
    await network.stop();
    // A flipped bit would be healed; a row that is gone makes this peer judge otherwise than the other two.
    await removeStateRow(dataDir, 'HospitalBMSP', `entry~${patient.memberId}~${patient.memberId}~${'0'.repeat(10)}`);
    network = await runNetwork({ dataDir, portBase });
    patient = await signIn(patient);
  });

  it('still answers its members in time, by what other peers tell of their transactions', async () => {
    for (let round = 0; round < ADDITIONS; round += 1) {
      const bytes = randomBytes(2_000);
      const startedMs = performance.now();
      const { recordId } = await addFile(patient, patient.memberId, { bytes });
      const addedMs = performance.now() - startedMs;
      const reply = await open(patient, recordId);
      const openedMs = performance.now() - startedMs - addedMs;
      process.stdout.write(
        `own peer set aside: added in ${Math.round(addedMs)}, opened in ${Math.round(openedMs)} ms\n`,
      );
      expect([reply.status, reply.bytes.equals(bytes)]).toEqual([200, true]);
      expect(Math.max(addedMs, openedMs)).toBeLessThan(SOON_MS);
    }
    expect(logLines(network.dataDir, 'ledger').map(({ msg }) => msg)).toContain('peer set aside');
  });
});
