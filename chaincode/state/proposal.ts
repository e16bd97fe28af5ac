import type { Context } from 'fabric-contract-api';
import { canonicalJson, shape } from '../domain/index.js';
import { type Caller, callerOf } from './caller.js';
import { WorldState } from './world-state.js';

/** What every transaction and query has at hand, and nothing else of Fabric. */
export interface Proposal {
  readonly state: WorldState;
  readonly channel: string;
  readonly txId: string;
  /** The client's claim; peers refuse proposals that are minutes off. */
  readonly claimedMs: number;
  /** @throws DomainError CALLER_UNKNOWN for a certificate that names no member */
  caller(): Caller;
  /** Named event of this transaction; a transaction has at most one. */
  announce(name: string, payload: object): void;
}

export function proposalOf(ctx: Context): Proposal {
  const { stub } = ctx;
  return {
    state: new WorldState(stub),
    channel: stub.getChannelID(),
    txId: stub.getTxID(),
    claimedMs: shape.timeMs(Math.floor(stub.getDateTimestamp().getTime()), '/timestamp'),
    caller: () => callerOf(ctx),
    announce: (name, payload) => stub.setEvent(name, Buffer.from(canonicalJson(payload), 'utf8')),
  };
}
