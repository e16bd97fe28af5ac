import { peer } from '@hyperledger/fabric-protos';
import type { BlockParts } from '../../../network/devledger/commit/block-codec.js';
import { CommittedVersions, findConflict } from '../../../network/devledger/commit/conflicts.js';
import { LIFECYCLE_NAMESPACE } from '../../../network/devledger/commit/chaincode-definition.js';
import { endorsersOf, verified } from '../../../network/devledger/commit/endorsement-policy.js';
import {
  computeTxId,
  type ParsedEnvelope,
  parseEnvelope,
  type Rejected,
} from '../../../network/devledger/commit/envelope.js';
import type { ValidationRules } from '../../../network/devledger/commit/validate-block.js';
import { UpdateBatch } from '../../../network/devledger/commit/update-batch.js';
import type { Version } from '../../../network/devledger/peer-ledger.js';
import type { ReplayedState } from '../../../network/devledger/store/replayed-state.js';
import { effectOf, type FabricEffect } from './block-effects.js';
import { configDataOf } from './config-transaction.js';
import { type HashedSet, hashesNamespace } from './transaction-writes.js';

/** What decides about the transactions of a channel on Fabric. */
export interface FabricRules extends ValidationRules {
  /** MSP ids of those who decide about chaincode definitions, a majority of whom must. */
  readonly deciders: readonly string[];
}

export interface JudgedBefore {
  /** As the blocks before this one have made it. */
  readonly state: ReplayedState;
  /** Ids of all transactions before this block. */
  readonly txIds: ReadonlySet<string>;
}

/** Prefix of the collection in which an organisation keeps its approvals. */
const APPROVALS_OF = '_implicit_org_';

/**
 * Decides again for each transaction of a block whether it is valid: creator and signature, id, endorsements, what it
 * read. Which of several faults a peer names first is its own affair; whether there is one is not.
 *
 * A change of the channel's configuration is not judged: that it was allowed, the orderers' signatures on its block say.
 *
 * @returns by transaction; undefined where it is not judged
 */
export async function judgeBlock(
  block: BlockParts,
  rules: FabricRules,
  { state, txIds }: JudgedBefore,
): Promise<readonly (boolean | undefined)[]> {
  const seen = new Set(txIds);
  const updates = new UpdateBatch();
  const hashedUpdates = new Set<string>();
  const verdicts: (boolean | undefined)[] = [];
  for (const [txNumber, bytes] of block.envelopes.entries()) {
    if (configDataOf(bytes) !== undefined) {
      verdicts.push(undefined);
      continue;
    }
    const effect = endorsedEffect(parseEnvelope(bytes), rules, seen);
    const isValid = effect !== undefined && (await isCurrent(effect, { state, updates, hashedUpdates }));
    const version = { blockNumber: block.number, txNumber };
    if (isValid) await noteWrites(effect, { state, updates, hashedUpdates, version });
    verdicts.push(isValid);
  }
  return verdicts;
}

/**
 * @param seen - ids that were used before; the transaction's own is added
 * @returns undefined for a transaction that nobody had to believe
 */
function endorsedEffect(
  envelope: ParsedEnvelope | Rejected,
  rules: FabricRules,
  seen: Set<string>,
): FabricEffect | undefined {
  if ('rejected' in envelope) return undefined;
  const { txId } = envelope;
  const isNew = !seen.has(txId);
  seen.add(txId);
  const effect = isNew && isCreators(envelope, rules) ? effectOf(envelope) : undefined;
  return effect !== undefined && isEndorsed(effect, rules) ? effect : undefined;
}

function isCreators(
  { creator, payload, signature, timestampMs, nonce, txId, channel }: ParsedEnvelope,
  rules: FabricRules,
): boolean {
  const signer = verified(() => rules.signatures.verify(creator, payload, signature, timestampMs));
  return signer !== undefined && computeTxId(nonce, creator) === txId && channel === rules.channel;
}

/** By the chaincode's policy; about chaincodes by a majority, about an organisation's own approval by itself. */
function isEndorsed({ envelope, transaction, chaincode, sets, hashed }: FabricEffect, rules: FabricRules): boolean {
  const signers = endorsersOf(transaction, rules.signatures, envelope.timestampMs);
  const peersOf = new Set(signers.filter(({ ou }) => ou === 'peer').map(({ mspId }) => mspId));
  const by = (endorsers: readonly string[], needed: number): boolean =>
    endorsers.filter((mspId) => peersOf.has(mspId)).length >= needed;
  const written = sets.filter(({ writes }) => writes.length > 0).map(({ namespace }) => namespace);
  if (chaincode === LIFECYCLE_NAMESPACE) {
    const majority = Math.floor(rules.deciders.length / 2) + 1;
    const decides = written.length > 0;
    const approvers = hashed.filter(({ writes }) => writes.length > 0).map(approverOf);
    return (
      written.every((name) => name === LIFECYCLE_NAMESPACE) &&
      (!decides || by(rules.deciders, majority)) &&
      approvers.every((mspId) => mspId !== undefined && by([mspId], 1))
    );
  }
  const isKnown = [chaincode, ...written].every((name) => rules.chaincodes.includes(name));
  const isPlain = sets.every(({ collections, metadataWrites }) => collections.length + metadataWrites.length === 0);
  return isKnown && isPlain && by(rules.policy.endorsers, rules.policy.needed);
}

function approverOf({ namespace, collection }: HashedSet): string | undefined {
  const isApproval = namespace === LIFECYCLE_NAMESPACE && collection.startsWith(APPROVALS_OF);
  return isApproval ? collection.slice(APPROVALS_OF.length) : undefined;
}

interface Current {
  readonly state: ReplayedState;
  readonly updates: UpdateBatch;
  /** Namespace and key of the hashes that the block has written so far. */
  readonly hashedUpdates: Set<string>;
}

/** Whether all that it read is still so, after the valid transactions before it. */
async function isCurrent({ sets, hashed }: FabricEffect, { state, updates, hashedUpdates }: Current): Promise<boolean> {
  const isUnchanged = (namespace: string, key: string, version: Version | undefined): boolean =>
    !updates.has(namespace, key) &&
    !hashedUpdates.has(nameOf(namespace, key)) &&
    sameVersion(state.get(namespace, key)?.version, version);
  const lifecycle = sets.filter(({ namespace }) => namespace === LIFECYCLE_NAMESPACE);
  const read = [
    ...lifecycle.flatMap(({ namespace, reads }) => reads.map((one) => ({ ...one, namespace }))),
    ...hashed.flatMap((set) =>
      set.reads.map(({ keyHash, version }) => ({
        namespace: hashesNamespace(set),
        key: Buffer.from(keyHash).toString('hex'),
        version,
      })),
    ),
  ];
  if (!read.every(({ namespace, key, version }) => isUnchanged(namespace, key, version))) return false;
  // What these conflict checks take for granted of chaincode definitions is true of the embedded ledger only.
  const others = sets.filter(({ namespace }) => namespace !== LIFECYCLE_NAMESPACE);
  const versions = await CommittedVersions.load(state, others, new Map());
  return (await findConflict(others, { state, versions, updates })) === peer.TxValidationCode.VALID;
}

async function noteWrites(
  { sets, hashed }: FabricEffect,
  block: Current & { readonly version: Version },
): Promise<void> {
  // Hashes are noted by themselves: Fabric names them otherwise than the embedded ledger does.
  const open = sets.map((set) => ({ ...set, collections: [] }));
  await block.updates.apply(open, block.version, block.state);
  for (const set of hashed)
    for (const { keyHash } of set.writes)
      block.hashedUpdates.add(nameOf(hashesNamespace(set), Buffer.from(keyHash).toString('hex')));
}

function nameOf(namespace: string, key: string): string {
  return `${namespace}\0${key}`;
}

function sameVersion(left: Version | undefined, right: Version | undefined): boolean {
  return left?.blockNumber === right?.blockNumber && left?.txNumber === right?.txNumber;
}
