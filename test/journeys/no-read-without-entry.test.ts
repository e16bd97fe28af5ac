import { randomBytes } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { recordContext } from '../../gateway/custody/framed-bytes.js';
import { combineNaming } from '../../gateway/custody/key-shares.js';
import { matchesKey, openObject } from '../../gateway/custody/sealed-object.js';
import type { AddedRecord } from '../../gateway/services/medledger.js';
import { addFile, giveGrant, inHours, open, revoke } from '../support/care.js';
import { needlesOf, type Needle, searchDataFolder } from '../support/leak-search.js';
import {
  type CustodianAnswer,
  type EndorsedOpening,
  LedgerIntruder,
  permittedRecord,
} from '../support/ledger-intruder.js';
import { type Member, problemOf, signIn, signUp } from '../support/member.js';
import { LEDGER, type RunningNetwork, runNetwork } from '../support/running-network.js';
import { changeState } from '../support/tamper.js';

const VALID = 0;
const MVCC_READ_CONFLICT = 11;
const CANARY = `canary ${randomBytes(16).toString('hex')}`;
const REASON_CANARY = `reason ${randomBytes(16).toString('hex')}`;

/** Where a row of Government's world state lies: its file, and its key. */
const PLANTED_IN_STATE =
  LEDGER === 'fabric'
    ? [
        'fabric/nodes/peer0.government.medledger.example/store/ledgersData/stateLeveldb',
        'state of GovernmentMSP: medledger\0dmedledger\0planted',
      ]
    : ['ledger/peers/GovernmentMSP/state', 'state of GovernmentMSP: smedledger\0planted'];

let network: RunningNetwork;
let patient: Member;
let record: AddedRecord;
let doctor: LedgerIntruder;
let stranger: LedgerIntruder;
/** What the doctor rightly got once: the shares and the key they make. Nobody else may ever hold them. */
const secrets: { name: string; bytes: Uint8Array }[] = [];

beforeAll(async () => {
  network = await runNetwork();
  patient = await signUp(network.gatewayUrl('HospitalAMSP'));
  const content = JSON.stringify({ resourceType: 'Observation', note: CANARY });
  record = await addFile(patient, patient.memberId, { bytes: Buffer.from(content), type: 'application/fhir+json' });
  await giveGrant(patient, { to: 'doctor-a' });
  doctor = await LedgerIntruder.of(network, network.credential('doctor-a'));
  stranger = await LedgerIntruder.of(network, network.credential('doctor-b'));
});

afterAll(async () => {
  doctor?.close();
  stranger?.close();
  await network?.stop();
  network?.remove();
});

function sharesIn(answers: readonly CustodianAnswer[]): number {
  return answers.reduce((count, { shares }) => count + shares.size, 0);
}

function codesIn(answers: readonly CustodianAnswer[]): readonly string[] {
  return answers.flatMap(({ codes }) => codes);
}

function times<T>(count: number, value: T): T[] {
  return Array.from({ length: count }, () => value);
}

/** Decrypts as a reader does, and keeps what it took as needles. */
async function readWith(opening: EndorsedOpening, answers: readonly CustodianAnswer[]): Promise<string> {
  const metadata = permittedRecord(opening, record.recordId);
  const shares = answers.flatMap(({ custodian, shares: held }) => {
    const share = held.get(record.recordId);
    return share === undefined ? [] : [{ custodian, share }];
  });
  const ciphertext = await doctor.ciphertext(metadata.cid);
  const { channel } = network.topology;
  const context = recordContext({ channel, recordId: record.recordId, version: metadata.version });
  const matches = (dataKey: Uint8Array) => matchesKey({ ciphertext, dataKey, context });
  const { dataKey } = await combineNaming({ shares, matches });
  secrets.push({ name: 'data key', bytes: dataKey });
  for (const { custodian, share } of shares) secrets.push({ name: `share of ${custodian}`, bytes: share });
  const opened = openObject({ ciphertext, dataKey, context, expectedCommitmentHex: metadata.commitment });
  return Buffer.from(opened.plaintext).toString('utf8');
}

describe('no share without a committed permit', () => {
  it('an opening that is endorsed and dropped gives nothing; committed, the same one gives all shares', async () => {
    const opening = await doctor.endorseOpening(patient.memberId, [record.recordId]);
    expect(permittedRecord(opening, record.recordId).cid).toBe(record.cid);
    const early = await doctor.askCustodians(opening.transactionId, opening.oneTime.privateKey);
    expect([sharesIn(early), codesIn(early)]).toEqual([0, times(3, 'BLOCK_UNKNOWN')]);
    expect(await opening.submit()).toBe(VALID);
    const late = await doctor.askCustodians(opening.transactionId, opening.oneTime.privateKey);
    expect([sharesIn(late), codesIn(late)]).toEqual([3, []]);
    expect(await readWith(opening, late)).toContain(CANARY);
  });

  it('an opening that is in a block as invalid gives nothing', async () => {
    const [first, second] = [
      await doctor.endorseOpening(patient.memberId, [record.recordId]),
      await doctor.endorseOpening(patient.memberId, [record.recordId]),
    ];
    expect([await first.submit(), await second.submit()]).toEqual([VALID, MVCC_READ_CONFLICT]);
    const answers = await doctor.askCustodians(second.transactionId, second.oneTime.privateKey);
    expect([sharesIn(answers), codesIn(answers)]).toEqual([0, times(3, 'RELEASE_REFUSED')]);
  });

  it('a refusal that is in a block gives nothing', async () => {
    const opening = await stranger.endorseOpening(patient.memberId, [record.recordId]);
    expect(opening.answer.outcome.items).toEqual([expect.objectContaining({ outcome: 'deny', code: 'NO_GRANT' })]);
    expect(await opening.submit()).toBe(VALID);
    const answers = await stranger.askCustodians(opening.transactionId, opening.oneTime.privateKey);
    expect(sharesIn(answers)).toBe(0);
  });

  it('a transaction that is no opening gives nothing', async () => {
    const { privateKey } = (await doctor.endorseOpening(patient.memberId, [record.recordId])).oneTime;
    const answers = await doctor.askCustodians(record.transactionId, privateKey);
    expect([sharesIn(answers), codesIn(answers)]).toEqual([0, times(3, 'RELEASE_REFUSED')]);
  });

  it("another reader's opening gives shares that only that reader can open", async () => {
    const own = (await open(patient, record.recordId)).headers.get('x-transaction-id') ?? '';
    const { privateKey } = (await stranger.endorseOpening(patient.memberId, [record.recordId])).oneTime;
    const answers = await stranger.askCustodians(own, privateKey);
    expect([sharesIn(answers), codesIn(answers)]).toEqual([0, times(3, 'CIPHERTEXT_INVALID')]);
  });

  it('a grant that was revoked after the commit and before the release gives nothing', async () => {
    const { grantId } = await giveGrant(patient, { to: 'doctor-b' });
    const opening = await stranger.endorseOpening(patient.memberId, [record.recordId]);
    expect(await opening.submit()).toBe(VALID);
    await revoke(patient, grantId);
    const answers = await stranger.askCustodians(opening.transactionId, opening.oneTime.privateKey);
    expect([sharesIn(answers), codesIn(answers)]).toEqual([0, times(3, 'GRANT_ENDED')]);
  });
});

describe('who may ask a custodian', () => {
  it('nobody without the certificate of a gateway', async () => {
    const ports = network.topology.organisations.map(({ gateway }) => gateway.internalPort);
    const outcomes = await Promise.all(ports.map(askWithoutCertificate));
    expect(outcomes).toEqual(times(ports.length, 'refused'));
  });

  it('the insurer, which is no custodian, has nothing to give', async () => {
    const opening = await doctor.endorseOpening(patient.memberId, [record.recordId]);
    expect(await opening.submit()).toBe(VALID);
    const answer = await doctor.ask('InsurerMSP', opening.transactionId, opening.oneTime.privateKey);
    expect([sharesIn([answer]), codesIn([answer])]).toEqual([0, ['NO_PEER']]);
  });
});

function askWithoutCertificate(port: number): Promise<string> {
  return new Promise((resolve) => {
    const path = '/internal/v1/vault/addresses';
    const asked = request({ host: '127.0.0.1', port, path, rejectUnauthorized: false }, ({ statusCode }) => {
      resolve(`answered ${statusCode}`);
    });
    asked.on('error', () => resolve('refused'));
    asked.end();
  });
}

describe('what is left in the data folders', () => {
  it('no share, no data key, no word of a record or a reason, no password', async () => {
    const asking = await signIn(network.credential('doctor-b'));
    const body = { actions: ['read'], scope: {}, purpose: 'TREAT', until: inHours(1), reason: REASON_CANARY };
    const path = '/v1/access-requests';
    await asking.ask({ method: 'POST', path, body: { ...body, patientId: patient.memberId } });
    const refused = await open(asking, record.recordId);
    expect(problemOf(refused).code).toBe('GRANT_ENDED');
    expect((await network.stop()).status).toBe(0);
    expect(secrets.length).toBe(4);
    expect(await searchDataFolder(network.dataDir, allNeedles())).toEqual([]);
  });

  it('and the search finds each of them where it is planted', async () => {
    const needles = allNeedles();
    const [key] = secrets;
    if (key === undefined) throw new Error('no secret was learnt');
    appendFileSync(join(network.dataDir, 'logs', 'ledger.log'), `{"note":"xy${CANARY}"}`);
    appendFileSync(
      join(network.dataDir, 'gateways', 'InsurerMSP', 'planted'),
      Buffer.from(`x${CANARY}y`).toString('base64'),
    );
    const planted = Buffer.from(key.bytes).toString('hex');
    await changeState(network.dataDir, 'GovernmentMSP', { planted: () => planted });
    const jobs = new DatabaseSync(join(network.dataDir, 'gateways', 'HospitalBMSP', 'jobs.sqlite'));
    const detail = Buffer.from(key.bytes).toString('base64url');
    jobs.prepare("INSERT INTO jobs VALUES ('planted', 'm', 'p', 'done', 1, 1, '', ?)").run(detail);
    jobs.close();
    const found = await searchDataFolder(network.dataDir, needles);
    expect(new Set(found.map(({ place, needle }) => `${needle} in ${withoutFile(place)}`))).toEqual(
      new Set([
        'word of the record plain in logs/ledger.log',
        expect.stringMatching('word of the record as text . in gateways/InsurerMSP/planted'),
        ...PLANTED_IN_STATE.map((place) => `data key as text 0 in ${place}`),
        expect.stringMatching('data key as text . in gateways/HospitalBMSP/jobs.sqlite'),
        expect.stringMatching('data key as text . in gateways/HospitalBMSP/jobs.sqlite jobs'),
      ]),
    );
  });
});

/** Tables are numbered; on Fabric it is LevelDB that numbers its files. */
function withoutFile(place: string): string {
  return place.replace(/\/\d+\.(?:log|ldb|table)$/, '');
}

function allNeedles(): readonly Needle[] {
  return [
    ...secrets.flatMap(({ name, bytes }) => needlesOf(name, bytes)),
    ...needlesOf('word of the record', Buffer.from(CANARY)),
    ...needlesOf('word of the reason', Buffer.from(REASON_CANARY)),
    ...needlesOf('password of the patient', Buffer.from(patient.password)),
  ];
}
