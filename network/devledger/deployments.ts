import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { type DialInTls, ensureDialInTls } from '../identities/index.js';
import type { ChaincodeEntry, LedgerTopology } from '../topology.js';
import { endorsingMspIds, peerOrganisations } from './channel-peers.js';
import { type ChaincodeSupport, startChaincodeSupport } from './chaincode/chaincode-support.js';
import { serviceConnection } from './chaincode/service-connection.js';
import { parseCollections } from './definition/collections-file.js';
import { DefinitionBook, definitionBookPath } from './definition/definition-book.js';
import { DefinitionError } from './definition/definition-error.js';
import type { DefinitionInForce, SignatureDefinition } from './definition/definition-in-force.js';
import { requireMembers } from './definition/named-members.js';
import { parsePolicyExpression, quorumPolicy } from './definition/policy-expression.js';
import type { DefinedChaincode } from './endorse/chaincode-calls.js';
import { ChaincodeRun, type RunPlace } from './processes/chaincode-run.js';
import { type RunEntry, RunList } from './processes/run-list.js';

/** What is asked for when a chaincode is deployed; the sequence is found where it is left out. */
export type DeployRequest = Omit<ChaincodeEntry, 'sequence'> & { readonly sequence?: number };

export interface DeployedResult {
  readonly name: string;
  readonly version: string;
  readonly sequence: number;
  /** False when this definition was in force already: only what runs was started anew. */
  readonly isNew: boolean;
  /** What the chaincode registers as. */
  readonly packageId: string;
}

export interface DeploymentsOptions {
  readonly topology: LedgerTopology;
  readonly dataDir: string;
  readonly listenHost: string;
  readonly log: Logger;
  readonly nowMs: () => number;
}

/** Where a definition is put into force. */
export interface DefinitionTarget {
  betweenBlocks<Result>(work: (nextBlockNumber: number) => Result): Promise<Result>;
  define(mspId: string, chaincode: DefinedChaincode): void;
}

/**
 * The chaincodes that were deployed on the channel: their definitions, kept over restarts, and what runs them. One at a
 * time is deployed.
 */
export class Deployments {
  readonly #options: DeploymentsOptions;
  readonly #book: DefinitionBook;
  readonly #list: RunList;
  readonly #supports = new Map<string, ChaincodeSupport>();
  /** By MSP id, where chaincode dials in with TLS. */
  readonly #tls = new Map<string, DialInTls>();
  readonly #runs = new Map<string, ChaincodeRun>();
  #last: Promise<unknown> = Promise.resolve();

  private constructor(options: DeploymentsOptions) {
    this.#options = options;
    const folder = join(options.dataDir, 'ledger');
    this.#book = DefinitionBook.open(definitionBookPath(options.dataDir));
    this.#list = new RunList(join(folder, 'chaincodes.json'));
  }

  /**
   * Starts what was deployed before, as it was built then.
   *
   * @throws Error a port for chaincode is taken; DefinitionError DEFINITIONS_UNREADABLE
   */
  static async open(options: DeploymentsOptions): Promise<Deployments> {
    const deployments = new Deployments(options);
    try {
      await deployments.#listen();
      for (const entry of deployments.#list.entries()) await deployments.#resume(entry);
    } catch (error) {
      await deployments.stop();
      throw error;
    }
    return deployments;
  }

  definitionsAt(blockNumber?: number): readonly DefinitionInForce[] {
    return this.#book.listAt(blockNumber);
  }

  /** Also those that later ones have replaced. */
  allDefinitions(): readonly DefinitionInForce[] {
    return this.#book.all();
  }

  /** By name of a chaincode: the peers with which it is not registered at the moment. */
  missingAt(): ReadonlyMap<string, readonly string[]> {
    const missing = [...this.#runs].map(([name, run]): [string, readonly string[]] => [name, run.missingAt()]);
    return new Map(missing.filter(([, mspIds]) => mspIds.length > 0));
  }

  chaincodesOf(mspId: string): readonly DefinedChaincode[] {
    if (!endorsingMspIds(this.#options.topology).includes(mspId)) return [];
    return this.definitionsAt().flatMap((definition) => {
      const run = this.#runs.get(definition.name);
      return run === undefined ? [] : [definedChaincode(definition, run, mspId)];
    });
  }

  /** Of those the topology names: what the channel does not have yet in that sequence or a later one. */
  missing(): readonly ChaincodeEntry[] {
    const { chaincodes = [] } = this.#options.topology;
    return chaincodes.filter(({ name, sequence }) => (this.#book.at().get(name)?.sequence ?? 0) < sequence);
  }

  /**
   * Builds and starts the chaincode, then puts its definition into force.
   *
   * @throws DefinitionError
   */
  deploy(request: DeployRequest, target: DefinitionTarget): Promise<DeployedResult> {
    const result = this.#last.then(() => this.#deploy(request, target));
    // Whoever asked is told; the next one is not kept from its turn.
    this.#last = result.catch(() => undefined);
    return result;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#runs.values()].map((run) => run.stop()));
    await Promise.all([...this.#supports.values()].map((support) => support.stop()));
  }

  async #deploy(request: DeployRequest, target: DefinitionTarget): Promise<DeployedResult> {
    const definition = this.#definitionOf(request);
    const isInForce = this.#book.isInForce(definition);
    const service = serviceConnection(request);
    const entry = { ...request, sequence: definition.sequence, ...(service === undefined ? {} : { service }) };
    const run = await ChaincodeRun.prepare(entry, this.#place(), { isBuilt: false });
    const before = this.#runs.get(entry.name);
    // Two processes cannot register as the same package.
    if (isInForce) await before?.stop();
    this.#runs.set(entry.name, run);
    try {
      run.start();
      await run.requireReady();
    } catch (error) {
      await run.stop();
      if (before === undefined || isInForce) this.#runs.delete(entry.name);
      else this.#runs.set(entry.name, before);
      throw error;
    }
    this.#list.set(entry);
    await target.betweenBlocks((fromBlock) => {
      const counting = isInForce
        ? this.#book.at().get(entry.name)
        : this.#book.add({ ...definition, packageId: run.packageId }, fromBlock);
      if (counting === undefined) return;
      for (const mspId of endorsingMspIds(this.#options.topology)) {
        target.define(mspId, definedChaincode(counting, run, mspId));
      }
    });
    if (!isInForce) await before?.stop();
    const { name, version, sequence } = definition;
    this.#options.log.info({ chaincode: name, version, sequence, isNew: !isInForce }, 'chaincode deployed');
    return { name, version, sequence, isNew: !isInForce, packageId: run.packageId };
  }

  #definitionOf(request: DeployRequest): SignatureDefinition {
    const { topology } = this.#options;
    const { name, version, policy, collections } = request;
    if (name === topology.chaincode?.name) {
      throw new DefinitionError('DEFINITION_INVALID', `${name} is the chaincode of the consortium; take another name.`);
    }
    if (SYSTEM_CHAINCODES.includes(name)) {
      throw new DefinitionError('DEFINITION_INVALID', `${name} is the name of a system chaincode; take another name.`);
    }
    const terms = {
      name,
      version,
      endorsementPolicy:
        policy === undefined
          ? quorumPolicy(endorsingMspIds(topology), topology.endorsementsNeeded)
          : parsePolicyExpression(policy),
      collections: collections === undefined ? undefined : parseCollections(readCollections(collections)),
      initRequired: request.initRequired ?? false,
    };
    requireMembers(terms, topology);
    return { ...terms, sequence: request.sequence ?? this.#book.sequenceFor(terms) };
  }

  async #resume(entry: RunEntry): Promise<void> {
    try {
      const run = await ChaincodeRun.prepare(entry, this.#place(), { isBuilt: true });
      this.#runs.set(entry.name, run);
      run.start();
    } catch (error) {
      // The channel goes on without it, as a peer of Fabric does.
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.log.error({ chaincode: entry.name, reason }, 'chaincode cannot be started; deploy it again');
    }
  }

  async #listen(): Promise<void> {
    const { topology, dataDir, listenHost: host, log, nowMs } = this.#options;
    for (const { mspId, peer } of peerOrganisations(topology)) {
      if (topology.chaincodeTls === true) {
        const folder = join(dataDir, 'ledger', 'chaincode-tls', mspId);
        this.#tls.set(mspId, await ensureDialInTls(folder, peer.host, nowMs()));
      }
      // Where the consortium's own chaincode listens, nothing can be dialled in to.
      const port = topology.chaincode === undefined ? peer.chaincodePort : 0;
      const find = (packageId: string) => this.#find(mspId, packageId);
      const tls = this.#tls.get(mspId);
      const place = { host, port, ...(tls === undefined ? {} : { tls }) };
      this.#supports.set(mspId, await startChaincodeSupport({ ...place, log: log.child({ peer: mspId }), find }));
    }
  }

  #find(mspId: string, packageId: string) {
    const found = [...this.#runs.values()].map((run) => run.runtime(mspId)?.dialIn);
    return found.find((dialIn) => dialIn?.packageId === packageId);
  }

  #place(): RunPlace {
    const { dataDir, topology, log } = this.#options;
    const peers = peerOrganisations(topology)
      .filter(({ endorses }) => endorses)
      .map(({ mspId, peer }) => {
        const dialInTls = this.#tls.get(mspId);
        const supportAddress = this.#supports.get(mspId)?.address ?? '';
        return { mspId, host: peer.host, supportAddress, ...(dialInTls === undefined ? {} : { dialInTls }) };
      });
    return { dataDir, peers, log };
  }
}

function definedChaincode(definition: DefinitionInForce, run: ChaincodeRun, mspId: string): DefinedChaincode {
  const { name, version } = definition;
  return { name, version, runtime: run.runtimeOf(mspId), packageId: run.packageId };
}

/** @see Fabric core/chaincode/lifecycle/scc.go, systemChaincodeNames */
const SYSTEM_CHAINCODES = ['cscc', 'escc', 'lscc', 'qscc', 'vscc'];

function readCollections(path: string): string {
  if (existsSync(path)) return readFileSync(path, 'utf8');
  throw new DefinitionError('COLLECTIONS_INVALID', `there is no file ${path}.`);
}
