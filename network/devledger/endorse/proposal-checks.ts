import { createHash } from 'node:crypto';
import { common, msp } from '@hyperledger/fabric-protos';
import { hasEnded, MspError, type MspErrorReason, type MspIdentity, type MspRegistry } from '../msp.js';
import type { Proposal } from './proposal.js';
import { parseMessage } from '../wire/parse-message.js';

export interface ProposalCheckOptions {
  readonly channel: string;
  readonly msps: MspRegistry;
  /** How far a proposal's time may be from the peer's clock, either way. */
  readonly timeWindowMs: number;
  readonly nowMs: () => number;
  /** Whether a chaincode is the peer's own, which decides for itself who may call it. */
  readonly isOpenToAll: (chaincodeName: string) => boolean;
}

/** Why a peer does not even start on a proposal. */
export type ProposalRefusal =
  /** Turned away before the endorser sees it, which Fabric's gateway takes for an unavailable peer. */
  | { readonly kind: 'filtered'; readonly message: string }
  /** The client's fault: no other peer will see it differently. */
  | { readonly kind: 'invalid'; readonly message: string }
  /** This peer does not serve the channel. */
  | { readonly kind: 'unknown-channel'; readonly message: string };

/**
 * Checks everything about a proposal that needs no ledger: time, headers, transaction id, creator and signature.
 *
 * @returns undefined when the proposal is in order
 * @see Fabric core/handlers/auth/filter and core/endorser/msgvalidation.go, in this order
 */
export function checkProposal(proposal: Proposal, options: ProposalCheckOptions): ProposalRefusal | undefined {
  const nowMs = options.nowMs();
  const filtered = checkExpiry(proposal, options.msps, nowMs) ?? checkTime(proposal, options.timeWindowMs, nowMs);
  if (filtered !== undefined) return { kind: 'filtered', message: filtered };
  if (proposal.missing !== undefined) return { kind: 'invalid', message: proposal.missing };
  if (proposal.channel !== options.channel) {
    return { kind: 'unknown-channel', message: `channel '${proposal.channel}' not found` };
  }
  const invalid = checkHeader(proposal) ?? checkCreator(proposal, options.msps, nowMs);
  if (invalid !== undefined) return { kind: 'invalid', message: `error validating proposal: ${invalid}` };
  if (options.isOpenToAll(proposal.chaincodeName) || mayWrite(options.msps.identity(proposal.creator)))
    return undefined;
  return { kind: 'invalid', message: NO_WRITER };
}

/** The channel's Writers: people and their administrators; peers only read. */
export function mayWrite({ ou }: MspIdentity): boolean {
  return ou === 'client' || ou === 'admin';
}

const NO_WRITER =
  'failed evaluating policy on signed data during check policy [/Channel/Application/Writers]: ' +
  '[implicit policy evaluation failed - 0 sub-policies were satisfied, but this policy requires 1 of the ' +
  "'Writers' sub-policies to be satisfied]";

/** Transaction id that nonce and creator make: hexadecimal SHA-256. */
export function computeTxId(nonce: Uint8Array, creator: Uint8Array): string {
  return createHash('sha256').update(nonce).update(creator).digest('hex');
}

function checkExpiry(proposal: Proposal, msps: MspRegistry, nowMs: number): string | undefined {
  try {
    if (hasEnded(msps.identity(proposal.creator), nowMs)) return 'proposal client identity expired';
  } catch (error) {
    // Whom the channel does not know is turned away later, with Fabric's own words.
    if (!(error instanceof MspError)) throw error;
  }
  return undefined;
}

function checkTime(proposal: Proposal, timeWindowMs: number, nowMs: number): string | undefined {
  if (Math.abs(nowMs - proposal.timestampMs) <= timeWindowMs) return undefined;
  return (
    `request unauthorized due to incorrect timestamp ${isoTime(proposal.timestampMs)}, ` +
    `peer time ${isoTime(nowMs)}, peer.authentication.timewindow ${timeWindowMs / 1000}s`
  );
}

function checkHeader(proposal: Proposal): string | undefined {
  const type = proposal.headerType;
  if (!HEADER_TYPES.includes(type)) return `invalid header type ${headerTypeName(type)}`;
  if (proposal.epoch !== 0) return 'epoch is non-zero';
  if (proposal.nonce.length === 0) return 'nonce is empty';
  if (proposal.creator.length === 0) return 'creator is empty';
  const expected = computeTxId(proposal.nonce, proposal.creator);
  if (proposal.txId !== expected) return `incorrectly computed txid '${proposal.txId}' -- expected '${expected}'`;
  if (proposal.signature.length === 0) return 'empty signature bytes';
  return undefined;
}

function checkCreator(proposal: Proposal, msps: MspRegistry, nowMs: number): string | undefined {
  try {
    msps.verify(proposal.creator, proposal.proposalBytes, proposal.signature, nowMs);
    return undefined;
  } catch (error) {
    if (!(error instanceof MspError)) throw error;
    const denied = `access denied: channel [${proposal.channel}]`;
    if (UNKNOWN_CREATOR.includes(error.reason)) {
      return `${denied} creator org unknown, creator is malformed`;
    }
    return `${denied} creator org [${claimedMspId(proposal.creator)}]`;
  }
}

/** Fabric's own tools ask for configuration with the second. */
const HEADER_TYPES: readonly number[] = [common.HeaderType.ENDORSER_TRANSACTION, common.HeaderType.CONFIG];

/** Whom none of the channel's authorities vouches for, is nobody, whatever organisation they name. */
const UNKNOWN_CREATOR: readonly MspErrorReason[] = ['UNKNOWN_MSP', 'MALFORMED_IDENTITY', 'NOT_ISSUED_BY_MSP'];

function headerTypeName(type: number): string {
  return Object.entries(common.HeaderType).find(([, value]) => value === type)?.[0] ?? String(type);
}

function claimedMspId(creator: Uint8Array): string {
  return parseMessage(msp.SerializedIdentity, creator).getMspid();
}

/** A time outside what Date can hold is the client's nonsense, printed as the number it is. */
function isoTime(timeMs: number): string {
  const date = new Date(timeMs);
  return Number.isNaN(date.getTime()) ? `${timeMs} ms` : date.toISOString();
}
