import { limits, memberId } from '@medledger/chaincode/domain';
import type { LedgerChain } from '../ledger/chain.js';
import type { ChainViews } from './chain-views.js';
import type { Caller } from './medledger.js';
import type { KeysOf } from './people.js';

/** Which readings of which logs were announced in this run, for as long as the chaincode lets them last. */
export interface LogReadings {
  /** Puts the reading on the chain, and waits until the views show it. */
  announce(caller: Caller, patient: string): Promise<void>;
  isOpen(caller: Caller, patientId: string): boolean;
}

export function createLogReadings(ports: {
  readonly chain: LedgerChain;
  readonly keysOf: KeysOf;
  readonly awaitBlock: ChainViews['awaitBlock'];
  readonly nowMs: () => number;
}): LogReadings {
  const { chain, keysOf, nowMs, awaitBlock } = ports;
  /** By session and patient, oldest first. */
  const begunMs = new Map<string, number>();
  const isOver = (atMs: number): boolean => nowMs() - atMs > limits.LOG_READING_MAX_MS;
  const begin = (name: string): void => {
    begunMs.delete(name);
    begunMs.set(name, nowMs());
    for (const [old, atMs] of begunMs) {
      if (!isOver(atMs)) return;
      begunMs.delete(old);
    }
  };
  return {
    async announce(caller, patient) {
      const patientId = memberId(patient, '/patientId');
      const call = { identity: keysOf(caller), name: 'audit:readLog', patientId, business: { patientId } } as const;
      const { blockNumber } = await chain.transact(call);
      await awaitBlock(blockNumber);
      begin(nameOf(caller, patientId));
    },
    isOpen(caller, patientId) {
      const atMs = begunMs.get(nameOf(caller, patientId));
      return atMs !== undefined && !isOver(atMs);
    },
  };
}

function nameOf({ sessionId }: Caller, patientId: string): string {
  return `${sessionId} ${patientId}`;
}
