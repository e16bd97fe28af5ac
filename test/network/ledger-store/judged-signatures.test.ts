import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { parseBlock } from '../../../network/devledger/commit/block-codec.js';
import { firstWronglyJudged, judgeConclusions } from '../../../network/devledger/commit/commit-judge.js';
import type { ComingBlock } from '../../../network/devledger/commit/deliver-blocks.js';
import { openPeerLedger } from '../../../network/devledger/commit/open-peer-ledger.js';
import { RulesByBlock } from '../../../network/devledger/commit/rules-by-block.js';
import type { PeerLedger } from '../../../network/devledger/peer-ledger.js';
import { nextBlock } from '../ledger-support.js';
import {
  createSealingNetwork,
  SealedLedger,
  type SealingNetwork,
  stripped,
  TERMS,
  withoutSeal,
} from './sealed-ledger.js';

const ROUNDS = 2;
const NEVER_MS = 3_600_000;
const TURNS = 50;

let network: SealingNetwork;
let sealed: SealedLedger;

beforeAll(async () => {
  network = await createSealingNetwork();
});
beforeEach(async () => {
  sealed = await SealedLedger.open(network, ROUNDS);
});
afterEach(async () => {
  jest.useRealTimers();
  await sealed.remove();
});

describe('a block that the orderer shows before it counts', () => {
  it('is signed, and is what is written then, byte for byte', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance', 'Date'] });
    const orderer = await sealed.openOrderer({ ...TERMS, timeoutMs: NEVER_MS, maxMessageCount: 2 });
    const first = new Promise<ComingBlock>((resolve) => orderer.onComing(resolve));
    const told = new Promise<number>((resolve) => orderer.onBlock(resolve));
    await orderer.submit(sealed.envelope('alone'));
    const { number, bytes } = await first;
    const fault = sealed.ordering().faultOf(parseBlock(bytes));
    expect([number, orderer.height(), fault]).toEqual([ROUNDS + 1, ROUNDS + 1, undefined]);
    jest.advanceTimersByTime(NEVER_MS);
    await told;
    expect(await orderer.blockByNumber(number)).toBe(bytes);
    await orderer.close();
  });

  it.each([
    { what: 'is judged when it is signed', change: (block: Uint8Array) => block, isJudged: true },
    { what: 'is not judged when it is not', change: stripped, isJudged: false },
  ])('$what', async ({ change, isJudged }) => {
    const asked = new Set<number>();
    const definitionsAt = (blockNumber: number) => {
      asked.add(blockNumber);
      return [];
    };
    const ledger = await openPeerLedger(sealed.options('A', { definitionsAt }));
    asked.clear();
    const block = change(sealed.block(1));
    ledger.prepare(block);
    for (let turn = 0; turn < TURNS; turn += 1) await setImmediate();
    expect(asked.has(1)).toBe(isJudged);
    await ledger.commit(block).catch(() => undefined);
    expect(ledger.height()).toBe(isJudged ? 2 : 1);
    await ledger.close();
  });
});

describe('who judges blocks again', () => {
  let honest: PeerLedger;
  let other: PeerLedger;
  /** The other, of which one block lost its signature. */
  let forged: PeerLedger;

  beforeEach(async () => {
    honest = await sealed.filledPeer('A', sealed.blocks);
    other = await sealed.filledPeer('B', sealed.blocks.slice(0, 2));
    await other.commit(sealed.resealed(await nextBlock(other, [sealed.envelope('forged')])));
    const blockByNumber = async (number: number) => {
      const bytes = await other.blockByNumber(number);
      return bytes === undefined || number !== 2 ? bytes : withoutSeal(bytes);
    };
    forged = { mspId: 'B', blockByNumber } as PeerLedger;
  });
  afterEach(async () => {
    await honest.close();
    await other.close();
  });

  function rules(): RulesByBlock {
    const { signatureCache: signatures, ...channel } = sealed.options('');
    return new RulesByBlock({ ...channel, signatures });
  }

  it.each([{ firstAsked: 'A' }, { firstAsked: 'B' }])(
    'finds the one without a signature wrong, $firstAsked first',
    async ({ firstAsked }) => {
      const conclusions = [
        { peer: honest, commitHashHex: Buffer.from(honest.commitHash()).toString('hex') },
        { peer: forged, commitHashHex: Buffer.from(other.commitHash()).toString('hex') },
      ];
      if (firstAsked === 'B') conclusions.reverse();
      expect(await judgeConclusions(conclusions, 3, rules())).toEqual({ blockNumber: 2, wrong: ['B'] });
    },
  );

  it.each([
    { what: 'with the signature', from: () => other, first: undefined },
    { what: 'without it', from: () => forged, first: 2 },
  ])('takes a peer back to before such a block: $what', async ({ from, first }) => {
    const ledger = from();
    const readBlock = async (number: number) => parseBlock((await ledger.blockByNumber(number)) ?? new Uint8Array());
    expect(await firstWronglyJudged({ height: 3, readBlock }, rules())).toBe(first);
  });
});
