import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { limits, type RecordId } from '@medledger/chaincode/domain';
import { CustodyError } from '../../../gateway/custody/custody-errors.js';
import { releaseInfo, releaseShares, shareContext } from '../../../gateway/custody/custodian.js';
import { openManyWith } from '../../../gateway/custody/hpke.js';
import type { ReleaseEntry } from '../../../gateway/custody/release-log.js';
import { CHANNEL, randomId, signGrant, signRevocation } from '../../support/chain-actor.js';
import {
  AUTHOR_MSP_ID,
  bodyFor,
  type Circle,
  type CustodianOnDisk,
  custodianFor,
  HOUR_MS,
  makeCircle,
  MSP_ID,
  NOW_MS,
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
  await deposit(opening.recordId, opening.share);
});

afterEach(() => custodian.close());

function deposit(
  recordId: RecordId,
  share: Uint8Array,
  { patientId = circle.patient.memberId as string, depositor = AUTHOR_MSP_ID } = {},
) {
  const { sha256: ciphertextSha256, version } = opening.record;
  return custodian.shares.deposit([{ recordId, version, ciphertextSha256, depositor, patientId, share }]);
}

function release() {
  return releaseShares(custodian.options, opening.transactionId);
}

/** Asks, and opens with the one-time key of the transaction. */
async function releasedShares(): Promise<Uint8Array[]> {
  const { enc, items } = await release();
  return openManyWith({
    privateKey: opening.oneTime.privateKey,
    info: releaseInfo({ channel: CHANNEL, transactionId: opening.transactionId, custodian: MSP_ID }),
    enc,
    items: items.flatMap((item) =>
      'sealed' in item ? [{ aad: shareContext(item.recordId, item.version), sealed: item.sealed }] : [],
    ),
  });
}

async function codes(): Promise<string[]> {
  const { items } = await release();
  return items.map((item) => ('code' in item ? item.code : 'released'));
}

async function logged(): Promise<ReleaseEntry[]> {
  const entries: ReleaseEntry[] = [];
  for await (const { sequence: _sequence, ...entry } of custodian.journal.entries()) entries.push(entry);
  return entries;
}

describe('a committed opening that is in order', () => {
  it('gets the share, sealed to its one-time key, after the release was logged', async () => {
    expect(await releasedShares()).toEqual([opening.share]);
    const { transactionId, recordId, grantId, nowMs: timeMs } = opening;
    const statements = [{ id: `${circle.patient.memberId}~${grantId}`, version: 1 }];
    expect(await logged()).toEqual([{ transactionId, recordId, version: 1, timeMs, statements }]);
  });

  it('asked again it gives the same share again', async () => {
    expect([await releasedShares(), await releasedShares()]).toEqual([[opening.share], [opening.share]]);
  });

  it("the patient's own opening rests on the pinned key alone", async () => {
    opening.creator = circle.patient;
    opening.basis = { kind: 'own' };
    opening.actor = undefined;
    opening.register = undefined;
    opening.stored = undefined;
    expect(await releasedShares()).toEqual([opening.share]);
  });

  it('with several records each is decided by itself, and refused ones give nothing', async () => {
    const other = { ...opening.record, recordId: `${randomId()}01` as RecordId };
    const missing = { ...opening.record, recordId: `${randomId()}02` as RecordId };
    await deposit(
      other.recordId,
      opening.share.map((byte) => byte ^ 1),
    );
    opening.recordIds = [opening.recordId, other.recordId, missing.recordId];
    opening.records = [opening.record, other, missing];
    opening.items = [
      { recordId: missing.recordId, outcome: 'permit', basis: opening.basis },
      { recordId: other.recordId, outcome: 'deny', code: 'NO_GRANT' },
      { recordId: opening.recordId, outcome: 'permit', basis: opening.basis },
    ];
    expect(await codes()).toEqual(['SHARE_MISSING', 'released']);
    expect(await releasedShares()).toEqual([opening.share]);
  });

  it('whose release cannot be logged gives nothing', async () => {
    const append = async () => {
      throw new Error('disk full');
    };
    const journal = { append, highestVersionSeen: () => 0 };
    await expect(releaseShares({ ...custodian.options, journal }, opening.transactionId)).rejects.toThrow('disk full');
  });

  it('whose share was changed in the store gives nothing, and its neighbour its own', async () => {
    const other = { ...opening.record, recordId: `${randomId()}01` as RecordId };
    await deposit(other.recordId, opening.share);
    const { shares } = custodian;
    opening.recordIds = [opening.recordId, other.recordId];
    opening.records = [opening.record, other];
    opening.items = opening.recordIds.map((recordId) => ({ recordId, outcome: 'permit', basis: opening.basis }));
    const read: typeof shares.read = async (place) => {
      if (place.recordId === other.recordId) throw new CustodyError('STORE_CORRUPT', 'changed');
      return shares.read(place);
    };
    const { items } = await releaseShares({ ...custodian.options, shares: { read } }, opening.transactionId);
    expect(items).toEqual([
      expect.objectContaining({ recordId: opening.recordId, sealed: expect.anything() }),
      expect.objectContaining({ recordId: other.recordId, code: 'STORE_CORRUPT' }),
    ]);
  });
});

describe('garbage that another organisation deposited under the public id and digest of a record', () => {
  const depositor = 'HospitalBMSP';

  it('does not keep out the deposit of the author that comes after it', async () => {
    const late = { ...opening.record, recordId: `${randomId()}01` as RecordId };
    opening.recordIds = [late.recordId];
    opening.records = [late];
    opening.items = [{ recordId: late.recordId, outcome: 'permit', basis: opening.basis }];
    await deposit(late.recordId, new Uint8Array(33), { depositor });
    expect(await codes()).toEqual(['SHARE_MISSING']);
    await deposit(late.recordId, opening.share);
    expect(await releasedShares()).toEqual([opening.share]);
  });

  it('is not released in place of the share of the author', async () => {
    await deposit(opening.recordId, new Uint8Array(33), { depositor });
    expect(await releasedShares()).toEqual([opening.share]);
  });
});

describe('a transaction that is no committed opening of its creator', () => {
  it.each([
    { name: 'in a block as invalid', transaction: { validationCode: 'MVCC_READ_CONFLICT' } },
    { name: 'of another channel', transaction: { channel: 'other' } },
    { name: 'of another chaincode', transaction: { chaincode: 'lookalike' } },
    { name: 'of another function', transaction: { transaction: 'records:add' } },
    { name: 'of somebody else than the answer says', transaction: { creatorMemberId: 'doctor-b' } },
  ])('$name: nothing', async ({ transaction }) => {
    opening.transaction = transaction;
    await expect(release()).rejects.toMatchObject({ code: 'RELEASE_REFUSED' });
  });

  it('by a creator without a member id: nothing', async () => {
    const { creatorMemberId: _absent, ...committed } = opening.committed();
    const peer = { ...custodian.options.peer, committedTransaction: async () => committed };
    const asked = releaseShares({ ...custodian.options, peer }, opening.transactionId);
    await expect(asked).rejects.toMatchObject({ code: 'RELEASE_REFUSED' });
  });

  it('answered for another patient than asked about: nothing', async () => {
    opening.answeredFor = circle.otherPatient.memberId;
    await expect(release()).rejects.toMatchObject({ code: 'RELEASE_REFUSED' });
  });

  it('with arguments that are not in the shape of an opening: nothing', async () => {
    opening.transaction = { args: ['{"patientId":"p-1"}'] };
    await expect(release()).rejects.toMatchObject({ code: 'INPUT_INVALID' });
  });
});

describe('the age of an opening, by the clock of the custodian', () => {
  const LIMIT_MS = limits.RELEASE_AGE_MAX_MS;

  it.each([
    { name: 'as old as allowed', timestampMs: NOW_MS - LIMIT_MS },
    { name: 'as far ahead as allowed', timestampMs: NOW_MS + LIMIT_MS },
  ])('$name: released', async ({ timestampMs }) => {
    opening.transaction = { timestampMs };
    expect(await codes()).toEqual(['released']);
  });

  it.each([
    { name: 'one millisecond older', timestampMs: NOW_MS - LIMIT_MS - 1 },
    { name: 'one millisecond further ahead', timestampMs: NOW_MS + LIMIT_MS + 1 },
  ])('$name: nothing', async ({ timestampMs }) => {
    opening.transaction = { timestampMs };
    await expect(release()).rejects.toMatchObject({ code: 'RELEASE_TOO_OLD' });
  });
});

describe('a permit that the custodian does not believe', () => {
  it('for a record that was not asked for', async () => {
    opening.recordIds = [`${randomId()}07` as RecordId];
    expect(await codes()).toEqual(['RELEASE_REFUSED']);
  });

  it('for a record that the answer does not describe', async () => {
    opening.records = [];
    expect(await codes()).toEqual(['RELEASE_REFUSED']);
  });

  it('for a record of another patient', async () => {
    opening.records = [{ ...opening.record, patientId: circle.otherPatient.memberId }];
    expect(await codes()).toEqual(['RELEASE_REFUSED']);
  });

  it('for a record that endorsers moved to a patient of theirs: the depositor said whose it is', async () => {
    const stolen = { ...opening.record, recordId: `${randomId()}00` as RecordId };
    await deposit(stolen.recordId, opening.share, { patientId: circle.otherPatient.memberId });
    opening.recordIds = [stolen.recordId];
    opening.records = [stolen];
    opening.items = [{ recordId: stolen.recordId, outcome: 'permit', basis: opening.basis }];
    expect(await codes()).toEqual(['EVIDENCE_INVALID']);
  });

  it('for another ciphertext than the share was deposited for', async () => {
    opening.records = [{ ...opening.record, sha256: 'cd'.repeat(32) }];
    expect(await codes()).toEqual(['SHARE_MISSING']);
  });

  it('on a grant that has ended by its own clock, whatever the peer said', async () => {
    const ended = bodyFor(circle.doctor, { untilMs: NOW_MS });
    opening.stored = { grant: signGrant(circle.patient, { grantId: opening.grantId, body: ended }) };
    expect(await codes()).toEqual(['GRANT_ENDED']);
    opening.nowMs = NOW_MS - 1;
    expect(await codes()).toEqual(['released']);
  });
});

describe('an older statement than the custodian has seen', () => {
  it('is refused after a release that rested on a newer one', async () => {
    const { transactionId, recordId, grantId } = opening;
    const statements = [{ id: `${circle.patient.memberId}~${grantId}`, version: 2 }];
    const place = { transactionId, recordId, version: 1, timeMs: NOW_MS - HOUR_MS };
    await custodian.journal.append({ ...place, statements });
    expect(await codes()).toEqual(['EVIDENCE_INVALID']);
  });

  it('is refused after a refusal: a revocation that vanished from the peer does not bring the grant back', async () => {
    const { grantId, stored } = opening;
    if (stored === undefined) throw new Error('no grant');
    opening.stored = { ...stored, revocation: signRevocation(circle.patient, { grantId, version: 2 }) };
    expect(await codes()).toEqual(['GRANT_ENDED']);
    const [noted] = await logged();
    expect(noted).toMatchObject({
      statements: [{ id: `${circle.patient.memberId}~${grantId}`, version: 2 }],
      refusedAs: 'GRANT_ENDED',
    });
    opening.stored = stored;
    expect(await codes()).toEqual(['EVIDENCE_INVALID']);
  });

  it('is noted once, however often it is asked for', async () => {
    const { grantId, stored } = opening;
    if (stored === undefined) throw new Error('no grant');
    opening.stored = { ...stored, revocation: signRevocation(circle.patient, { grantId, version: 2 }) };
    expect([await codes(), await codes()]).toEqual([['GRANT_ENDED'], ['GRANT_ENDED']]);
    expect(await logged()).toHaveLength(1);
  });
});
