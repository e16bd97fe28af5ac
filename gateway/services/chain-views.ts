import type { Outcome } from '@medledger/chaincode/domain';
import type { ActivityRow, ExplorerBlock, ExplorerTransaction, LogItem, PageOf, Services } from './medledger.js';
import type { LedgerChain } from '../ledger/chain.js';
import { MedledgerError } from '../medledger-error.js';
import { createLogReadings } from './log-readings.js';
import { type KeysOf, requirePatientSide, requireRole } from './people.js';

export interface ChainPlace {
  readonly blockNumber: number;
  /** Zero-based place in the block. */
  readonly index: number;
}

/** An entry by which somebody said something for the patient: a policy, a grant, a group, an appointment. */
export interface SaidEntry {
  readonly transactionId: string;
  readonly outcome: Outcome;
}

/** Read models made from the blocks of this organisation's own peer. */
export interface ChainViews {
  accessLog(input: { patientId: string; limit: number; cursor?: string }): PageOf<LogItem>;
  activity(input: { fromMs: number; toMs: number }): readonly ActivityRow[];
  blocks(input: { limit: number; cursor?: string }): PageOf<ExplorerBlock>;
  block(number: number): ExplorerBlock | undefined;
  transaction(transactionId: string): ExplorerTransaction | undefined;
  blockNumberOf(transactionId: string): number | undefined;
  /** What was said about a patient before a place in the chain, newest first. */
  saidBefore(patientId: string, place: ChainPlace): readonly SaidEntry[];
  /** Resolves when the views have reached this block: what a caller has just written, it can read. */
  awaitBlock(blockNumber: number): Promise<void>;
  /** Resolves when the views show what the peer has committed by now; after a second they are shown as they are. */
  caughtUp(): Promise<void>;
}

export interface ChainViewPorts {
  readonly chain: LedgerChain;
  readonly keysOf: KeysOf;
  /** Absent in an organisation without a peer, which sees no blocks. */
  readonly views: ChainViews | undefined;
  readonly nowMs: () => number;
}

type ViewServices = Pick<Services, 'accessLog' | 'activity' | 'blocks' | 'block' | 'transaction'>;

/** Access log, statistics and explorer. An auditor's reading of a log is on the chain before the log is shown. */
export function createChainViewServices({ chain, keysOf, views, nowMs }: ChainViewPorts): ViewServices {
  const requireViews = (): ChainViews => {
    if (views === undefined) throw new MedledgerError('NO_PEER');
    return views;
  };
  const currentViews = async (): Promise<ChainViews> => {
    const shown = requireViews();
    await shown.caughtUp();
    return shown;
  };
  const awaitBlock = (blockNumber: number): Promise<void> => requireViews().awaitBlock(blockNumber);
  const readings = createLogReadings({ chain, keysOf, awaitBlock, nowMs });
  return {
    async accessLog(caller, input) {
      const shown = await currentViews();
      // Further pages belong to the reading that the first one announced; a cursor alone is no proof that there was one.
      if (caller.role !== 'auditor') await requirePatientSide({ chain, keysOf }, caller, input.patientId);
      else if (input.cursor === undefined || !readings.isOpen(caller, input.patientId))
        await readings.announce(caller, input.patientId);
      return shown.accessLog(input);
    },
    async activity(caller, input) {
      requireRole(caller, ['government', 'auditor']);
      return { rows: (await currentViews()).activity(input) };
    },
    async blocks(_caller, input) {
      return (await currentViews()).blocks(input);
    },
    async block(_caller, { number }) {
      const block = (await currentViews()).block(number);
      if (block === undefined) throw new MedledgerError('BLOCK_UNKNOWN');
      return block;
    },
    async transaction(_caller, { transactionId }) {
      const transaction = (await currentViews()).transaction(transactionId);
      if (transaction === undefined) throw new MedledgerError('BLOCK_UNKNOWN');
      return transaction;
    },
  };
}
