import { peer } from '@hyperledger/fabric-protos';
import { applicationPolicyOf, type ChaincodeDefinition, LIFECYCLE_NAMESPACE } from '../commit/chaincode-definition.js';
import type { ChannelRules } from '../commit/channel-rules.js';
import type { PolicySigner } from '../commit/signature-policy.js';
import type { SystemChaincode } from '../endorse/chaincode-calls.js';
import { SystemRefusal, systemAnswer } from './system-answer.js';
import { parseMessage } from '../wire/parse-message.js';

const { lifecycle } = peer;

export interface LifecycleOptions {
  readonly rules: ChannelRules;
  /** Of the peer. */
  readonly mspId: string;
  /** Organisations that agreed on the definitions: those with a peer. */
  readonly approvers: readonly string[];
  /** The proposal's creator, already verified. */
  readonly creatorOf: (serialized: Uint8Array) => PolicySigner;
}

type Query = (argument: Uint8Array, options: LifecycleOptions) => Uint8Array;

const STATUS_NOT_FOUND = 404;
/** The only plugins there are. */
const ENDORSEMENT_PLUGIN = 'escc';
const VALIDATION_PLUGIN = 'vscc';
/** Asked by administrators of the peer alone: what their own organisation agreed to. */
const ADMINISTRATORS_ONLY = ['QueryApprovedChaincodeDefinition', 'QueryApprovedChaincodeDefinitions'];

const QUERIES: ReadonlyMap<string, Query> = new Map<string, Query>([
  ['QueryChaincodeDefinition', queryDefinition],
  ['QueryChaincodeDefinitions', queryDefinitions],
  ['QueryApprovedChaincodeDefinition', queryApproved],
  ['QueryApprovedChaincodeDefinitions', queryAllApproved],
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
    throw new Error(
      `failed to invoke backing implementation of '${name}': chaincodes of this ledger are deployed by itself, ` +
        'and their definitions can be read only',
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
  for (const mspId of [...options.approvers].sort()) result.getApprovalsMap().set(mspId, true);
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
  const definition = options.rules.definition(asked.getName());
  const sequence = asked.getSequence();
  if (definition === undefined || (sequence !== 0 && sequence !== definition.sequence)) {
    throw new Error(
      "failed to invoke backing implementation of 'QueryApprovedChaincodeDefinition': could not fetch approved " +
        `chaincode definition (name: '${asked.getName()}', sequence: '${sequence}') on channel '${options.rules.channel}'`,
    );
  }
  const result = new lifecycle.QueryApprovedChaincodeDefinitionResult();
  fill(result, definition);
  result.setSource(localSource(definition));
  return result.serializeBinary();
}

function queryAllApproved(_argument: Uint8Array, { rules }: LifecycleOptions): Uint8Array {
  const result = new lifecycle.QueryApprovedChaincodeDefinitionsResult();
  result.setApprovedChaincodeDefinitionsList(
    rules.definitions().map((definition) => {
      const entry = new lifecycle.QueryApprovedChaincodeDefinitionsResult.ApprovedChaincodeDefinition();
      entry.setName(definition.name);
      fill(entry, definition);
      entry.setSource(localSource(definition));
      return entry;
    }),
  );
  return result.serializeBinary();
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

/** A chaincode that runs as a service has no package; its label stands for one. */
function localSource({ name, version }: ChaincodeDefinition): peer.lifecycle.ChaincodeSource {
  const local = new lifecycle.ChaincodeSource.Local();
  local.setPackageId(`${name}:${version}`);
  const source = new lifecycle.ChaincodeSource();
  source.setLocalPackage(local);
  return source;
}
