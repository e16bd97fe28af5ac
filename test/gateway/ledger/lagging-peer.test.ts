import type { EmergencyId, MemberId, PatientId } from '@medledger/chaincode/domain';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createLedgerChain, type LedgerChain } from '../../../gateway/ledger/chain.js';
import type { Ledger } from '../../../gateway/ledger/ledger.js';
import { createNonceSolver, type NonceSolver } from '../../../gateway/ledger/nonce-solver.js';
import { NOTHING_NAMED } from '../../../gateway/services/statements.js';
import { LedgerBench } from './ledger-bench.js';
import type { StubInvocation } from './stub-chain.js';
import { laneChaincode, memberOf } from './stub-lanes.js';
import { rpcError } from './stub-peer.js';

const PATIENT = 'p-1' as PatientId;
const MEMBER = 'm-1' as MemberId;
const EMERGENCY = `e${'0'.repeat(32)}` as EmergencyId;
/** How often the peer is asked how far it is, before it has the newest block. */
const ASKED_WHILE_BEHIND = 3;

let bench: LedgerBench;
let solver: NonceSolver;
let ledger: Ledger;
let chain: LedgerChain;
/** Counts down with each time the peer tells its height. */
let heightsUntilCaughtUp: number;

beforeEach(async () => {
  heightsUntilCaughtUp = 0;
  bench = await LedgerBench.start(answerLate);
  bench.fault = (stage) => {
    if (stage === 'evaluate' && heightsUntilCaughtUp > 0 && bench.blocksBehind > 0) {
      heightsUntilCaughtUp -= 1;
      if (heightsUntilCaughtUp === 0) bench.blocksBehind = 0;
    }
    return undefined;
  };
  solver = createNonceSolver({ threads: 1, inlineDifficultyMax: 2 ** 13 });
  ledger = await bench.openBeside({ catchUpMs: 60_000, othersHeightMs: 60_000 });
  chain = createLedgerChain({ ledger, solver });
});
afterEach(async () => {
  await solver.close();
  await bench.stop();
});

/** A peer of which some say that it has not committed the newest block, in which something was stored. */
function answerLate(invocation: StubInvocation) {
  const isBehind = bench.blocksBehind > 0;
  switch (invocation.name) {
    case 'consents:accessRequest':
      if (isBehind) throw new Error('REQUEST_UNKNOWN: q');
      return { payload: JSON.stringify({ requestId: 'q', patientId: PATIENT, status: 'pending' }) };
    case 'consents:evidence':
      return { payload: JSON.stringify({ grants: [], timeMs: 1, emergencies: isBehind ? [] : [{ declaredAtMs: 1 }] }) };
    case 'audit:readLog':
      if (isBehind) throw new Error('NOT_THE_PATIENT: not yet');
      return laneChaincode(invocation);
    default:
      return laneChaincode(invocation);
  }
}

function lagging(): void {
  bench.blocksBehind = 1;
  heightsUntilCaughtUp = ASKED_WHILE_BEHIND;
}

const actor = () => ({ ...bench.identity, ...memberOf(bench.identity.certificatePem) });
const asked = { patientId: PATIENT, memberId: MEMBER, ...NOTHING_NAMED, emergencyIds: [EMERGENCY] };
const found = ({ emergencies }: { emergencies: readonly unknown[] }) => emergencies.length > 0;

describe('a peer that is one block behind', () => {
  it('is asked again when it has caught up, where it said that something is not there', async () => {
    lagging();
    const requestId = `q${'0'.repeat(32)}` as Parameters<typeof chain.query<'consents:accessRequest'>>[2]['requestId'];
    const answer = await chain.query(bench.identity, 'consents:accessRequest', { requestId });
    expect(answer.status).toBe('pending');
    expect(bench.blocksBehind).toBe(0);
  });

  it('is asked again where its answer does not hold what is looked for', async () => {
    lagging();
    expect((await chain.query(bench.identity, 'consents:evidence', asked, { found })).emergencies).toHaveLength(1);
  });

  it('answers as it stands for who has something to do where nothing is there', async () => {
    lagging();
    const answer = await chain.query(bench.identity, 'consents:evidence', asked, { found, asItStands: true });
    expect(answer.emergencies).toHaveLength(0);
  });

  it('endorses when it has caught up what it refused before', async () => {
    lagging();
    const business = { patientId: PATIENT };
    const committed = await chain.transact({ identity: actor(), name: 'audit:readLog', patientId: PATIENT, business });
    expect(committed.blockNumber).toBe(1);
  });

  it('has the transaction that another peer told the end of, before the member is told', async () => {
    bench.fault = (stage) => {
      if (stage === 'commitStatus') {
        lagging();
        return { instead: rpcError(status.UNAVAILABLE, 'this peer cannot say') };
      }
      if (stage === 'evaluate' && --heightsUntilCaughtUp === 0) bench.blocksBehind = 0;
      return undefined;
    };
    const business = { patientId: PATIENT };
    await chain.transact({ identity: actor(), name: 'audit:readLog', patientId: PATIENT, business });
    expect(bench.blocksBehind).toBe(0);
  });
});

describe('what is nowhere', () => {
  it('is said so after one more question, whoever else cannot be asked', async () => {
    bench.otherPeer.kill();
    const before = bench.peer.calls.evaluate;
    await expect(chain.query(bench.identity, 'consents:locateGrant', { grantId: 'g' as never })).rejects.toMatchObject({
      code: 'LEDGER_REFUSED',
    });
    expect(bench.peer.calls.evaluate - before).toBe(1);
    const none = await chain.query(bench.identity, 'consents:evidence', asked, { found: () => false });
    expect(none.grants).toEqual([]);
    expect(bench.peer.calls.evaluate - before).toBe(3);
  });

  it('is said so by a peer that stays behind, within the bound', async () => {
    bench.blocksBehind = 1;
    const brief = createLedgerChain({ ledger: bench.open({ catchUpMs: 100 }, [bench.otherPeer]), solver });
    const requestId = `q${'0'.repeat(32)}` as never;
    await expect(brief.query(bench.identity, 'consents:accessRequest', { requestId })).rejects.toMatchObject({
      code: 'REQUEST_UNKNOWN',
    });
  });
});
