import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Basis,
  canonicalJson,
  type EvidenceAnswer,
  type GrantBody,
  type ItemOutcome,
  type Member,
  type PatientId,
  type RecordId,
  type RecordMetadata,
  type SignedRegister,
  type StoredGrant,
  toBase64url,
} from '@medledger/chaincode/domain';
import type { CommittedOpening, CustodianOptions } from '../../../gateway/custody/custodian.js';
import { generateHpkeKeyPair, type HpkeKeyPair, sealManyTo } from '../../../gateway/custody/hpke.js';
import { ReleaseLog } from '../../../gateway/custody/release-log.js';
import { openShareStore, type ShareStore } from '../../../gateway/custody/share-store.js';
import {
  CHANNEL,
  type ChainActor,
  type ChainOrganisation,
  makeActor,
  makeOrganisation,
  makePatient,
  randomId,
  registerEntryOf,
  signGrant,
  signRegister,
} from '../../support/chain-actor.js';

export const NOW_MS = Date.UTC(2026, 10, 20, 12);
export const HOUR_MS = 3_600_000;
export const MSP_ID = 'GovernmentMSP';
/** Whose gateway deposited the share of the record. */
export const AUTHOR_MSP_ID = 'HospitalAMSP';

/** Everybody around one custodian, with real keys, certificates and signatures. */
export interface Circle {
  readonly organisations: readonly [ChainOrganisation, ChainOrganisation, ChainOrganisation];
  readonly patient: ChainActor;
  readonly otherPatient: ChainActor;
  readonly doctor: ChainActor;
  readonly otherDoctor: ChainActor;
}

export async function makeCircle(): Promise<Circle> {
  const organisations = [
    makeOrganisation('HospitalAMSP'),
    makeOrganisation('HospitalBMSP'),
    makeOrganisation(MSP_ID),
  ] as const;
  const [hospital] = organisations;
  return {
    organisations,
    patient: await makePatient(hospital),
    otherPatient: await makePatient(hospital),
    doctor: await makeActor(hospital, { memberId: 'doctor-a', role: 'doctor', agencyId: 'practice-a' }),
    otherDoctor: await makeActor(hospital, { memberId: 'doctor-b', role: 'doctor', agencyId: 'practice-a' }),
  };
}

export function bodyFor(doctor: ChainActor, change: Partial<GrantBody> = {}): GrantBody {
  return {
    grantee: { kind: 'person', id: doctor.memberId },
    actions: ['read'],
    scope: {},
    purpose: 'TREAT',
    fromMs: NOW_MS - HOUR_MS,
    untilMs: NOW_MS + HOUR_MS,
    ...change,
  };
}

export function memberOf({ memberId, role, mspId, signingKey, encryptionKey, salt }: ChainActor): Member {
  const member = { memberId, role, organisation: mspId, signingKey, encryptionKey, keyCustody: 'wallet', genesis: '' };
  return { ...member, ...(salt === undefined ? {} : { salt }) } as Member;
}

/** One committed opening of one record, everything about it in order. Tests take one thing out of order. */
export class OpeningCase {
  readonly circle: Circle;
  readonly oneTime: HpkeKeyPair = generateHpkeKeyPair();
  readonly grantId = randomId<string>('g');
  readonly recordId = `${randomId()}00` as RecordId;
  readonly share = new Uint8Array(randomBytes(33));
  readonly transactionId = randomBytes(32).toString('hex');
  readonly record: RecordMetadata;
  nowMs = NOW_MS;
  basis: Basis;
  patientId: PatientId;
  purpose = 'TREAT';
  recordIds: readonly RecordId[];
  records: readonly RecordMetadata[];
  /** Of the answer; a permit for the record where left out. */
  items: readonly ItemOutcome[] | undefined;
  answeredFor: PatientId;
  creator: ChainActor;
  stored: StoredGrant | undefined;
  patient: Member | undefined;
  actor: Member | undefined;
  register: SignedRegister | undefined;
  /** What else the peer answers, or answers instead. */
  further: Partial<EvidenceAnswer> = {};
  /** Members of the committed transaction that differ. */
  transaction: Partial<CommittedOpening> = {};

  constructor(circle: Circle) {
    this.circle = circle;
    const { patient, doctor } = circle;
    const [hospitalA, hospitalB] = circle.organisations;
    this.patientId = patient.memberId;
    this.answeredFor = patient.memberId;
    this.creator = doctor;
    this.recordIds = [this.recordId];
    this.record = this.#metadata();
    this.records = [this.record];
    this.basis = { kind: 'grant', grantId: this.grantId as never, version: 1 };
    this.stored = { grant: signGrant(patient, { grantId: this.grantId, body: bodyFor(doctor) }) };
    this.patient = memberOf(patient);
    this.actor = memberOf(doctor);
    this.register = this.registerSignedBy([hospitalA, hospitalB]);
  }

  registerSignedBy(
    signers: readonly ChainOrganisation[],
    change: { channel?: string; named?: ChainActor; version?: number } = {},
  ) {
    const { channel = CHANNEL, named = this.circle.doctor, version = 1 } = change;
    const members = [registerEntryOf(named)];
    return signRegister({ channel, version, organisations: [], agencies: [], members }, signers);
  }

  committed(): CommittedOpening {
    const { patientId, recordIds, purpose, creator, oneTime } = this;
    const input = { patientId, recordIds, purpose, oneTimeKey: toBase64url(oneTime.publicKey) };
    const permit = { recordId: this.recordId, version: 1, outcome: 'permit', basis: this.basis };
    const answer = {
      outcome: { action: 'open', outcome: 'permit', purpose, items: this.items ?? [permit] },
      entry: { memberId: creator.memberId, patientId: this.answeredFor },
      records: this.records,
    };
    return {
      transactionId: this.transactionId,
      validationCode: 'VALID',
      channel: CHANNEL,
      chaincode: 'medledger',
      transaction: 'access:open',
      args: [canonicalJson(input), ''],
      answer: JSON.stringify(answer),
      timestampMs: this.nowMs,
      creatorKeyHash: creator.keyHash,
      creatorMemberId: creator.memberId,
      ...this.transaction,
    };
  }

  evidence(): EvidenceAnswer {
    const { patient, actor, register, stored, grantId } = this;
    return {
      ...(patient === undefined ? {} : { patient }),
      ...(actor === undefined ? {} : { actor }),
      ...(register === undefined ? {} : { register }),
      grants: [{ grantId: grantId as never, ...(stored === undefined ? {} : { stored }) }],
      groups: [],
      delegations: [],
      representations: [],
      emergencies: [],
      signers: [],
      used: {},
      timeMs: 0,
      ...this.further,
    };
  }

  #metadata(): RecordMetadata {
    const facts = { class: 'Observation', label: 'N', dateMs: 0, sizeBytes: 1, cid: 'b', commitment: '', txId: '' };
    const place = { recordId: this.recordId, version: 1, patientId: this.patientId, sha256: 'ab'.repeat(32) };
    return {
      ...facts,
      ...place,
      authorId: this.patientId,
      authorOrganisation: AUTHOR_MSP_ID,
      addedAtMs: 0,
    } as RecordMetadata;
  }
}

/** A custodian with its real stores in a folder of its own, and a peer that answers with one case. */
export interface CustodianOnDisk {
  readonly options: CustodianOptions;
  readonly shares: ShareStore;
  readonly journal: ReleaseLog;
  close(): Promise<void>;
}

export async function custodianFor(opening: OpeningCase): Promise<CustodianOnDisk> {
  const directory = mkdtempSync(join(tmpdir(), 'custodian-'));
  const shares = await openShareStore({ directory, mspId: MSP_ID });
  const journal = await ReleaseLog.open(join(directory, 'releases.log'));
  const options: CustodianOptions = {
    mspId: MSP_ID,
    channel: CHANNEL,
    chaincode: 'medledger',
    peer: { committedTransaction: async () => opening.committed(), evidence: async () => opening.evidence() },
    shares,
    journal,
    pinned: opening.circle.organisations.map(({ entry }) => entry),
    clock: () => opening.nowMs,
    sealMany: async ({ recipient, info, items }) => {
      const { enc, items: sealed } = await sealManyTo({ publicKey: recipient, info, items });
      return { enc, sealed };
    },
  };
  return {
    options,
    shares,
    journal,
    close: async () => {
      await journal.close();
      await shares.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
