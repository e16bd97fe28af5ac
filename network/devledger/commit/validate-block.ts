import { setImmediate } from 'node:timers/promises';
import { common, peer } from '@hyperledger/fabric-protos';
import type { Version } from '../peer-ledger.js';
import type { StateReader } from '../store/state-reader.js';
import type { BlockParts } from './block-codec.js';
import { type ChaincodeDefinition, DEFINITION_VERSION, definitionVersion } from './chaincode-definition.js';
import { CommittedVersions, findConflict } from './conflicts.js';
import {
  type EndorsedTransaction,
  isEndorserTransaction,
  parseChaincodeEffect,
  parseEndorsedTransaction,
} from './endorsed-transaction.js';
import { type EndorsementPolicy, satisfiesPolicy, verified } from './endorsement-policy.js';
import { computeTxId, type ParsedEnvelope, parseEnvelope, type Rejected } from './envelope.js';
import type { NamespaceSet } from './read-write-sets.js';
import type { SignatureCache } from './signature-cache.js';
import { UpdateBatch } from './update-batch.js';

const { TxValidationCode } = peer;

export interface ValidationRules {
  readonly channel: string;
  readonly policy: EndorsementPolicy;
  /** Names of the chaincodes defined on the channel; all have the same policy. */
  readonly chaincodes: readonly string[];
  /** Chaincodes with a definition of their own. */
  readonly definitions?: readonly ChaincodeDefinition[];
  readonly signatures: SignatureCache;
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
  const candidates = await inTurns(block.envelopes, (bytes) => checkForm(bytes, rules));
  const txIds = await ownedTxIds(candidates, before);
  const effects = await inTurns(candidates, (candidate, index) =>
    'rejected' in candidate ? candidate : checkEndorsement(candidate, txIds[index] ?? '', rules),
  );
  const updates = new UpdateBatch();
  const codes = await checkConflicts(effects, block.number, { state: before.state, updates, rules });
  return {
    transactions: codes.map((code, index) => ({ code, txId: txIds[index] ?? '' })),
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

function checkEndorsement(
  { envelope, transaction }: Candidate,
  ownedTxId: string,
  rules: ValidationRules,
): readonly NamespaceSet[] | Rejected {
  if (ownedTxId === '') return { rejected: TxValidationCode.DUPLICATE_TXID };
  const effect = parseChaincodeEffect(envelope, transaction);
  if ('rejected' in effect) return effect;
  const namespaces = effect.sets.map(({ namespace }) => namespace);
  if (new Set(namespaces).size !== namespaces.length) return { rejected: TxValidationCode.ILLEGAL_WRITESET };
  const written = effect.sets.filter(({ writes }) => writes.length > 0).map(({ namespace }) => namespace);
  const defined = definitionVersions(rules);
  if (![effect.chaincode, ...written].every((name) => defined.has(name))) {
    return { rejected: TxValidationCode.INVALID_CHAINCODE };
  }
  if (!satisfiesPolicy(transaction, rules.policy, rules.signatures, envelope.timestampMs)) {
    return { rejected: TxValidationCode.ENDORSEMENT_POLICY_FAILURE };
  }
  const supported = effect.sets.every(({ hasUnsupportedParts }) => !hasUnsupportedParts);
  return supported ? effect.sets : { rejected: TxValidationCode.INVALID_WRITESET };
}

function definitionVersions({ chaincodes, definitions = [] }: ValidationRules): ReadonlyMap<string, Version> {
  return new Map([
    ...chaincodes.map((name) => [name, DEFINITION_VERSION] as const),
    ...definitions.map((definition) => [definition.name, definitionVersion(definition)] as const),
  ]);
}

async function checkConflicts(
  effects: readonly (readonly NamespaceSet[] | Rejected)[],
  blockNumber: number,
  before: { readonly state: StateReader; readonly updates: UpdateBatch; readonly rules: ValidationRules },
): Promise<number[]> {
  const versions = await CommittedVersions.load(
    before.state,
    effects.flatMap((effect) => ('rejected' in effect ? [] : effect)),
    definitionVersions(before.rules),
  );
  const codes: number[] = [];
  for (const [txNumber, effect] of effects.entries()) {
    const code = 'rejected' in effect ? effect.rejected : await findConflict(effect, { ...before, versions });
    if (code === TxValidationCode.VALID && !('rejected' in effect)) {
      before.updates.apply(effect, { blockNumber, txNumber });
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
