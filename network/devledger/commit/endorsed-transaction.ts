import { createHash } from 'node:crypto';
import { common, peer } from '@hyperledger/fabric-protos';
import { decoded, type ParsedEnvelope, type Rejected } from './envelope.js';
import { type NamespaceSet, parseReadWriteSet } from './read-write-sets.js';
import { parseMessage } from '../wire/parse-message.js';

const { TxValidationCode } = peer;

export interface Endorsement {
  /** Serialised identity. */
  readonly endorser: Uint8Array;
  /** Over proposal response payload and endorser. */
  readonly signature: Uint8Array;
}

/** What was endorsed: the action, bound to the envelope it came in by the proposal's hash. */
export interface EndorsedTransaction {
  readonly proposalResponsePayload: Uint8Array;
  readonly endorsements: readonly Endorsement[];
  /** Serialised peer.ChaincodeAction. */
  readonly action: Uint8Array;
}

export interface ChaincodeEffect {
  readonly chaincode: string;
  readonly sets: readonly NamespaceSet[];
}

/**
 * @see Fabric core/common/validation/msgvalidation.go, validateEndorserTransaction
 */
export function parseEndorsedTransaction(envelope: ParsedEnvelope): EndorsedTransaction | Rejected {
  const transaction = decoded(() => readTransaction(envelope));
  return transaction ?? { rejected: TxValidationCode.INVALID_ENDORSER_TRANSACTION };
}

/**
 * Chaincode and read/write sets of an action; in Fabric's order of checks.
 *
 * @see Fabric core/committer/txvalidator/v20/plugindispatcher/dispatcher.go, Dispatch
 */
export function parseChaincodeEffect(
  envelope: ParsedEnvelope,
  transaction: EndorsedTransaction,
): ChaincodeEffect | Rejected {
  const extension = decoded(() => parseMessage(peer.ChaincodeHeaderExtension, envelope.headerExtension));
  if (extension === undefined) return { rejected: TxValidationCode.BAD_HEADER_EXTENSION };
  const action = decoded(() => parseMessage(peer.ChaincodeAction, transaction.action));
  if (action === undefined) return { rejected: TxValidationCode.BAD_RESPONSE_PAYLOAD };
  const sets = decoded(() => parseReadWriteSet(action.getResults_asU8()));
  if (sets === undefined) return { rejected: TxValidationCode.BAD_RWSET };
  const called = extension.getChaincodeId();
  const executed = action.getChaincodeId();
  if (called === undefined || executed === undefined) return { rejected: TxValidationCode.INVALID_OTHER_REASON };
  const chaincode = called.getName();
  if (chaincode === '' || chaincode !== executed.getName() || executed.getVersion() === '') {
    return { rejected: TxValidationCode.INVALID_CHAINCODE };
  }
  if (!eventBelongsTo(action, chaincode)) return { rejected: TxValidationCode.INVALID_OTHER_REASON };
  return { chaincode, sets };
}

function readTransaction(envelope: ParsedEnvelope): EndorsedTransaction | undefined {
  const actions = parseMessage(peer.Transaction, envelope.data).getActionsList();
  const [only] = actions;
  if (only === undefined || actions.length !== 1) return undefined;
  // Fabric hashes the action's own signature header; it is the same as the outer one in every honest envelope.
  if (Buffer.compare(only.getHeader_asU8(), envelope.signatureHeader) !== 0) return undefined;
  const payload = parseMessage(peer.ChaincodeActionPayload, only.getPayload_asU8());
  const endorsed = payload.getAction();
  if (endorsed === undefined) return undefined;
  const proposalResponsePayload = endorsed.getProposalResponsePayload_asU8();
  const response = parseMessage(peer.ProposalResponsePayload, proposalResponsePayload);
  const proposalHash = createHash('sha256')
    .update(envelope.channelHeader)
    .update(envelope.signatureHeader)
    .update(payload.getChaincodeProposalPayload_asU8())
    .digest();
  if (!proposalHash.equals(response.getProposalHash_asU8())) return undefined;
  return {
    proposalResponsePayload,
    endorsements: endorsed.getEndorsementsList().map((endorsement) => ({
      endorser: endorsement.getEndorser_asU8(),
      signature: endorsement.getSignature_asU8(),
    })),
    action: response.getExtension_asU8(),
  };
}

function eventBelongsTo(action: peer.ChaincodeAction, chaincode: string): boolean {
  const bytes = action.getEvents_asU8();
  if (bytes.length === 0) return true;
  return decoded(() => parseMessage(peer.ChaincodeEvent, bytes))?.getChaincodeId() === chaincode;
}

/** Whether an envelope carries an endorsed chaincode transaction, as opposed to channel configuration. */
export function isEndorserTransaction(envelope: ParsedEnvelope): boolean {
  return envelope.type === common.HeaderType.ENDORSER_TRANSACTION;
}

/** Read/write sets of a transaction that was found valid. */
export function effectOf(envelope: ParsedEnvelope): readonly NamespaceSet[] {
  const transaction = parseEndorsedTransaction(envelope);
  if ('rejected' in transaction) return [];
  const effect = parseChaincodeEffect(envelope, transaction);
  return 'rejected' in effect ? [] : effect.sets;
}
