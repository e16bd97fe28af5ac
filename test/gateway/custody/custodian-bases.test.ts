import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { canonicalJson, toBase64url } from '@medledger/chaincode/domain';
import { type CustodianOptions, releaseShares } from '../../../gateway/custody/custodian.js';
import { BASIS_CASES, signPolicy, withEmergency } from './basis-cases.js';
import {
  AUTHOR_MSP_ID,
  type Circle,
  type CustodianOnDisk,
  custodianFor,
  makeCircle,
  OpeningCase,
} from './opening-case.js';

let circle: Circle;
let opening: OpeningCase;
let custodian: CustodianOnDisk;
beforeAll(async () => {
  circle = await makeCircle();
});
beforeEach(async () => {
  opening = new OpeningCase(circle);
  custodian = await custodianFor(opening);
  const { recordId, version, sha256: ciphertextSha256, patientId } = opening.record;
  const place = { recordId, version, ciphertextSha256, depositor: AUTHOR_MSP_ID, patientId };
  await custodian.shares.deposit([{ ...place, share: opening.share }]);
});
afterEach(() => custodian.close());

async function codes(): Promise<readonly string[]> {
  const { items } = await releaseShares(custodian.options, opening.transactionId);
  return items.map((item) => ('code' in item ? item.code : 'released'));
}

/** The committed transaction is an emergency with these record ids. */
function asEmergency(recordIds: readonly string[]): void {
  const { declaration } = opening.further.emergencies?.[0] ?? {};
  const oneTimeKey = toBase64url(opening.oneTime.publicKey);
  const args = [
    canonicalJson({ patientId: opening.patientId, declaration: { ...declaration }, recordIds, oneTimeKey }),
  ];
  opening.transaction = { transaction: 'access:emergency', args };
}

describe('a custodian', () => {
  it.each(BASIS_CASES)('releases on $name', async ({ name, prepare }) => {
    prepare(opening);
    if (name === 'an emergency') asEmergency([opening.recordId]);
    expect(await codes()).toEqual(['released']);
  });

  it('releases the card of an emergency in which no record was named', async () => {
    withEmergency(opening);
    asEmergency([]);
    expect(await codes()).toEqual(['released']);
  });

  it('releases no other record of an emergency than was named', async () => {
    withEmergency(opening);
    asEmergency([`${'0'.repeat(32)}00`]);
    expect(await codes()).toEqual(['RELEASE_REFUSED']);
  });

  it('asks its peer for what the permits rest on, and for nothing else', async () => {
    const asked: object[] = [];
    const { peer } = custodian.options;
    const listening: CustodianOptions['peer'] = {
      ...peer,
      evidence: (input) => {
        asked.push(input);
        return peer.evidence(input);
      },
    };
    BASIS_CASES.find(({ name }) => name === 'a delegation')?.prepare(opening);
    await releaseShares({ ...custodian.options, peer: listening }, opening.transactionId);
    const delegationId = 'delegationId' in opening.basis ? opening.basis.delegationId : '';
    const named = { grantIds: [opening.grantId], delegationIds: [delegationId], representationIds: [] };
    expect(asked).toEqual([{ patientId: opening.patientId, memberId: 'doctor-a', ...named, emergencyIds: [] }]);
  });
});

describe('versions that were seen never go down', () => {
  it('of a policy: neither an older one nor none is believed again', async () => {
    opening.further = { policy: signPolicy(circle.patient, {}, 2) };
    expect(await codes()).toEqual(['released']);
    opening.further = { policy: signPolicy(circle.patient, {}, 1) };
    expect(await codes()).toEqual(['EVIDENCE_INVALID']);
    opening.further = {};
    expect(await codes()).toEqual(['EVIDENCE_INVALID']);
    opening.further = { policy: signPolicy(circle.patient, {}, 3) };
    expect(await codes()).toEqual(['released']);
  });

  it('of an exclusion that refused: taking it out of the peer does not open', async () => {
    const exclusions = [{ who: { kind: 'person', id: circle.doctor.memberId } as const, scope: {} }];
    opening.further = { policy: signPolicy(circle.patient, { exclusions }, 2) };
    expect(await codes()).toEqual(['EXCLUDED']);
    opening.further = { policy: signPolicy(circle.patient, {}, 1) };
    expect(await codes()).toEqual(['EVIDENCE_INVALID']);
  });

  it("of one patient's policy say nothing of another's", async () => {
    const id = `${circle.otherPatient.memberId}~y${'0'.repeat(32)}`;
    const { transactionId, recordId } = opening;
    await custodian.journal.append({
      transactionId,
      recordId,
      version: 1,
      timeMs: 0,
      statements: [{ id, version: 9 }],
    });
    expect(await codes()).toEqual(['released']);
  });
});
