import { describe, expect, it } from '@jest/globals';
import { limits } from '@medledger/chaincode/domain';
import type { UnlockedIdentity } from '../../../gateway/identity/member-keys.js';
import type { LedgerChain } from '../../../gateway/ledger/chain.js';
import { type ChainViews, createChainViewServices } from '../../../gateway/services/chain-views.js';
import type { Caller } from '../../../gateway/services/medledger.js';

const auditor: Caller = { memberId: 'auditor-1', role: 'auditor', sessionId: 's1' };

function setUp() {
  const announced: string[] = [];
  const time = { nowMs: 0 };
  const chain = {
    transact: async ({ name, patientId }: { name: string; patientId: string }) => {
      announced.push(`${name} ${patientId}`);
      return { blockNumber: 1 };
    },
  } as unknown as LedgerChain;
  const views = {
    accessLog: () => ({ items: [] }),
    awaitBlock: async () => undefined,
    caughtUp: async () => undefined,
  } as unknown as ChainViews;
  const services = createChainViewServices({
    chain,
    keysOf: () => ({}) as UnlockedIdentity,
    views,
    nowMs: () => time.nowMs,
  });
  const read = (patientId: string, cursor?: string, caller = auditor) =>
    services.accessLog(caller, { patientId, limit: 1, ...(cursor === undefined ? {} : { cursor }) });
  return { announced, time, read };
}

describe('an auditor reads a log', () => {
  it('is announced also where it begins with a cursor of its own making', async () => {
    const { announced, read } = setUp();
    await read('p-1', 'log-999999999-0-0');
    expect(announced).toEqual(['audit:readLog p-1']);
  });

  it('announces once for all pages of one patient, of one session, for as long as a reading lasts', async () => {
    const { announced, time, read } = setUp();
    await read('p-1');
    await read('p-1', 'log-1-0-0');
    expect(announced).toHaveLength(1);
    await read('p-2', 'log-1-0-0');
    await read('p-1', 'log-1-0-0', { ...auditor, sessionId: 's2' });
    expect(announced).toHaveLength(3);
    time.nowMs = limits.LOG_READING_MAX_MS + 1;
    await read('p-1', 'log-1-0-0');
    expect(announced).toHaveLength(4);
  });
});
