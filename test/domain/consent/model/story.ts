import {
  type Actor,
  type Grantee,
  type MemberId,
  type Outcome,
  type Page,
  POLICY_ID,
  type RecordFacts,
  type RecordMetadata,
  recordIdOf,
  type RequestId,
  type SetId,
  type TransactionName,
} from '@medledger/chaincode/domain';
import { openingOf, recordOf, Refused, START_MS, TestConsortium } from '../../../chaincode/test-consortium.js';
import { type ChainActor, signStatement, type Stating, x25519PublicKey } from '../../../support/chain-actor.js';
import { agency, cidOf, did, eid, gid, mid, repId } from '../grant-samples.js';
import { wordOf } from './decision-word.js';
import type { Step, Who } from './steps.js';
import { World } from './world.js';

/** What the chaincode did, in words; undefined where it refused the call and wrote nothing. */
export type Seen = readonly string[] | undefined;

const SHA256 = '00'.repeat(32);

/** One run: the real contracts over a peer in memory, and beside them the world as the model sees it. */
export class Story {
  readonly world: World;
  #ids = 0;
  #registerVersion = 1;

  private constructor(
    readonly consortium: TestConsortium,
    readonly patient: ChainActor,
    readonly friend: ChainActor,
  ) {
    this.world = new World(patient.memberId);
    const named = ['doctor-a', 'doctor-b', 'nurse-a', 'officer', 'auditor'].map((id) => consortium.actor(id));
    for (const actor of [patient, friend, ...named]) this.#meet(actor);
  }

  static async begin(): Promise<Story> {
    const consortium = await TestConsortium.create();
    const story = new Story(consortium, await consortium.patient(), await consortium.patient());
    const own = { do: 'add', by: 'patient', purpose: 'PATRQT' } as const;
    for (const [kind, label] of [
      ['Observation', 'N'],
      ['Observation', 'R'],
      ['Condition', 'N'],
    ] as const)
      story.world.records.push((await story.add(story.patient, { ...own, class: kind, label })).record);
    return story;
  }

  get timeMs(): number {
    return this.consortium.timeMs;
  }

  get registerVersion(): number {
    return this.#registerVersion;
  }

  nextId(): number {
    this.#ids += 1;
    return this.#ids;
  }

  /** Undefined: nobody of that name is registered yet. */
  person(who: Who): ChainActor | undefined {
    if (who === 'patient') return this.patient;
    return who === 'friend' ? this.friend : this.consortium.actors.get(who);
  }

  idOf(who: string): MemberId {
    if (who === 'patient') return this.patient.memberId;
    return who === 'friend' ? this.friend.memberId : mid(who);
  }

  named(to: Grantee): Grantee {
    return to.kind === 'person' || to.kind === 'delegate' ? { ...to, id: this.idOf(to.id) } : to;
  }

  async join(): Promise<void> {
    const newcomer = { memberId: 'newcomer', role: 'doctor', agencyId: 'practice-a' };
    this.#registerVersion += 1;
    this.#meet(await this.consortium.join(newcomer), this.#registerVersion);
  }

  #meet(actor: ChainActor, registerVersion = 1): void {
    const { memberId, role, agencyId } = actor;
    const place = agencyId === undefined ? {} : { agencyId: agency(agencyId) };
    const registered = role === 'patient' ? {} : { registerVersion };
    this.world.actors.set(memberId, { memberId, role: role as Actor['role'], ...place, ...registered });
  }

  /** Sends a statement that the actor signs about the patient. */
  say(by: ChainActor, name: TransactionName, member: string, stating: Stating & { extra?: object }): Promise<Seen> {
    const { extra = {}, ...said } = stating;
    const { memberId } = this.patient;
    const signer = by.memberId === memberId ? {} : { by: by.memberId };
    const signed = signStatement(by, { ...said, patientId: memberId, ...signer });
    return this.submit(by, name, { patientId: memberId, [member]: signed, ...extra });
  }

  async submit(by: ChainActor, name: TransactionName, business: object): Promise<Seen> {
    try {
      return wordsOf((await this.consortium.submit(by, name, business)).outcome);
    } catch (cause) {
      if (cause instanceof Refused) return undefined;
      throw cause;
    }
  }

  async add(by: ChainActor, step: Extract<Step, { do: 'add' }>): Promise<{ seen: Seen; record: RecordFacts }> {
    const setId = this.nextId().toString(16).padStart(32, '0') as SetId;
    const stored = recordOf({ class: step.class, label: step.label });
    const { memberId: patientId } = this.patient;
    const seen = await this.submit(by, 'records:add', { patientId, purpose: step.purpose, setId, record: stored });
    const record = { recordId: recordIdOf(setId, 0), class: step.class, label: step.label, dateMs: START_MS };
    return { seen, record };
  }

  /** The records of a step, by their place among those there are; each once. */
  chosen(places: readonly number[]): readonly RecordFacts[] {
    const { records } = this.world;
    const picked = places.flatMap((place) => records[place % Math.max(records.length, 1)] ?? []);
    return [...new Set(picked)];
  }

  open(by: ChainActor, records: readonly RecordFacts[], purpose: string): Promise<Seen> {
    const ids = records.map(({ recordId }) => recordId);
    return this.submit(by, 'access:open', openingOf(this.patient, ids, purpose));
  }

  async list(by: ChainActor): Promise<Seen> {
    const asked = { patientId: this.patient.memberId, limit: 200 };
    const { items } = await this.consortium.query<Page<RecordMetadata>>(by, 'records:list', asked);
    return items.map(({ recordId }) => recordId);
  }

  request(
    by: ChainActor,
    step: Extract<Step, { do: 'request' }>,
    requestId: RequestId,
    untilMs: number,
  ): Promise<Seen> {
    const { scope, purpose } = step;
    const reason = { reasonSha256: SHA256, reasonCid: recordOf().cid };
    const asked = {
      patientId: this.patient.memberId,
      requestId,
      actions: ['read'],
      scope,
      purpose,
      untilMs,
      ...reason,
    };
    return this.submit(by, 'consents:request', asked);
  }

  emergency(by: ChainActor, stating: { id: string; body: object }, records: readonly RecordFacts[]): Promise<Seen> {
    const recordIds = records.map(({ recordId }) => recordId);
    const extra = { recordIds, oneTimeKey: x25519PublicKey() };
    return this.say(by, 'access:emergency', 'declaration', { kind: 'emergency', ...stating, extra });
  }
}

export const IDS = {
  grant: gid,
  delegation: did,
  representation: repId,
  emergency: eid,
  group: cidOf,
  policy: POLICY_ID,
};

function wordsOf({ outcome, code, basis, items = [] }: Outcome): readonly string[] {
  if (items.length > 0) return items.map(wordOf);
  if (outcome === 'deny') return [`deny ${code}`];
  return basis === undefined ? [] : [wordOf({ outcome, basis })];
}
