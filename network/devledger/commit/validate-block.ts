import { setImmediate } from 'node:timers/promises';
import { common, peer } from '@hyperledger/fabric-protos';
import type { StateReader } from '../store/state-reader.js';
import type { BlockParts } from './block-codec.js';
import { CommittedVersions, findConflict } from './conflicts.js';
import { ChannelRules } from './channel-rules.js';
import { type ChaincodeDefinition, definitionVersion, type EndorsementPolicy } from './chaincode-definition.js';
import {
  type ChaincodeEffect,
  type EndorsedTransaction,
  isEndorserTransaction,
  parseChaincodeEffect,
  parseEndorsedTransaction,
} from './endorsed-transaction.js';
import { endorsersOf, verified } from './endorsement-policy.js';
import { computeTxId, type ParsedEnvelope, parseEnvelope, type Rejected } from './envelope.js';
import { KeyPolicies, satisfiesNamespace, writesAnything } from './key-policies.js';
import type { NamespaceSet } from './read-write-sets.js';
import type { SignatureCache } from './signature-cache.js';
import { UpdateBatch } from './update-batch.js';

const { TxValidationCode } = peer;

export interface ValidationRules {
  readonly channel: string;
  readonly policy: EndorsementPolicy;
  /** Names of chaincodes that have the channel's policy and no collections. */
  readonly chaincodes: readonly string[];
  /** Chaincodes with a definition of their own. */
  readonly definitions?: readonly ChaincodeDefinition[];
  readonly signatures: SignatureCache;
}

/** The same rules, ready to be asked. */
export function channelRulesOf(rules: ValidationRules): ChannelRules {
  return new ChannelRules({ ...rules, mspIds: rules.signatures.mspIds() });
}

/** The ledger as it stood before the block. */
export interface LedgerBefore {
  readonly state: StateReader;
  /** For each id, whether some earlier block holds a transaction with it. */
  knownTransactions(txIds: readonly string[]): Promise<readonly boolean[]>;
}

export interface ValidatedTransaction {
  /** Fabric's TxValidationCode. */
  readonly code: number;
  /**
   * Empty where the id is not the creator's own: not derived from the creator, not signed, or used before. Such a
   * transaction must not answer for the one whose id it bears.
   */
  readonly txId: string;
  /** What it reads and writes; empty unless it is valid. */
  readonly sets: readonly NamespaceSet[];
}

export interface BlockVerdict {
  readonly transactions: readonly ValidatedTransaction[];
  readonly updates: UpdateBatch;
}

/** Signatures checked before other work of the process gets its turn: about 3 ms. */
const TRANSACTIONS_PER_TURN = 16;

interface Candidate {
  readonly envelope: ParsedEnvelope;
  readonly transaction: EndorsedTransaction;
}

/**
 * Decides for each transaction of a block whether it is valid, with Fabric's codes and in Fabric's order: form and
 * creator, id, endorsed action; used ids; chaincode and endorsements; then, one after the other, reads and ranges.
 * Depends on nothing but the blocks up to this one, so every peer and every replay concludes the same.
 *
 * One difference: of two transactions with the same id in one block only the first can be valid, whatever is wrong with
 * it. Fabric lets the second pass when the first failed its endorsement policy.
 *
 * @throws StateCorruptError when the state cannot be trusted; then nothing about the block is known
 */
export async function validateBlock(
  block: BlockParts,
  rules: ValidationRules,
  before: LedgerBefore,
): Promise<BlockVerdict> {
  const channel = channelRulesOf(rules);
  const candidates = await inTurns(block.envelopes, (bytes) => checkForm(bytes, rules));
  const txIds = await ownedTxIds(candidates, before);
  const claims = candidates.map((candidate, index) =>
    'rejected' in candidate ? candidate : checkEffect(candidate, txIds[index] ?? '', channel),
  );
  const claimed = claims.flatMap((claim) => ('rejected' in claim ? [] : claim.effect.sets));
  const keys = await KeyPolicies.load(before.state, claimed);
  const effects = await inTurns(claims, (claim) =>
    'rejected' in claim ? claim : checkEndorsement(claim, { channel, keys, signatures: rules.signatures }),
  );
  const updates = new UpdateBatch();
  const codes = await checkConflicts(effects, block.number, { state: before.state, updates, channel });
  return {
    transactions: codes.map((code, index) => {
      const effect = effects[index];
      const isValid = code === TxValidationCode.VALID && effect !== undefined && !('rejected' in effect);
      return { code, txId: txIds[index] ?? '', sets: isValid ? effect : [] };
    }),
    updates,
  };
}

/** Takes the envelope apart and makes sure that the creator made it. */
function checkForm(bytes: Uint8Array, rules: ValidationRules): Candidate | Rejected {
  const envelope = parseEnvelope(bytes);
  if ('rejected' in envelope) return envelope;
  const { creator, payload, signature, timestampMs } = envelope;
  const signer = verified(() => rules.signatures.verify(creator, payload, signature, timestampMs));
  if (signer === undefined) return { rejected: TxValidationCode.BAD_CREATOR_SIGNATURE };
  if (!isEndorserTransaction(envelope)) return { rejected: rejectedType(envelope.type) };
  if (computeTxId(envelope.nonce, creator) !== envelope.txId) return { rejected: TxValidationCode.BAD_PROPOSAL_TXID };
  const transaction = parseEndorsedTransaction(envelope);
  if ('rejected' in transaction) return { ...transaction, txId: envelope.txId };
  return envelope.channel === rules.channel
    ? { envelope, transaction }
    : { rejected: TxValidationCode.TARGET_CHAIN_NOT_FOUND, txId: envelope.txId };
}

/** The channel's configuration is block 0 and does not change. */
function rejectedType(type: number): number {
  return type === common.HeaderType.CONFIG
    ? TxValidationCode.INVALID_CONFIG_TRANSACTION
    : TxValidationCode.UNSUPPORTED_TX_PAYLOAD;
}

/** For each candidate its transaction id, or an empty string when it has none of its own or the id was used before. */
async function ownedTxIds(candidates: readonly (Candidate | Rejected)[], before: LedgerBefore): Promise<string[]> {
  const txIds = candidates.map((candidate) =>
    'rejected' in candidate ? (candidate.txId ?? '') : candidate.envelope.txId,
  );
  const distinct = [...new Set(txIds)].filter((txId) => txId !== '');
  const known = await before.knownTransactions(distinct);
  const free = new Set(distinct.filter((_, index) => known[index] !== true));
  return txIds.map((txId) => (free.delete(txId) ? txId : ''));
}

function checkEffect(
  candidate: Candidate,
  ownedTxId: string,
  channel: ChannelRules,
): (Candidate & { readonly effect: ChaincodeEffect }) | Rejected {
  if (ownedTxId === '') return { rejected: TxValidationCode.DUPLICATE_TXID };
  const effect = parseChaincodeEffect(candidate.envelope, candidate.transaction);
  if ('rejected' in effect) return effect;
  const namespaces = effect.sets.map(({ namespace }) => namespace);
  if (new Set(namespaces).size !== namespaces.length) return { rejected: TxValidationCode.ILLEGAL_WRITESET };
  const written = effect.sets.filter(writesAnything).map(({ namespace }) => namespace);
  if (![effect.chaincode, ...written].every((name) => channel.definition(name) !== undefined)) {
    return { rejected: TxValidationCode.INVALID_CHAINCODE };
  }
  return { ...candidate, effect };
}

/** The chaincode that was called and every other one written to: each by its own policies. */
function checkEndorsement(
  { envelope, transaction, effect }: Candidate & { readonly effect: ChaincodeEffect },
  rules: { readonly channel: ChannelRules; readonly keys: KeyPolicies; readonly signatures: SignatureCache },
): readonly NamespaceSet[] | Rejected {
  const signers = endorsersOf(transaction, rules.signatures, envelope.timestampMs);
  const { chaincode, sets } = effect;
  const concerned = sets.filter((set) => set.namespace === chaincode || writesAnything(set));
  const called = concerned.some(({ namespace }) => namespace === chaincode);
  const satisfied =
    (called || rules.channel.chaincodePolicy(chaincode)(signers)) &&
    concerned.every((set) => satisfiesNamespace(set, signers, rules.channel, rules.keys));
  if (!satisfied) return { rejected: TxValidationCode.ENDORSEMENT_POLICY_FAILURE };
  rules.keys.note(sets);
  return sets;
}

async function checkConflicts(
  effects: readonly (readonly NamespaceSet[] | Rejected)[],
  blockNumber: number,
  before: { readonly state: StateReader; readonly updates: UpdateBatch; readonly channel: ChannelRules },
): Promise<number[]> {
  const versions = await CommittedVersions.load(
    before.state,
    effects.flatMap((effect) => ('rejected' in effect ? [] : effect)),
    new Map(before.channel.definitions().map((definition) => [definition.name, definitionVersion(definition)])),
  );
  const codes: number[] = [];
  for (const [txNumber, effect] of effects.entries()) {
    const code = 'rejected' in effect ? effect.rejected : await findConflict(effect, { ...before, versions });
    if (code === TxValidationCode.VALID && !('rejected' in effect)) {
      await before.updates.apply(effect, { blockNumber, txNumber }, before.state);
    }
    codes.push(code);
  }
  return codes;
}

async function inTurns<Input, Output>(
  inputs: readonly Input[],
  work: (input: Input, index: number) => Output,
): Promise<Output[]> {
  const outputs: Output[] = [];
  for (const [index, input] of inputs.entries()) {
    if (index > 0 && index % TRANSACTIONS_PER_TURN === 0) await setImmediate();
    outputs.push(work(input, index));
  }
  return outputs;
}
