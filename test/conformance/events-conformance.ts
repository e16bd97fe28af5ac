import { describe, expect, it } from '@jest/globals';
import { status } from '@grpc/grpc-js';
import type { ChaincodeEventsOptions } from '@hyperledger/fabric-gateway';
import { failureOf } from '../network/ledger-front/front-client.js';
import { codesOf, take } from './committed-blocks.js';
import { GOVERNMENT, HOSPITAL_A, INSURER, type LedgerUnderTest } from './ledger-under-test.js';
import { calls, committed, connectMember, type MemberClient, useMember } from './member-client.js';
import { signerOf } from './signed-messages.js';

/** Chaincode events: live, from a block on, after a transaction. */
export function describeEvents(ledger: () => LedgerUnderTest): void {
  describeStart(ledger);
  describeWhich(ledger);
}

function describeStart(ledger: () => LedgerUnderTest): void {
  describe('chaincode events', () => {
    const client = useMember(ledger, HOSPITAL_A);
    const insurer = useMember(ledger, INSURER);
    const events = (who: MemberClient, count: number, options?: ChaincodeEventsOptions) =>
      eventsOf(who, ledger().topology.chaincode.name, count, options);

    it('come from the block asked for on, with name, payload, transaction and block', async () => {
      const first = await client().submit(calls('event first one'));
      const second = await client().submit(calls('event second two'));
      const expected = [
        { eventName: 'first', payload: 'one', transactionId: first.txId, blockNumber: BigInt(first.blockNumber) },
        { eventName: 'second', payload: 'two', transactionId: second.txId, blockNumber: BigInt(second.blockNumber) },
      ];
      for (const who of [client(), insurer()]) {
        expect(await events(who, 2, { startBlock: BigInt(first.blockNumber) })).toMatchObject(expected);
      }
    });

    it('begin with the next block when nothing is said', async () => {
      await client().submit(calls('event earlier x'));
      const stream = await client().network.getChaincodeEvents(ledger().topology.chaincode.name);
      try {
        const next = take(stream, 1);
        // The stream is open before the peer has looked at the height of its ledger.
        await client().evaluate(calls('here'));
        await client().submit(calls('event later x'));
        expect((await next).map(({ eventName }) => eventName)).toEqual(['later']);
      } finally {
        stream.close();
      }
    });

    it('wait for a block that is still to come', async () => {
      const { blockNumber } = await client().submit(calls('event now x'));
      const coming = events(client(), 1, { startBlock: BigInt(blockNumber + 2) });
      await client().submit(calls('event too-early x'));
      await client().submit(calls('event in-time x'));
      expect(await coming).toMatchObject([{ eventName: 'in-time' }]);
    });

    it('go on after a transaction, in its block and later', async () => {
      const endorsed = await Promise.all(['a', 'b', 'c'].map((name) => client().endorse(calls(`event ${name} x`))));
      const outcomes = await Promise.all(endorsed.map((transaction) => committed(client(), transaction)));
      const all = await events(client(), 3, {
        startBlock: BigInt(Math.min(...outcomes.map(({ blockNumber }) => blockNumber))),
      });
      const [first, ...rest] = all;
      const checkpoint = {
        getBlockNumber: () => first?.blockNumber,
        getTransactionId: () => first?.transactionId,
      };
      expect(await events(client(), 2, { checkpoint })).toEqual(rest);
    });

    it('begin at the block given when the transaction to go on after is not there', async () => {
      const { blockNumber, txId } = await client().submit(calls('event present x'));
      const checkpoint = { getBlockNumber: () => BigInt(blockNumber), getTransactionId: () => undefined };
      expect(await events(client(), 1, { checkpoint })).toMatchObject([{ transactionId: txId }]);
    });
  });
}

function describeWhich(ledger: () => LedgerUnderTest): void {
  describe('which chaincode events there are', () => {
    const client = useMember(ledger, HOSPITAL_A);
    const name = () => ledger().topology.chaincode.name;

    it('none of transactions that are invalid', async () => {
      const alone = { endorsingOrganizations: [GOVERNMENT] };
      const { blockNumber } = await client().submit(calls('event invalid x'), alone);
      await client().submit(calls('event valid x'));
      expect(await eventsOf(client(), name(), 1, { startBlock: BigInt(blockNumber) })).toMatchObject([
        { eventName: 'valid' },
      ]);
    });

    it('one for each transaction: the last one set', async () => {
      const { blockNumber } = await client().submit(calls('event one x, event two y'));
      await client().submit(calls('event three z'));
      const found = await eventsOf(client(), name(), 2, { startBlock: BigInt(blockNumber) });
      expect(found.map(({ eventName }) => eventName)).toEqual(['two', 'three']);
    });

    it('none of another chaincode', async () => {
      const { blockNumber, txId } = await client().submit(calls('event mine x'));
      const stream = await client().network.getChaincodeEvents('other', { startBlock: BigInt(blockNumber) });
      try {
        const other = take(stream, 1).then(
          () => 'an event',
          () => 'nothing',
        );
        expect(await codesOf(client(), txId, { from: blockNumber, count: 1 })).toEqual([0]);
        stream.close();
        expect(await other).toBe('nothing');
      } finally {
        stream.close();
      }
    });

    it('none for a request that somebody else signed, or for a stranger', async () => {
      const request = client().network.newChaincodeEventsRequest(name());
      const other = await connectMember(ledger(), HOSPITAL_A);
      try {
        const bytes = request.getBytes();
        const forged = client().gateway.newSignedChaincodeEventsRequest(bytes, signerOf(other.member)(bytes));
        expect((await failureOf(take(await forged.getEvents(), 1))).code).toBe(status.PERMISSION_DENIED);
      } finally {
        other.close();
      }
      const stranger = { ...client().member, identity: { ...client().member.identity, mspId: 'NobodyMSP' } };
      const nobody = await connectMember(ledger(), HOSPITAL_A, { member: stranger });
      try {
        const events = await nobody.network.getChaincodeEvents(name());
        expect((await failureOf(take(events, 1))).code).toBe(status.PERMISSION_DENIED);
      } finally {
        nobody.close();
      }
    });
  });
}

async function eventsOf(client: MemberClient, chaincode: string, count: number, options?: ChaincodeEventsOptions) {
  const stream = await client.network.getChaincodeEvents(chaincode, options);
  try {
    const events = await take(stream, count);
    return events.map((event) => ({ ...event, payload: Buffer.from(event.payload).toString('utf8') }));
  } finally {
    stream.close();
  }
}
