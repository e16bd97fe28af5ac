import { createHash } from 'node:crypto';
import {
  canonicalJson,
  formatLaneEntry,
  formatOutcome,
  formatStatement,
  type LaneEntry,
  type Outcome,
  sealEntry,
} from '@medledger/chaincode/domain';
import type {
  BlockSource,
  ProjectedBlock,
  ProjectedTransaction,
  ProjectedWrite,
} from '../../../gateway/projections/projected-block.js';

const sha256Hex = (text: string) => createHash('sha256').update(text).digest('hex');

/** A chain in memory, linked as Fabric links it, that can grow, be cut and be made anew while it is followed. */
export interface TestChain extends BlockSource {
  readonly blocks: ProjectedBlock[];
  add(...transactions: readonly TestTransaction[]): ProjectedBlock;
  cutTo(height: number): void;
  /** The streams that are open now break. */
  breakStreams(): void;
  /** First blocks that were asked for. */
  readonly asked: number[];
}

export type TestTransaction = Partial<ProjectedTransaction>;

export function testChain(seed = 'chain'): TestChain {
  const blocks: ProjectedBlock[] = [];
  const asked: number[] = [];
  const wakers = new Set<(broken: boolean) => void>();
  const wake = (broken: boolean) => {
    for (const waker of [...wakers]) waker(broken);
  };
  return {
    blocks,
    asked,
    add: (...transactions) => {
      const block = buildBlock(seed, blocks, transactions);
      blocks.push(block);
      wake(false);
      return block;
    },
    cutTo: (height) => void blocks.splice(height),
    breakStreams: () => wake(true),
    async *blocksFrom(startBlock, signal) {
      asked.push(startBlock);
      for (let next = startBlock; !signal.aborted; ) {
        const block = blocks[next];
        if (block !== undefined) {
          yield block;
          next += 1;
          continue;
        }
        const broken = await new Promise<boolean>((resolve) => {
          const waker = (isBroken: boolean) => {
            wakers.delete(waker);
            resolve(isBroken);
          };
          wakers.add(waker);
          signal.addEventListener('abort', () => waker(false), { once: true });
        });
        if (broken) throw new Error('the stream broke');
      }
    },
  };
}

function buildBlock(
  seed: string,
  blocks: readonly ProjectedBlock[],
  transactions: readonly TestTransaction[],
): ProjectedBlock {
  const number = blocks.length;
  const previousHash = blocks.at(-1)?.headerHash ?? '';
  const dataHash = sha256Hex(`${seed} ${number} ${JSON.stringify(transactions)}`);
  return {
    number,
    previousHash,
    dataHash,
    headerHash: sha256Hex(`${number} ${previousHash} ${dataHash}`),
    transactions: transactions.map((transaction, index) => ({
      txId: sha256Hex(`${seed} ${number} ${index}`),
      validationCode: 'VALID',
      timestampMs: Date.UTC(2026, 10, 20) + number,
      transaction: 'records:add',
      creator: { mspId: 'HospitalAMSP', memberId: 'doctor-a' },
      endorserMspIds: ['HospitalAMSP', 'GovernmentMSP'],
      writes: [],
      ...transaction,
      index,
    })),
  };
}

/** What members:register and members:registerPatient write of a member. */
export function memberWrite(memberId: string, change: object = {}): ProjectedWrite {
  const member = { memberId, role: 'patient', organisation: 'HospitalAMSP', keyCustody: 'wallet', ...change };
  return { key: `member~${memberId}`, isDelete: false, value: canonicalJson(member) };
}

/** A real entry of the rules, with header, nonce field and link. */
export function entryWrite(input: {
  patientId: string;
  memberId: string;
  sequence?: number;
  timeMs?: number;
  outcome: object;
}): ProjectedWrite {
  const { patientId, memberId, sequence = 0, timeMs = Date.UTC(2026, 10, 20) } = input;
  const header = {
    channel: 'medledger',
    transaction: 'access:open',
    businessDigest: '11'.repeat(32),
    memberId,
    keyHash: '22'.repeat(32),
    patientId,
    sequence,
    previous: '33'.repeat(32),
    root: '44'.repeat(32),
    difficulty: 4096,
  } as unknown as LaneEntry;
  const entry = sealEntry({
    header,
    nonce: '00'.repeat(8),
    outcome: formatOutcome(input.outcome as Outcome),
    txId: '55'.repeat(32),
    timeMs,
  });
  const key = `entry~${patientId}~${memberId}~${String(sequence).padStart(10, '0')}`;
  return { key, isDelete: false, value: formatLaneEntry(entry) };
}

/** What consents:grant writes, the parts that are read. */
export function grantWrite(patientId: string, classes?: readonly string[]): ProjectedWrite {
  const text = formatStatement({
    channel: 'medledger',
    patientId: patientId as never,
    kind: 'grant',
    id: `g${'1'.repeat(32)}`,
    version: 1,
    keyEpoch: 0,
    body: {
      grantee: { kind: 'person', id: 'doctor-a' },
      actions: ['read'],
      scope: classes === undefined ? {} : { classes },
      purpose: 'TREAT',
      fromMs: 0,
      untilMs: Date.UTC(2027, 0, 1),
    },
  });
  const value = canonicalJson({ grant: { text, signature: 'AA' }, txId: '66'.repeat(32) });
  return { key: `grant~${patientId}~g${'1'.repeat(32)}`, isDelete: false, value };
}
