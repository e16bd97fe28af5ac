import type { peer } from '@hyperledger/fabric-protos';
import type { Logger } from 'pino';
import type { ChaincodeAnswer, ChaincodeInvocation } from '../chaincode/chaincode-stream.js';
import { DEFINITION_VERSION, definitionKey, LIFECYCLE_NAMESPACE } from '../commit/chaincode-definition.js';
import type { PeerLedger, Version } from '../peer-ledger.js';
import type { Proposal } from './proposal.js';
import {
  type EndorserIdentity,
  endorsePayload,
  proposalResponsePayload,
  type SignatureMemory,
} from './proposal-response.js';
import { Simulator } from './simulator.js';

/** What runs one chaincode for one peer. */
export interface ChaincodeRuntime {
  isReady(): boolean;
  execute(invocation: ChaincodeInvocation): Promise<ChaincodeAnswer>;
}

/** A chaincode defined on the channel, with what runs it for this peer. */
export interface DefinedChaincode {
  readonly name: string;
  readonly version: string;
  /** Of the key that holds its definition; `DEFINITION_VERSION` where it was given when the ledger started. */
  readonly definitionVersion?: Version;
  readonly runtime: ChaincodeRuntime;
}

/** A chaincode built into the peer; it reads the ledger itself and writes nothing. */
export interface SystemChaincode {
  readonly name: string;
  invoke(ledger: PeerLedger, proposal: Proposal): Promise<peer.Response>;
}

export interface EndorserOptions {
  readonly identity: EndorserIdentity;
  /** host:port, for error details. */
  readonly address: string;
  readonly ledger: PeerLedger;
  readonly chaincodes: readonly DefinedChaincode[];
  readonly systemChaincodes: readonly SystemChaincode[];
  /** Whether the peer still commits; one that was set aside endorses nothing. */
  readonly isInService: () => boolean;
  readonly signatures: SignatureMemory;
  readonly log: Logger;
}

export type SimulationResult =
  | { readonly kind: 'success'; readonly response: peer.Response; readonly payload: Uint8Array }
  /** The chaincode answered with an error: the same everywhere, unless this peer's state differs. */
  | { readonly kind: 'chaincode-error'; readonly message: string }
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

  constructor(options: EndorserOptions) {
    this.mspId = options.identity.mspId;
    this.address = options.address;
    this.#options = options;
  }

  height(): number {
    return this.#options.ledger.height();
  }

  /** Whether the peer is in service and nothing has to be waited for to run this chaincode. */
  canRun(chaincodeName: string): boolean {
    if (!this.isInService()) return false;
    if (this.#systemChaincode(chaincodeName) !== undefined) return true;
    return this.#chaincode(chaincodeName)?.runtime.isReady() === true;
  }

  /** Whether the chaincode is defined on this peer, the system chaincodes included. */
  hasChaincode(name: string): boolean {
    return this.hasApplicationChaincode(name) || this.#systemChaincode(name) !== undefined;
  }

  hasApplicationChaincode(name: string): boolean {
    return this.#chaincode(name) !== undefined;
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
    if ((await this.#options.ledger.transaction(proposal.txId)) !== undefined) {
      const creator = Buffer.from(proposal.creator).toString('hex');
      return { kind: 'duplicate', message: `duplicate transaction found [${proposal.txId}]. Creator [${creator}]` };
    }
    try {
      const system = this.#systemChaincode(proposal.chaincodeName);
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

  #chaincode(name: string): DefinedChaincode | undefined {
    return this.#options.chaincodes.find((chaincode) => chaincode.name === name);
  }

  #systemChaincode(name: string): SystemChaincode | undefined {
    return this.#options.systemChaincodes.find((chaincode) => chaincode.name === name);
  }

  async #runSystem(system: SystemChaincode, proposal: Proposal): Promise<SimulationResult> {
    const response = await system.invoke(this.#options.ledger, proposal);
    const chaincode = { name: system.name, version: SYSTEM_VERSION };
    return this.#result(proposal, { chaincode, response, event: undefined, readWriteSet: new Uint8Array() });
  }

  async #runChaincode(proposal: Proposal, purpose: 'endorse' | 'evaluate'): Promise<SimulationResult> {
    const { ledger } = this.#options;
    const chaincode = this.#chaincode(proposal.chaincodeName);
    if (chaincode === undefined) {
      throw new Error(
        `make sure the chaincode ${proposal.chaincodeName} has been successfully defined on channel ` +
          `${proposal.channel} and try again: chaincode ${proposal.chaincodeName} not found`,
      );
    }
    const snapshot = ledger.snapshot();
    const simulator = new Simulator(snapshot, proposal.txId);
    const { name, definitionVersion = DEFINITION_VERSION } = chaincode;
    simulator.recordRead(LIFECYCLE_NAMESPACE, definitionKey(name), definitionVersion);
    try {
      const answer = await chaincode.runtime.execute({
        channel: proposal.channel,
        txId: proposal.txId,
        input: proposal.input,
        signedProposal: proposal.signedProposal,
        simulator,
        history: (namespace, key) => ledger.history(namespace, key),
      });
      const failure = simulator.readFailure();
      // An error is endorsed by nobody, and the chaincode may have said more of it than the store does.
      const isAnswer = answer.response.getStatus() < STATUS_ERROR_MIN;
      if (failure !== undefined && purpose === 'endorse' && isAnswer) throw failure;
      return this.#result(proposal, { chaincode, ...answer, readWriteSet: simulator.results() });
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`error in simulation: failed to execute transaction ${proposal.txId}: ${message}`, { cause });
    } finally {
      await snapshot.close();
    }
  }

  #result(
    proposal: Proposal,
    outcome: Omit<Parameters<typeof proposalResponsePayload>[0], 'proposalHash'>,
  ): SimulationResult {
    const { response } = outcome;
    const status = response.getStatus();
    if (status < STATUS_OK_MIN || status >= STATUS_ERROR_MIN) {
      const message = `chaincode response ${status}, ${response.getMessage()}`;
      this.#options.log.info(
        { txId: proposal.txId, status, code: errorCode(response.getMessage()) },
        'chaincode error',
      );
      return { kind: 'chaincode-error', message };
    }
    const payload = proposalResponsePayload({ ...outcome, proposalHash: proposal.proposalHash });
    return { kind: 'success', response, payload };
  }
}

/** The code a chaincode's message starts with; the text after it may be about a patient and stays out of logs. */
function errorCode(message: string): string {
  return /^[A-Z][A-Z0-9_]{2,63}(?=:|$)/.exec(message)?.[0] ?? 'unnamed';
}
