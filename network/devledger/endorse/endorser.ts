import type { peer } from '@hyperledger/fabric-protos';
import type { Logger } from 'pino';
import { definitionVersion } from '../commit/chaincode-definition.js';
import type { ChannelRules } from '../commit/channel-rules.js';
import type { PeerLedger } from '../peer-ledger.js';
import {
  ChaincodeCalls,
  type ChaincodeCallsOptions,
  type Simulation,
  type SystemChaincode,
} from './chaincode-calls.js';
import { type ChaincodeInterest, interestOf } from './interest.js';
import type { Proposal } from './proposal.js';
import {
  type EndorserIdentity,
  endorsePayload,
  proposalResponsePayload,
  type SignatureMemory,
} from './proposal-response.js';
import type { PrivateSet } from './read-write-set.js';
import { Simulator } from './simulator.js';

export interface EndorserOptions extends ChaincodeCallsOptions {
  /** Asked anew for each proposal: chaincodes are deployed while peers run. */
  readonly rules: ChannelRules;
  readonly identity: EndorserIdentity;
  /** host:port, for error details. */
  readonly address: string;
  /** Whether the peer still commits; one that was set aside endorses nothing. */
  readonly isInService: () => boolean;
  /** Sees to it that members of the collections get what a transaction would write to them. */
  readonly distribute: (txId: string, sets: readonly PrivateSet[]) => Promise<void>;
  readonly signatures: SignatureMemory;
  readonly log: Logger;
}

export type SimulationResult =
  | {
      readonly kind: 'success';
      readonly response: peer.Response;
      readonly payload: Uint8Array;
      /** Who has a say in who must endorse; empty for a system chaincode. */
      readonly interest: readonly ChaincodeInterest[];
    }
  /** The chaincode answered with an error: the same everywhere, unless this peer's state differs. */
  | { readonly kind: 'chaincode-error'; readonly message: string; readonly response: peer.Response }
  /** The peer could not run it; another one may. */
  | { readonly kind: 'peer-failure'; readonly message: string }
  | { readonly kind: 'duplicate'; readonly message: string };

/** Statuses below are no answer, from here on errors; Fabric's shim.ERRORTHRESHOLD. */
const STATUS_OK_MIN = 200;
const STATUS_ERROR_MIN = 400;
/** Fabric's scc.SysCCVersion. */
const SYSTEM_VERSION = 'syscc';

/**
 * One organisation's endorsing peer: simulates proposals on its own state with its own chaincode, and signs with its
 * own key. Proposals reach it checked (`checkProposal`).
 *
 * @see Fabric core/endorser/endorser.go
 */
export class Endorser {
  readonly mspId: string;
  readonly address: string;
  readonly #options: EndorserOptions;
  readonly #calls: ChaincodeCalls;

  constructor(options: EndorserOptions) {
    this.mspId = options.identity.mspId;
    this.address = options.address;
    this.#options = options;
    this.#calls = new ChaincodeCalls(options);
  }

  /** msp.SerializedIdentity. */
  get serialized(): Uint8Array {
    return this.#options.identity.serialized;
  }

  get rules(): ChannelRules {
    return this.#options.rules;
  }

  get ledger(): PeerLedger {
    return this.#options.ledger;
  }

  height(): number {
    return this.#options.ledger.height();
  }

  /** Whether the peer is in service and nothing has to be waited for to run this chaincode. */
  canRun(chaincodeName: string): boolean {
    if (!this.isInService()) return false;
    if (this.#calls.system(chaincodeName) !== undefined) return true;
    return this.#calls.application(chaincodeName)?.runtime.isReady() === true;
  }

  /** Whether the chaincode is defined on this peer, the system chaincodes included. */
  hasChaincode(name: string): boolean {
    return this.hasApplicationChaincode(name) || this.#calls.system(name) !== undefined;
  }

  hasApplicationChaincode(name: string): boolean {
    return this.#calls.application(name) !== undefined;
  }

  /** Whether the peer serves the channel at all, though its chaincode may be away for the moment. */
  isInService(): boolean {
    return this.#options.isInService();
  }

  /**
   * @param purpose - an answer to be endorsed must rest on reads that all succeeded; one that is only evaluated may
   * come from a contract that met a damaged value and tells of it
   */
  async simulate(proposal: Proposal, purpose: 'endorse' | 'evaluate'): Promise<SimulationResult> {
    try {
      if ((await this.#options.ledger.transaction(proposal.txId)) !== undefined) {
        const creator = Buffer.from(proposal.creator).toString('hex');
        return { kind: 'duplicate', message: `duplicate transaction found [${proposal.txId}]. Creator [${creator}]` };
      }
      const system = this.#calls.system(proposal.chaincodeName);
      return system === undefined
        ? await this.#runChaincode(proposal, purpose)
        : await this.#runSystem(system, proposal);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#options.log.warn({ txId: proposal.txId, error: message }, 'simulation failed on this peer');
      return { kind: 'peer-failure', message };
    }
  }

  /** Signs a payload that this peer came to itself. */
  endorse(payload: Uint8Array): peer.Endorsement {
    return endorsePayload(payload, this.#options.identity, this.#options.signatures);
  }

  async #runSystem(system: SystemChaincode, proposal: Proposal): Promise<SimulationResult> {
    const response = await system.invoke(this.#options.ledger, proposal);
    const chaincode = { name: system.name, version: SYSTEM_VERSION };
    const outcome = { chaincode, response, event: undefined, readWriteSet: new Uint8Array() };
    return this.#refusal(proposal, response) ?? success(proposal, outcome, []);
  }

  async #runChaincode(proposal: Proposal, purpose: 'endorse' | 'evaluate'): Promise<SimulationResult> {
    const { ledger, rules, log } = this.#options;
    const chaincode = this.#calls.application(proposal.chaincodeName);
    if (chaincode === undefined) {
      throw new Error(
        `make sure the chaincode ${proposal.chaincodeName} has been successfully defined on channel ` +
          `${proposal.channel} and try again: chaincode ${proposal.chaincodeName} not found`,
      );
    }
    const snapshot = ledger.snapshot();
    const simulator = new Simulator(snapshot, proposal.txId, {
      ...(snapshot.privateView === undefined ? {} : { privateView: snapshot.privateView }),
      hasCollection: (namespace, name) => rules.collection(namespace, name) !== undefined,
      definitionVersionOf: (name) => definitionVersion(rules.definition(name)),
    });
    try {
      const answer = await this.#execute({ proposal, simulator, rules });
      const failure = simulator.readFailure();
      // An error is endorsed by nobody, and the chaincode may have said more of it than the store does.
      const refusal = this.#refusal(proposal, answer.response);
      if (refusal !== undefined) return refusal;
      if (failure !== undefined && purpose === 'endorse') throw executionFailure(proposal, failure);
      await this.#options.distribute(proposal.txId, simulator.privateSets());
      const interest = await interestOf(simulator.record, snapshot, (name) => rules.definition(name) !== undefined);
      return success(proposal, { chaincode, ...answer, readWriteSet: simulator.results() }, interest);
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      log.debug({ txId: proposal.txId }, 'simulation ended with an error');
      throw new Error(`error in simulation: ${message}`, { cause });
    } finally {
      await snapshot.close();
    }
  }

  async #execute(simulation: Simulation): ReturnType<ChaincodeCalls['run']> {
    try {
      return await this.#calls.run(simulation);
    } catch (cause) {
      throw executionFailure(simulation.proposal, cause);
    }
  }

  /** @returns undefined when the chaincode's answer is no error */
  #refusal(proposal: Proposal, response: peer.Response): SimulationResult | undefined {
    const status = response.getStatus();
    if (status >= STATUS_OK_MIN && status < STATUS_ERROR_MIN) return undefined;
    const code = errorCode(response.getMessage());
    this.#options.log.info({ txId: proposal.txId, status, code }, 'chaincode error');
    return { kind: 'chaincode-error', message: `chaincode response ${status}, ${response.getMessage()}`, response };
  }
}

function success(
  proposal: Proposal,
  outcome: Omit<Parameters<typeof proposalResponsePayload>[0], 'proposalHash'>,
  interest: readonly ChaincodeInterest[],
): SimulationResult {
  const payload = proposalResponsePayload({ ...outcome, proposalHash: proposal.proposalHash });
  return { kind: 'success', response: outcome.response, payload, interest };
}

function executionFailure(proposal: Proposal, cause: unknown): Error {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new Error(`failed to execute transaction ${proposal.txId}: ${message}`, { cause });
}

/** The code a chaincode's message starts with; the text after it may be about a patient and stays out of logs. */
function errorCode(message: string): string {
  return /^[A-Z][A-Z0-9_]{2,63}(?=:|$)/.exec(message)?.[0] ?? 'unnamed';
}
