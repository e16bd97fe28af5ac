import type {
  ActivityRow,
  Caller,
  ExplorerBlock,
  ExplorerTransaction,
  LogItem,
  PageOf,
  Services,
} from './medledger.js';
import type { LedgerChain } from '../ledger/chain.js';
import { limits, memberId } from '@medledger/chaincode/domain';
import { MedledgerError } from '../medledger-error.js';
import { type KeysOf, requirePatientSide, requireRole } from './people.js';

/** Read models made from the blocks of this organisation's own peer. */
export interface ChainViews {
  accessLog(input: { patientId: string; limit: number; cursor?: string }): PageOf<LogItem>;
  activity(input: { fromMs: number; toMs: number }): readonly ActivityRow[];
  blocks(input: { limit: number; cursor?: string }): PageOf<ExplorerBlock>;
  block(number: number): ExplorerBlock | undefined;
  transaction(transactionId: string): ExplorerTransaction | undefined;
  blockNumberOf(transactionId: string): number | undefined;
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
  const readings = new Readings(nowMs);
  const requireViews = (): ChainViews => {
    if (views === undefined) throw new MedledgerError('NO_PEER');
    return views;
  };
  const currentViews = async (): Promise<ChainViews> => {
    const shown = requireViews();
    await shown.caughtUp();
    return shown;
  };
  const announceReading = async (caller: Caller, patient: string): Promise<void> => {
    const patientId = memberId(patient, '/patientId');
    const identity = keysOf(caller);
    const call = { identity, name: 'audit:readLog', patientId, business: { patientId } } as const;
    const { blockNumber } = await chain.transact(call);
    await requireViews().awaitBlock(blockNumber);
    readings.begin(caller, patientId);
  };
  return {
    async accessLog(caller, input) {
      const shown = await currentViews();
      // Further pages belong to the reading that the first one announced; a cursor alone is no proof that there was one.
      if (caller.role !== 'auditor') await requirePatientSide({ chain, keysOf }, caller, input.patientId);
      else if (input.cursor === undefined || !readings.isOpen(caller, input.patientId))
        await announceReading(caller, input.patientId);
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

/** Which readings of which logs were announced in this run, for as long as the chaincode lets them last. */
class Readings {
  readonly #nowMs: () => number;
  /** By session and patient, oldest first. */
  readonly #begunMs = new Map<string, number>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  begin(caller: Caller, patientId: string): void {
    const name = nameOf(caller, patientId);
    this.#begunMs.delete(name);
    this.#begunMs.set(name, this.#nowMs());
    for (const [old, begunMs] of this.#begunMs) {
      if (this.#isOver(begunMs)) this.#begunMs.delete(old);
      else return;
    }
  }

  isOpen(caller: Caller, patientId: string): boolean {
    const begunMs = this.#begunMs.get(nameOf(caller, patientId));
    return begunMs !== undefined && !this.#isOver(begunMs);
  }

  #isOver(begunMs: number): boolean {
    return this.#nowMs() - begunMs > limits.LOG_READING_MAX_MS;
  }
}

function nameOf({ sessionId }: Caller, patientId: string): string {
  return `${sessionId} ${patientId}`;
}
