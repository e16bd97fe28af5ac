import { status } from '@grpc/grpc-js';
import { errorCodeOf, type ErrorCode } from '@medledger/chaincode/domain';
import { type ErrorDetail, GatewayError, StatusCode } from '@hyperledger/fabric-gateway';
import { type Conflict, LedgerFailure } from './ledger-failure.js';

/** What a failed call means. This file is the only reader of Fabric's failures. */
export type CallFailure =
  /** The chaincode said no; where it says so everywhere, that is final. */
  | { readonly kind: 'chaincode'; readonly failure: LedgerFailure; readonly attacked: readonly PeerReport[] }
  /** Some peers could not do it, or hold changed bytes; others may do it. */
  | {
      readonly kind: 'peers';
      readonly mspIds: readonly string[];
      readonly attacked: readonly PeerReport[];
      /** Whether waiting may help: false where the peers looked at the call and turned it down. */
      readonly passing: boolean;
      /** Whether each of them says that it does not know the caller, whose certificate may have been taken back. */
      readonly strange: boolean;
      readonly detail: string;
    }
  | { readonly kind: 'mismatch'; readonly detail: string }
  /** Nobody answered, so what happened is not known; before the submit nothing can have happened. */
  | { readonly kind: 'silent'; readonly detail: string }
  /** Somebody answered, and the same call will be answered the same. */
  | { readonly kind: 'refused'; readonly detail: string };

/** A peer that holds bytes which were changed behind the chain's back. */
export interface PeerReport {
  readonly mspId: string;
  readonly code: 'CHAIN_BROKEN' | 'STATE_CORRUPT';
  readonly detail: string;
}

/** Fabric's words around a chaincode's own message: `chaincode response 500, <message>`. */
const CHAINCODE_RESPONSE = 'chaincode response ';
/** A peer's, before it runs any chaincode, of a certificate that its channel does not accept. */
const CREATOR_DENIED = 'access denied: channel [';
const PAYLOAD_MISMATCH = 'ProposalResponsePayloads do not match';

const SILENT_CODES: readonly number[] = [
  status.UNAVAILABLE,
  status.DEADLINE_EXCEEDED,
  status.CANCELLED,
  status.UNKNOWN,
  status.INTERNAL,
  status.ABORTED,
  status.RESOURCE_EXHAUSTED,
  status.DATA_LOSS,
];

interface ReadDetail {
  readonly mspId: string;
  readonly message: string;
  readonly kind: 'chaincode' | 'mismatch' | 'peer';
  readonly code?: ErrorCode | undefined;
  /** Where the peer holds changed bytes. */
  readonly attackedAs?: PeerReport['code'] | undefined;
}

/**
 * Reads what a call of fabric-gateway threw.
 *
 * @param peerMspId - whose peer is called: when others say no and it is not among them, they lag behind
 * @returns undefined when it is no failure of the ledger: a signer that threw, a bug
 */
export function readCallFailure(error: unknown, peerMspId: string): CallFailure | undefined {
  if (!(error instanceof GatewayError)) return undefined;
  const details = error.details.map(readDetail);
  const attacked = details.flatMap(({ mspId, attackedAs, message }) =>
    attackedAs === undefined ? [] : [{ mspId, code: attackedAs, detail: message }],
  );
  const said = chaincodeAnswers(details)[0];
  if (said !== undefined)
    return { kind: 'chaincode', failure: chaincodeFailure(said, details, peerMspId, error), attacked };
  const detail = details.map(({ mspId, message }) => `${mspId}: ${message}`).join('; ') || error.message;
  if (details.some(({ kind }) => kind === 'mismatch')) return { kind: 'mismatch', detail };
  const passing = SILENT_CODES.includes(error.code);
  if (details.length > 0) {
    const strange = details.every(({ message }) => message.includes(CREATOR_DENIED));
    return { kind: 'peers', mspIds: details.map(({ mspId }) => mspId), attacked, passing, strange, detail };
  }
  // Too few peers in service is FAILED_PRECONDITION, and passes when they are back.
  const silent = passing || error.code === status.FAILED_PRECONDITION;
  return { kind: silent ? 'silent' : 'refused', detail };
}

/**
 * Whether a failed submit says for certain that no orderer took the transaction. ABORTED is Fabric's way of handing
 * on an orderer's 4xx.
 */
export function isDefiniteRefusal(error: unknown): boolean {
  if (!(error instanceof GatewayError)) return false;
  return error.code === status.ABORTED || !SILENT_CODES.includes(error.code);
}

/** Whether the peer says that this identity may not ask, which waiting does not change. */
export function isAccessDenied(error: unknown): boolean {
  const denied: readonly number[] = [status.PERMISSION_DENIED, status.UNAUTHENTICATED, status.INVALID_ARGUMENT];
  return error instanceof GatewayError && denied.includes(error.code);
}

/** Whether the error is one of fabric-gateway's; anything else is a signer's, or a bug. */
export function isFabricError(error: unknown): error is GatewayError {
  return error instanceof GatewayError;
}

/** What fabric-gateway says when a block stream ends with a status instead of a block. */
const DELIVER_STATUS = 'Unexpected status response: ';
/** common.Status.FORBIDDEN */
const DELIVER_FORBIDDEN = '403';

/** Whether the peer gives this identity no blocks; every other end of a stream is worth a new one. */
export function isBlocksForbidden(error: unknown): boolean {
  return error instanceof Error && error.message === `${DELIVER_STATUS}${DELIVER_FORBIDDEN}`;
}

const VALIDATION_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(StatusCode).map(([name, code]) => [code, name]),
);

/** Fabric's name of a TxValidationCode, e.g. MVCC_READ_CONFLICT. */
export function validationCodeName(code: number): string {
  return VALIDATION_NAMES.get(code) ?? `CODE_${code}`;
}

const CONFLICTS: ReadonlyMap<string, Conflict> = new Map([
  ['MVCC_READ_CONFLICT', 'mvcc'],
  ['PHANTOM_READ_CONFLICT', 'phantom'],
]);

/** The failure of a transaction that is in a block and was found invalid. */
export function invalidTransaction(transactionId: string, validationCode: string): LedgerFailure {
  const conflict = CONFLICTS.get(validationCode);
  const detail = `transaction ${transactionId} is in a block as ${validationCode}`;
  if (conflict === undefined) return new LedgerFailure('LEDGER_REFUSED', detail, { transactionId, validationCode });
  return new LedgerFailure('LEDGER_CONFLICT', detail, { transactionId, validationCode, conflict });
}

function readDetail({ mspId, message }: ErrorDetail): ReadDetail {
  const answer = chaincodeMessage(message);
  if (answer !== undefined) {
    const code = errorCodeOf(answer);
    return { mspId, message: answer, kind: 'chaincode', code, attackedAs: attackCode(code) };
  }
  if (message.startsWith(PAYLOAD_MISMATCH)) return { mspId, message, kind: 'mismatch' };
  // A peer that stumbles over its own store says so inside its own sentence.
  const attackedAs = message
    .split(': ')
    .map(attackCode)
    .find((code) => code !== undefined);
  return { mspId, message, kind: 'peer', attackedAs };
}

function attackCode(code: string | undefined): PeerReport['code'] | undefined {
  return code === 'CHAIN_BROKEN' || code === 'STATE_CORRUPT' ? code : undefined;
}

/** Answers of sound peers, a stale head first: solving again comes before everything else that may be wrong. */
function chaincodeAnswers(details: readonly ReadDetail[]): readonly ReadDetail[] {
  return details
    .filter(({ kind, attackedAs }) => kind === 'chaincode' && attackedAs === undefined)
    .sort((left, right) => Number(right.code === 'STALE_HEAD') - Number(left.code === 'STALE_HEAD'));
}

/** @returns undefined when the message does not come from a chaincode */
function chaincodeMessage(message: string): string | undefined {
  if (!message.startsWith(CHAINCODE_RESPONSE)) return undefined;
  const end = message.indexOf(', ');
  return end < 0 ? '' : message.slice(end + 2);
}

function chaincodeFailure(
  said: ReadDetail,
  details: readonly ReadDetail[],
  peerMspId: string,
  cause: GatewayError,
): LedgerFailure {
  const code = said.code ?? 'LEDGER_REFUSED';
  const text = said.code === undefined ? said.message : said.message.slice(said.code.length + 2);
  // The connected peer endorsed and another one knows less: it has not committed the newest block yet.
  const lagging = cause.code === status.ABORTED && !details.some(({ mspId }) => mspId === peerMspId);
  const conflict = code === 'STALE_HEAD' ? 'stale-head' : lagging ? 'mismatch' : undefined;
  return new LedgerFailure(code, text || 'the chaincode gave no reason', {
    cause,
    ...(conflict === undefined ? {} : { conflict }),
  });
}
