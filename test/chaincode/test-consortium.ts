import {
  type AgencyId,
  canonicalJson,
  firstHead,
  type GrantBody,
  type GrantId,
  type LaneAnswer,
  type LaneTip,
  type PatientId,
  patientGenesis,
  type QueryName,
  type RegisterDocument,
  type SetId,
  type StoredRecord,
  type TransactionAnswer,
  type TransactionInput,
  type TransactionName,
  tipOf,
} from '@medledger/chaincode/domain';
import {
  CHANNEL,
  type ChainActor,
  type ChainOrganisation,
  makeActor,
  makeOrganisation,
  makePatient,
  prepareCall,
  randomId,
  registerEntryOf,
  signGrant,
  signRecordSet,
  signRegister,
  x25519PublicKey,
} from '../support/chain-actor.js';
import type { LedgerTransaction } from '../../gateway/ledger/ledger-block.js';
import { MemoryPeer, type Simulation } from './memory-stub.js';

export const START_MS = Date.UTC(2026, 10, 1);
const STEP_MS = 10_000;
export const DAY_MS = 86_400_000;

/** A refused endorsement: nothing is written. The message begins with the code. */
export class Refused extends Error {}

export type CommittedCall = Pick<LedgerTransaction, 'txId' | 'validationCode' | 'transaction' | 'args' | 'writes'>;

/** What a grant says, with ids as plain text. */
export type SaidGrant = Omit<Partial<GrantBody>, 'grantee'> & {
  readonly grantee?: { readonly kind: string; readonly id: string; readonly agencyId?: string };
};

/** A bootstrapped channel with members of every role, and its one peer in memory. */
export class TestConsortium {
  readonly peer = new MemoryPeer(CHANNEL);
  readonly hospitalA = makeOrganisation('HospitalAMSP');
  readonly hospitalB = makeOrganisation('HospitalBMSP');
  readonly government = makeOrganisation('GovernmentMSP');
  readonly actors = new Map<string, ChainActor>();
  /** What was committed, in order, as blocks would hold it. */
  readonly chain: CommittedCall[] = [];
  timeMs = START_MS;
  #registerVersion = 1;

  static async create(): Promise<TestConsortium> {
    const consortium = new TestConsortium();
    const { hospitalA, hospitalB, government } = consortium;
    await consortium.#enrol(hospitalA, { memberId: 'admin-a', role: 'admin' });
    await consortium.#enrol(hospitalB, { memberId: 'admin-b', role: 'admin' });
    await consortium.#enrol(hospitalA, { memberId: 'doctor-a', role: 'doctor', agencyId: 'practice-a' });
    await consortium.#enrol(hospitalB, { memberId: 'doctor-b', role: 'doctor', agencyId: 'practice-b' });
    await consortium.#enrol(hospitalA, { memberId: 'nurse-a', role: 'nurse', agencyId: 'practice-a' });
    await consortium.#enrol(hospitalB, { memberId: 'nurse-b', role: 'nurse', agencyId: 'practice-b' });
    await consortium.#enrol(government, { memberId: 'officer', role: 'government', agencyId: 'health-office' });
    await consortium.#enrol(government, { memberId: 'insurer', role: 'insurer', agencyId: 'insurance' });
    await consortium.#enrol(government, { memberId: 'auditor', role: 'auditor' });
    await consortium.bootstrap();
    return consortium;
  }

  async #enrol(organisation: ChainOrganisation, who: { memberId: string; role: string; agencyId?: string }) {
    this.actors.set(who.memberId, await makeActor(organisation, who));
  }

  actor(memberId: string): ChainActor {
    const actor = this.actors.get(memberId);
    if (actor === undefined) throw new Error(`no actor ${memberId}`);
    return actor;
  }

  document(): RegisterDocument {
    const { hospitalA, hospitalB, government } = this;
    const agency = (agencyId: string, { entry }: ChainOrganisation) =>
      ({ agencyId: agencyId as AgencyId, kind: 'practice', name: agencyId, organisation: entry.mspId }) as const;
    return {
      channel: CHANNEL,
      version: 1,
      organisations: [hospitalA, hospitalB, government].map(({ entry }) => entry),
      agencies: [
        agency('practice-a', hospitalA),
        agency('practice-b', hospitalB),
        agency('health-office', government),
        agency('insurance', government),
      ],
      members: [...this.actors.values()].map(registerEntryOf),
    };
  }

  async bootstrap(document = this.document()): Promise<string> {
    const register = signRegister(document, [this.hospitalA, this.government]);
    return this.invoke(this.actor('admin-a'), 'members:bootstrap', [canonicalJson({ register }), '']);
  }

  /** Somebody whom a further register document names: after whatever a patient gave to its agency or role. */
  async join(who: { memberId: string; role: string; agencyId?: string }): Promise<ChainActor> {
    this.#registerVersion += 1;
    const actor = await makeActor(this.hospitalA, who);
    this.actors.set(who.memberId, actor);
    const document = { ...this.document(), version: this.#registerVersion, organisations: [], agencies: [] };
    const register = signRegister({ ...document, members: [registerEntryOf(actor)] }, [
      this.hospitalA,
      this.government,
    ]);
    await this.submit(this.actor('admin-a'), 'members:register', { register });
    return actor;
  }

  /** A registered patient, of the government's organisation: no doctor's. */
  async patient(organisation = this.government): Promise<ChainActor> {
    const patient = await makePatient(organisation);
    await this.register(patient);
    return patient;
  }

  register(patient: ChainActor): Promise<TransactionAnswer> {
    return this.registerWith(patient, registrationOf(patient));
  }

  registerWith(
    patient: ChainActor,
    business: ReturnType<typeof registrationOf> & { readonly policy?: object },
  ): Promise<TransactionAnswer> {
    const head = firstHead(patientGenesis({ channel: CHANNEL, ...business }));
    return this.submitAt(tipOf(head), patient, 'members:registerPatient', business);
  }

  /** Reads the lane's head, solves, endorses and commits; time goes on by ten seconds. */
  async submit(actor: ChainActor, name: TransactionName, business: object): Promise<TransactionAnswer> {
    return this.submitAt(await this.tip(actor, patientOf(business)), actor, name, business);
  }

  async submitAt(
    tip: LaneTip,
    actor: ChainActor,
    transaction: TransactionName,
    said: object,
  ): Promise<TransactionAnswer> {
    const business = signedByAuthor(actor, said);
    const { businessJson, proofJson } = prepareCall(actor, {
      transaction,
      business,
      patientId: patientOf(business),
      tip,
    });
    return JSON.parse(await this.invoke(actor, transaction, [businessJson, proofJson])) as TransactionAnswer;
  }

  /** Endorsed, not committed: for what happens in between. */
  async endorse(actor: ChainActor, transaction: TransactionName, said: object): Promise<Simulation> {
    const business = signedByAuthor(actor, said);
    const patientId = patientOf(business);
    const tip = await this.tip(actor, patientId);
    const { businessJson, proofJson } = prepareCall(actor, { transaction, business, patientId, tip });
    return this.simulate(actor, transaction, [businessJson, proofJson]);
  }

  async tip(actor: ChainActor, patientId: PatientId): Promise<LaneTip> {
    return tipOf((await this.query<LaneAnswer>(actor, 'audit:head', { patientId })).head);
  }

  async query<T>(actor: ChainActor, name: QueryName, input: object): Promise<T> {
    const { payload } = await this.simulate(actor, name, [canonicalJson(input)]);
    return JSON.parse(payload) as T;
  }

  async invoke(actor: ChainActor, name: string, args: readonly string[]): Promise<string> {
    const simulation = await this.simulate(actor, name, args);
    if (this.peer.commit(simulation) !== 'VALID') throw new Error('a conflict where nothing runs in between');
    const writes = [...simulation.writes].map(([key, value]) => ({
      key,
      isDelete: value === undefined,
      value: value?.toString('utf8') ?? '',
    }));
    this.chain.push({ txId: simulation.txId, validationCode: 'VALID', transaction: name, args, writes });
    return simulation.payload;
  }

  async simulate(actor: ChainActor, name: string, args: readonly string[]): Promise<Simulation> {
    this.timeMs += STEP_MS;
    const simulation = await this.peer.simulate({ creator: actor, name, args, timeMs: this.timeMs });
    if (simulation.status !== 200) throw new Refused(simulation.message);
    return simulation;
  }

  /** A grant to doctor-a of everything normal, for treatment, for a day; `body` narrows or moves it. */
  async grant(patient: ChainActor, body: SaidGrant = {}, grantId = randomId<GrantId>('g')): Promise<GrantId> {
    const grant = signGrant(patient, { grantId, body: this.grantBody(body) });
    await this.submit(patient, 'consents:grant', { patientId: patient.memberId, grant });
    return grantId;
  }

  grantBody(body: SaidGrant = {}): GrantBody {
    const said = {
      grantee: { kind: 'person', id: 'doctor-a' },
      actions: ['read'],
      scope: {},
      purpose: 'TREAT',
      fromMs: this.timeMs,
      untilMs: this.timeMs + DAY_MS,
      ...body,
    };
    return said as GrantBody;
  }

  /** A set of records that the patient adds; the ids of its records are the set's id and two hex digits. */
  async addSet(patient: ChainActor, records: readonly StoredRecord[] = [recordOf()]): Promise<SetId> {
    const setId = randomId<SetId>();
    const business = { patientId: patient.memberId, purpose: 'PATRQT', sets: [{ setId, records }] };
    await this.submit(patient, 'records:addBatch', business);
    return setId;
  }
}

export function registrationOf(patient: ChainActor) {
  const { memberId: patientId, salt, signingKey, encryptionKey } = patient;
  if (salt === undefined) throw new Error(`${patientId} is no patient`);
  return { patientId, salt, signingKey, encryptionKey, keyCustody: 'wallet' } as const;
}

export function recordOf(change: Partial<StoredRecord> = {}): StoredRecord {
  return {
    class: 'Observation',
    label: 'N',
    dateMs: START_MS,
    sha256: '5a'.repeat(32),
    sizeBytes: 1024,
    cid: `b${'a'.repeat(58)}`,
    commitment: 'c3'.repeat(32),
    ...change,
  };
}

export function openingOf(patient: ChainActor, recordIds: readonly string[], purpose = 'TREAT') {
  return { patientId: patient.memberId, recordIds, purpose, oneTimeKey: x25519PublicKey() };
}

/** Records are signed by who adds them, unless the business bears a signature already. */
function signedByAuthor(author: ChainActor, business: object): object {
  const { patientId, setId, record, sets } = business as Partial<TransactionInput<'records:add'>> & {
    sets?: TransactionInput<'records:addBatch'>['sets'];
  };
  if (patientId === undefined) return business;
  const signatureOf = (set: { setId: SetId; records: readonly StoredRecord[] }) =>
    signRecordSet(author, { patientId, ...set });
  if (sets !== undefined) return { ...business, sets: sets.map((set) => signedSet(set, signatureOf(set))) };
  if (setId === undefined || record === undefined) return business;
  return { authorSignature: signatureOf({ setId, records: [record] }), ...business };
}

function signedSet(set: object, authorSignature: string): object {
  return { authorSignature, ...set };
}

function patientOf(business: object): PatientId {
  return ('patientId' in business ? business.patientId : '-') as PatientId;
}
