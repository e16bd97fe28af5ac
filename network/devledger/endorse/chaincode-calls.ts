import { peer } from '@hyperledger/fabric-protos';
import type { CallChaincode } from '../chaincode/state-requests.js';
import { type ChaincodeAnswer, ChaincodeFailure, type ChaincodeInvocation } from '../chaincode/chaincode-stream.js';
import { definitionKey, definitionVersion, LIFECYCLE_NAMESPACE } from '../commit/chaincode-definition.js';
import type { ChannelRules } from '../commit/channel-rules.js';
import type { PeerLedger } from '../peer-ledger.js';
import { CollectionAccess } from './collection-access.js';
import type { Proposal } from './proposal.js';
import type { Simulator } from './simulator.js';
import { parseMessage } from '../wire/parse-message.js';

/** What runs one chaincode for one peer. */
export interface ChaincodeRuntime {
  isReady(): boolean;
  execute(invocation: ChaincodeInvocation): Promise<ChaincodeAnswer>;
}

/** A chaincode defined on the channel, with what runs it for this peer. */
export interface DefinedChaincode {
  readonly name: string;
  readonly version: string;
  readonly runtime: ChaincodeRuntime;
  /** What it registers as; name:version where left out. */
  readonly packageId?: string;
}

/** A chaincode built into the peer; it reads the ledger itself and writes nothing. */
export interface SystemChaincode {
  readonly name: string;
  invoke(ledger: PeerLedger, proposal: Proposal): Promise<peer.Response>;
}

export interface ChaincodeCallsOptions {
  readonly ledger: PeerLedger;
  readonly chaincodes: readonly DefinedChaincode[];
  readonly systemChaincodes: readonly SystemChaincode[];
  readonly mspIdentityOf: (serialized: Uint8Array) => ConstructorParameters<typeof CollectionAccess>[1];
}

/** One proposal while it runs. */
export interface Simulation {
  readonly proposal: Proposal;
  readonly simulator: Simulator;
  /** As they were when the snapshot was taken: what is deployed meanwhile counts for later ones. */
  readonly rules: ChannelRules;
}

/** The key under which a chaincode that has to be initialised keeps the version it was initialised for. */
const INITIALIZED_KEY = '\u0000\u{10ffff}initialized';
const { Type } = peer.ChaincodeMessage;

/**
 * Runs chaincodes for proposals, one within the other where one calls another: all of them read and write in the same
 * simulation, each in a namespace of its own.
 *
 * @see Fabric core/chaincode/chaincode_support.go, core/chaincode/handler.go
 */
export class ChaincodeCalls {
  readonly #options: ChaincodeCallsOptions;

  constructor(options: ChaincodeCallsOptions) {
    this.#options = options;
  }

  application(name: string): DefinedChaincode | undefined {
    return this.#options.chaincodes.find((chaincode) => chaincode.name === name);
  }

  system(name: string): SystemChaincode | undefined {
    return this.#options.systemChaincodes.find((chaincode) => chaincode.name === name);
  }

  /** @throws Error the peer's side failed, or the chaincode gave up */
  run(simulation: Simulation): Promise<ChaincodeAnswer> {
    const { chaincodeName, input } = simulation.proposal;
    return this.#run({ name: chaincodeName, input }, simulation);
  }

  async #run(
    call: { readonly name: string; readonly input: Uint8Array },
    simulation: Simulation,
  ): Promise<ChaincodeAnswer> {
    const { ledger, mspIdentityOf } = this.#options;
    const { proposal, simulator, rules } = simulation;
    const chaincode = this.application(call.name);
    if (chaincode === undefined) {
      throw new Error(
        `invalid invocation: [channel ${proposal.channel}] failed to get chaincode container info for ` +
          `${call.name}: chaincode ${call.name} not found`,
      );
    }
    const version = definitionVersion(rules.definition(call.name));
    simulator.recordRead(LIFECYCLE_NAMESPACE, definitionKey(call.name), version);
    const isInit = parseMessage(peer.ChaincodeInput, call.input).getIsInit();
    await this.#checkInitialisation(chaincode, isInit, simulation);
    return chaincode.runtime.execute({
      channel: proposal.channel,
      txId: proposal.txId,
      input: call.input,
      signedProposal: proposal.signedProposal,
      isInit,
      simulator,
      collections: new CollectionAccess(rules, mspIdentityOf(proposal.creator)),
      history: (namespace, key) => ledger.history(namespace, key, simulator.height),
      callChaincode: this.#callFrom(simulation),
    });
  }

  /** Init runs once for each version, where the definition asks for it, and before anything else. */
  async #checkInitialisation(
    { name, version }: DefinedChaincode,
    isInit: boolean,
    { simulator, rules }: Simulation,
  ): Promise<void> {
    const enforced = rules.definition(name)?.initRequired === true;
    if (!enforced && !isInit) return;
    if (!enforced) throw invalid(`chaincode '${name}' does not require initialization but called as init`);
    const initialised = await simulator.getState(name, INITIALIZED_KEY);
    const isDone = initialised !== undefined && Buffer.from(initialised).toString('utf8') === version;
    if (isInit && isDone) throw invalid(`chaincode '${name}' is already initialized but called as init`);
    if (isInit) simulator.putState(name, INITIALIZED_KEY, Buffer.from(version, 'utf8'));
    else if (!isDone) {
      throw invalid(`chaincode '${name}' has not been initialized for this version, must call as init first`);
    }
  }

  #callFrom(simulation: Simulation): CallChaincode {
    const { proposal } = simulation;
    return async (spec) => {
      const target = parseTarget(spec.getChaincodeId()?.getName() ?? '', proposal.channel);
      if (target.channel !== proposal.channel) {
        // Fabric would run it on the other channel's state and drop what it writes; this ledger has one channel.
        throw new Error(`failed to find ledger for channel: ${target.channel}`);
      }
      const input = spec.getInput() ?? new peer.ChaincodeInput();
      return this.#answerOf(target.name, input, simulation).then(
        ({ response }) => endMessage(proposal, Type.COMPLETED, response.serializeBinary()),
        (error: unknown) => calledFailure(proposal, error),
      );
    };
  }

  async #answerOf(
    name: string,
    input: peer.ChaincodeInput,
    simulation: Simulation,
  ): Promise<Pick<ChaincodeAnswer, 'response'>> {
    const system = this.system(name);
    if (system === undefined) return this.#run({ name, input: input.serializeBinary() }, simulation);
    const { proposal } = simulation;
    return { response: await system.invoke(this.#options.ledger, { ...proposal, args: input.getArgsList_asU8() }) };
  }
}

function invalid(reason: string): Error {
  return new Error(`invalid invocation: ${reason}`);
}

/** Where the other chaincode gave up, the caller is told so; where the peer failed, the call itself fails. */
function calledFailure(proposal: Proposal, error: unknown): Uint8Array {
  if (error instanceof ChaincodeFailure) return endMessage(proposal, Type.ERROR, error.payload);
  throw new Error(`execute failed: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
}

/** `name`, `name:version` or either with `/channel` behind it; without one it is the caller's. */
function parseTarget(text: string, ownChannel: string): { readonly name: string; readonly channel: string } {
  const [chaincode = '', channel = ''] = splitOnce(text, '/');
  return { name: splitOnce(chaincode, ':')[0] ?? '', channel: channel === '' ? ownChannel : channel };
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/** With which a called chaincode ended; the shim of the caller takes it apart. */
function endMessage(
  { channel, txId }: Proposal,
  type: typeof Type.COMPLETED | typeof Type.ERROR,
  payload: Uint8Array,
): Uint8Array {
  const message = new peer.ChaincodeMessage();
  message.setType(type);
  message.setPayload(payload);
  message.setTxid(txId);
  message.setChannelId(channel);
  return message.serializeBinary();
}
