import { peer } from '@hyperledger/fabric-protos';
import type { Endorser, SimulationResult } from '../endorse/endorser.js';
import type { ChaincodeInterest } from '../endorse/interest.js';
import type { Proposal } from '../endorse/proposal.js';
import type { RpcErrorDetail } from './rpc-error.js';

/** What a refusal by another peer looks like to the one that called it; answers of a chaincode come as they are. */
export function remoteRefusal(message: string): string {
  return `rpc error: code = Unknown desc = ${message}`;
}

type Success = Extract<SimulationResult, { kind: 'success' }>;

/** Endorsements of one proposal, all over the same bytes. */
export class EndorsementRound {
  readonly proposal: Proposal;
  details: RpcErrorDetail[] = [];
  #payload: Uint8Array | undefined;
  readonly #endorsements = new Map<Endorser, peer.Endorsement>();
  readonly #failed = new Set<Endorser>();
  #interest: readonly ChaincodeInterest[] = [];

  readonly #local: Endorser;

  /** @param local - the peer that was asked; what others refuse reaches it through a call of its own */
  constructor(proposal: Proposal, local: Endorser) {
    this.proposal = proposal;
    this.#local = local;
  }

  /**
   * Asks several peers at the same time. The first one in the list that succeeds sets the bytes that all later ones
   * must match.
   *
   * @returns for each, whether it endorsed
   */
  async ask(endorsers: readonly Endorser[]): Promise<boolean[]> {
    const results = await Promise.all(endorsers.map((endorser) => endorser.simulate(this.proposal, 'endorse')));
    return endorsers.map((endorser, index) => {
      const result = results[index];
      if (result === undefined) return false;
      if (result.kind === 'success') return this.#accept(endorser, result);
      this.#fail(endorser, result.kind === 'duplicate' ? this.#refusal(endorser, result.message) : result.message);
      return false;
    });
  }

  /** What the first one that succeeded says of who must endorse. */
  get interest(): readonly ChaincodeInterest[] {
    return this.#interest;
  }

  hasEndorsed(endorser: Endorser): boolean {
    return this.#endorsements.has(endorser);
  }

  hasFailed(endorser: Endorser): boolean {
    return this.#failed.has(endorser);
  }

  failAll(endorsers: readonly Endorser[], message: string): this {
    for (const endorser of endorsers) this.#fail(endorser, this.#refusal(endorser, message));
    return this;
  }

  onlyDetailsOf(endorser: Endorser): this {
    this.details = this.details.filter((detail) => detail.address === endorser.address);
    return this;
  }

  /** What goes into the transaction, with the endorsements of these. */
  endorsedAction(endorsers: readonly Endorser[]): peer.ChaincodeEndorsedAction {
    if (this.#payload === undefined) throw new Error('No endorsement was collected.');
    const action = new peer.ChaincodeEndorsedAction();
    action.setProposalResponsePayload(this.#payload);
    action.setEndorsementsList(endorsers.flatMap((endorser) => this.#endorsements.get(endorser) ?? []));
    return action;
  }

  #accept(endorser: Endorser, { payload, interest }: Success): boolean {
    if (this.#payload === undefined) {
      this.#payload = payload;
      this.#interest = interest;
    }
    if (Buffer.compare(this.#payload, payload) !== 0) {
      this.#fail(endorser, 'ProposalResponsePayloads do not match');
      return false;
    }
    this.#endorsements.set(endorser, endorser.endorse(payload));
    return true;
  }

  #refusal(endorser: Endorser, message: string): string {
    return endorser === this.#local ? message : remoteRefusal(message);
  }

  #fail(endorser: Endorser, message: string): void {
    this.#failed.add(endorser);
    this.details.push({ address: endorser.address, mspId: endorser.mspId, message });
  }
}
