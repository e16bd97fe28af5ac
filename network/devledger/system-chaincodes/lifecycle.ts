import { peer } from '@hyperledger/fabric-protos';
import { applicationPolicyOf, type ChaincodeDefinition, LIFECYCLE_NAMESPACE } from '../commit/chaincode-definition.js';
import type { ChannelRules } from '../commit/channel-rules.js';
import type { PolicySigner } from '../commit/signature-policy.js';
import type { SystemChaincode } from '../endorse/chaincode-calls.js';
import { parseMessage } from '../wire/parse-message.js';
import { SystemRefusal, systemAnswer } from './system-answer.js';

const { lifecycle } = peer;

export interface LifecycleOptions {
  readonly rules: ChannelRules;
  /** Of the peer. */
  readonly mspId: string;
  /** MSP ids of the channel's members. */
  readonly members: readonly string[];
  /** Those of them that agreed on the definitions: who has a peer. */
  readonly approvers: readonly string[];
  /** Every definition that was ever in force, earlier ones of a chaincode first. */
  readonly approved: () => readonly ChaincodeDefinition[];
  /** What runs on the peer. */
  readonly installed: () => readonly InstalledChaincode[];
  /** The proposal's creator, already verified. */
  readonly creatorOf: (serialized: Uint8Array) => PolicySigner;
}

export interface InstalledChaincode {
  readonly name: string;
  readonly version: string;
  /** What it registers as; name:version where left out. */
  readonly packageId?: string;
}

type Query = (argument: Uint8Array, options: LifecycleOptions) => Uint8Array;

const STATUS_NOT_FOUND = 404;
/** The only plugins there are. */
const ENDORSEMENT_PLUGIN = 'escc';
const VALIDATION_PLUGIN = 'vscc';
/** Asked by administrators of the peer alone: what their own organisation agreed to, and what runs on its peer. */
const ADMINISTRATORS_ONLY = [
  'QueryApprovedChaincodeDefinition',
  'QueryApprovedChaincodeDefinitions',
  'QueryInstalledChaincode',
  'QueryInstalledChaincodes',
  'GetInstalledChaincodePackage',
];

const QUERIES: ReadonlyMap<string, Query> = new Map<string, Query>([
  ['QueryChaincodeDefinition', queryDefinition],
  ['QueryChaincodeDefinitions', queryDefinitions],
  ['QueryApprovedChaincodeDefinition', queryApproved],
  ['QueryApprovedChaincodeDefinitions', queryAllApproved],
  ['CheckCommitReadiness', checkReadiness],
  ['QueryInstalledChaincode', queryInstalled],
  ['QueryInstalledChaincodes', queryAllInstalled],
  ['GetInstalledChaincodePackage', refusePackage],
]);

/**
 * Fabric's lifecycle system chaincode, as far as it reads. Definitions are given to this ledger when it starts, so that
 * what is agreed on is approved by every organisation with a peer, and nothing can be approved or committed here.
 *
 * @see Fabric core/chaincode/lifecycle/scc.go
 */
export function lifecycleQueries(options: LifecycleOptions): SystemChaincode {
  return {
    name: LIFECYCLE_NAMESPACE,
    invoke: (_ledger, { args, creator }) =>
      systemAnswer(async () => {
        const [name, argument] = args;
        if (name === undefined) throw new Error('lifecycle scc must be invoked with arguments');
        if (argument === undefined || args.length !== 2) {
          throw new Error(`lifecycle scc operations require exactly two arguments but received ${args.length}`);
        }
        return query(Buffer.from(name).toString('utf8'), argument, creator, options);
      }),
  };
}

function query(name: string, argument: Uint8Array, creator: Uint8Array, options: LifecycleOptions): Uint8Array {
  const run = QUERIES.get(name);
  if (run === undefined) {
    throw failed(
      name,
      'chaincode is put on this ledger by `npm run network -- deploy`, and definitions can only be read here',
    );
  }
  const { mspId, ou } = options.creatorOf(creator);
  if (ADMINISTRATORS_ONLY.includes(name) && (mspId !== options.mspId || ou !== 'admin')) {
    throw new Error(
      `Failed to authorize invocation due to failed ACL check: access denied for [${name}]: an administrator of ` +
        `${options.mspId} is needed`,
    );
  }
  return run(argument, options);
}

function queryDefinition(argument: Uint8Array, options: LifecycleOptions): Uint8Array {
  const definition = defined(parseMessage(lifecycle.QueryChaincodeDefinitionArgs, argument).getName(), options);
  const result = new lifecycle.QueryChaincodeDefinitionResult();
  fill(result, definition);
  const { members, approvers } = options;
  for (const mspId of [...members].sort()) result.getApprovalsMap().set(mspId, approvers.includes(mspId));
  return result.serializeBinary();
}

function queryDefinitions(_argument: Uint8Array, { rules }: LifecycleOptions): Uint8Array {
  const result = new lifecycle.QueryChaincodeDefinitionsResult();
  result.setChaincodeDefinitionsList(
    rules.definitions().map((definition) => {
      const entry = new lifecycle.QueryChaincodeDefinitionsResult.ChaincodeDefinition();
      entry.setName(definition.name);
      fill(entry, definition);
      return entry;
    }),
  );
  return result.serializeBinary();
}

function queryApproved(argument: Uint8Array, options: LifecycleOptions): Uint8Array {
  const asked = parseMessage(lifecycle.QueryApprovedChaincodeDefinitionArgs, argument);
  const name = asked.getName();
  const sequence = asked.getSequence() || (options.rules.definition(name)?.sequence ?? 0);
  const definition = options.approved().find((known) => known.name === name && known.sequence === sequence);
  if (definition === undefined) {
    throw failed(
      'QueryApprovedChaincodeDefinition',
      `could not fetch approved chaincode definition (name: '${name}', sequence: '${sequence}') on channel ` +
        `'${options.rules.channel}'`,
    );
  }
  const result = new lifecycle.QueryApprovedChaincodeDefinitionResult();
  fill(result, definition);
  result.setSource(sourceOf(definition, options));
  return result.serializeBinary();
}

function queryAllApproved(_argument: Uint8Array, options: LifecycleOptions): Uint8Array {
  const result = new lifecycle.QueryApprovedChaincodeDefinitionsResult();
  result.setApprovedChaincodeDefinitionsList(
    options.approved().map((definition) => {
      const entry = new lifecycle.QueryApprovedChaincodeDefinitionsResult.ApprovedChaincodeDefinition();
      entry.setName(definition.name);
      fill(entry, definition);
      entry.setSource(sourceOf(definition, options));
      return entry;
    }),
  );
  return result.serializeBinary();
}

/**
 * Here a definition is approved and put into force in one step, so that of the next one nobody has approved anything.
 *
 * @see Fabric core/chaincode/lifecycle/lifecycle.go, CheckCommitReadiness; serializer.go, IsSerialized
 */
function checkReadiness(argument: Uint8Array, { rules, members }: LifecycleOptions): Uint8Array {
  const asked = parseMessage(lifecycle.CheckCommitReadinessArgs, argument);
  const next = (rules.definition(asked.getName())?.sequence ?? 0) + 1;
  if (asked.getSequence() !== next) {
    throw failed(
      'CheckCommitReadiness',
      `requested sequence is ${asked.getSequence()}, but new definition must be sequence ${next}`,
    );
  }
  const result = new lifecycle.CheckCommitReadinessResult();
  for (const mspId of [...members].sort()) {
    const mismatches = new lifecycle.CheckCommitReadinessResult.Mismatches();
    mismatches.setItemsList(['ChaincodeParameters']);
    result.getApprovalsMap().set(mspId, false);
    result.getMismatchesMap().set(mspId, mismatches);
  }
  return result.serializeBinary();
}

function queryInstalled(argument: Uint8Array, options: LifecycleOptions): Uint8Array {
  const packageId = parseMessage(lifecycle.QueryInstalledChaincodeArgs, argument).getPackageId();
  const chaincode = options.installed().find((known) => packageIdOf(known) === packageId);
  if (chaincode === undefined) {
    throw failed('QueryInstalledChaincode', `could not find chaincode with package id '${packageId}'`);
  }
  const { QueryInstalledChaincodeResult: Result } = lifecycle;
  const user = new Result.Chaincode();
  user.setName(chaincode.name);
  user.setVersion(chaincode.version);
  const users = new Result.References();
  users.setChaincodesList([user]);
  const result = new Result();
  result.setPackageId(packageId);
  result.setLabel(labelOf(packageId));
  result.getReferencesMap().set(options.rules.channel, users);
  return result.serializeBinary();
}

function queryAllInstalled(_argument: Uint8Array, { installed, rules }: LifecycleOptions): Uint8Array {
  const { QueryInstalledChaincodesResult: Result } = lifecycle;
  const result = new Result();
  result.setInstalledChaincodesList(
    installed().map((chaincode) => {
      const user = new Result.Chaincode();
      user.setName(chaincode.name);
      user.setVersion(chaincode.version);
      const users = new Result.References();
      users.setChaincodesList([user]);
      const entry = new Result.InstalledChaincode();
      entry.setPackageId(packageIdOf(chaincode));
      entry.setLabel(labelOf(packageIdOf(chaincode)));
      entry.getReferencesMap().set(rules.channel, users);
      return entry;
    }),
  );
  return result.serializeBinary();
}

function refusePackage(argument: Uint8Array): never {
  const packageId = parseMessage(lifecycle.GetInstalledChaincodePackageArgs, argument).getPackageId();
  throw failed(
    'GetInstalledChaincodePackage',
    `could not load cc install package: '${packageId}' was deployed from a folder or as a service, and this ledger ` +
      'keeps no packages; take the folder it was deployed from',
  );
}

function failed(what: string, reason: string): Error {
  return new Error(`failed to invoke backing implementation of '${what}': ${reason}`);
}

function defined(name: string, { rules }: LifecycleOptions): ChaincodeDefinition {
  const definition = rules.definition(name);
  if (definition === undefined) throw new SystemRefusal(STATUS_NOT_FOUND, `namespace ${name} is not defined`);
  return definition;
}

/** What all the answers about a definition have in common. */
interface DefinitionMessage {
  setSequence(value: number): void;
  setVersion(value: string): void;
  setEndorsementPlugin(value: string): void;
  setValidationPlugin(value: string): void;
  setValidationParameter(value: Uint8Array): void;
  setCollections(value?: peer.CollectionConfigPackage): void;
  setInitRequired(value: boolean): void;
}

function fill(message: DefinitionMessage, definition: ChaincodeDefinition): void {
  message.setSequence(definition.sequence);
  message.setVersion(definition.version);
  message.setEndorsementPlugin(ENDORSEMENT_PLUGIN);
  message.setValidationPlugin(VALIDATION_PLUGIN);
  message.setValidationParameter(applicationPolicyOf(definition).serializeBinary());
  message.setCollections(definition.collections ?? new peer.CollectionConfigPackage());
  message.setInitRequired(definition.initRequired);
}

/** What runs now under this definition; of an earlier one what was noted when it was deployed. */
function sourceOf(
  definition: ChaincodeDefinition,
  { installed, rules }: LifecycleOptions,
): peer.lifecycle.ChaincodeSource {
  const { name, sequence } = definition;
  const isCurrent = rules.definition(name)?.sequence === sequence;
  const running = isCurrent ? installed().find((chaincode) => chaincode.name === name) : undefined;
  const local = new lifecycle.ChaincodeSource.Local();
  local.setPackageId(packageIdOf(running ?? definition));
  const source = new lifecycle.ChaincodeSource();
  source.setLocalPackage(local);
  return source;
}

/** A chaincode that runs as a service has no package; its name and version stand for one. */
function packageIdOf({ name, version, packageId }: InstalledChaincode): string {
  return packageId ?? `${name}:${version}`;
}

function labelOf(packageId: string): string {
  return packageId.split(':')[0] ?? '';
}
