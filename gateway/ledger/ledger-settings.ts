/** Every wait and bound of the ledger client, in milliseconds unless the name says otherwise. */
export interface LedgerSettings {
  readonly evaluateMs: number;
  readonly endorseMs: number;
  readonly submitMs: number;
  /** Longest wait for a commit at a time. */
  readonly commitStatusMs: number;
  /**
   * How long a transaction that an orderer took is waited for before its envelope is sent again; doubles each time. An
   * orderer that hands it to a leader who dies has lost it. What is only slow becomes a duplicate, which changes nothing.
   */
  readonly resendMs: number;
  /** How long the own peer is waited for before others are asked too what became of a transaction. */
  readonly ownPeerMs: number;
  /** How long other peers are waited for when it is asked how far the chain is. */
  readonly othersHeightMs: number;
  /** How long the own peer is waited for where another one is ahead of it. */
  readonly catchUpMs: number;
  /** After a submit without a reply: how long to look for the transaction before the envelope is sent again. */
  readonly statusProbeMs: number;
  /** How long calls that changed nothing wait for a ledger that does not answer, e.g. while it restarts. */
  readonly unavailableMs: number;
  /** From the first submit until the outcome is called unknown. */
  readonly outcomeMs: number;
  /** How long a peer that was found to be attacked is not asked when others can be. */
  readonly attackedMs: number;
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
}

/** Stages as design.md section 7 wants them; the rest are our choice. */
export const LEDGER_SETTINGS: LedgerSettings = {
  evaluateMs: 15_000,
  endorseMs: 15_000,
  submitMs: 5_000,
  commitStatusMs: 30_000,
  resendMs: 5_000,
  ownPeerMs: 3_000,
  othersHeightMs: 500,
  catchUpMs: 2_000,
  statusProbeMs: 2_000,
  unavailableMs: 20_000,
  outcomeMs: 90_000,
  attackedMs: 60_000,
  backoffMinMs: 25,
  backoffMaxMs: 1_000,
};
