import {
  canonicalJson,
  formatLaneProof,
  headerHash,
  headerOf,
  keyHashOf,
  type LaneTip,
  solve,
  type TransactionAnswer,
  type TransactionName,
} from '@medledger/chaincode/domain';
import type { BenchMembers, BenchPatient } from './bench-members.js';
import { type MemoryPeer, proposalMaker, type Simulated } from './memory-peer.js';
import { oneRecord } from './sample-records.js';

/** Extends lanes over a memory peer, with the product's own chaincode. */
export class LaneWriter {
  readonly #channel: string;
  readonly #peer: MemoryPeer;
  readonly #propose: ReturnType<typeof proposalMaker>;
  readonly #tips = new Map<string, LaneTip>();

  constructor(channel: string, peer: MemoryPeer) {
    this.#channel = channel;
    this.#peer = peer;
    this.#propose = proposalMaker(channel);
  }

  async found({ admin, register, patients }: BenchMembers): Promise<void> {
    await this.#peer.commit(this.#propose(admin, 'members:bootstrap', [canonicalJson({ register }), '']));
    for (const patient of patients) {
      this.#tips.set(patient.patientId, patient.firstTip);
      await this.commit(patient, 'members:registerPatient', patient.registration);
    }
  }

  tip({ patientId }: BenchPatient): LaneTip {
    return this.#tips.get(patientId) ?? missing();
  }

  async add(patient: BenchPatient): Promise<void> {
    return this.commit(patient, 'records:add', await oneRecord(patient));
  }

  /** Business and proof, solved for the lane as it is. */
  callOf(patient: BenchPatient, transaction: TransactionName, business: object): readonly string[] {
    const businessJson = canonicalJson(business);
    const tip = this.tip(patient);
    const { identity, patientId } = patient;
    const keyHash = keyHashOf(identity.signingPublicKeySpki);
    const memberId = patientId;
    const header = headerOf({ channel: this.#channel, transaction, businessJson, memberId, keyHash, patientId, tip });
    const { difficulty } = tip;
    const solution = solve({ headerHash: headerHash(header), difficulty, attemptsMax: difficulty * 64 });
    return [businessJson, formatLaneProof({ ...tip, nonce: solution?.nonceHex ?? '' })];
  }

  simulate({ identity }: BenchPatient, name: TransactionName, args: readonly string[]): Promise<Simulated> {
    return this.#peer.simulate(this.#propose(identity, name, args));
  }

  /** Solves, endorses and commits the next entry of the patient's own lane. */
  async commit(patient: BenchPatient, name: TransactionName, business: object): Promise<void> {
    const args = this.callOf(patient, name, business);
    const { answer } = await this.#peer.commit(this.#propose(patient.identity, name, args));
    this.#tips.set(patient.patientId, parseAnswer(answer).tip);
  }
}

export function parseAnswer(answer: string): TransactionAnswer {
  return JSON.parse(answer) as TransactionAnswer;
}

function missing(): never {
  throw new Error('invariant failed: the lane was begun');
}
