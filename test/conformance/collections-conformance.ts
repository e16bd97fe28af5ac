import { createHash } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { describe, expect, it } from '@jest/globals';
import { ledger as protos, peer } from '@hyperledger/fabric-protos';
import { failureOf } from '../network/ledger-front/front-client.js';
import { GOVERNMENT, HOSPITAL_A, HOSPITAL_B, type LedgerUnderTest, PEERS } from './ledger-under-test.js';
import { calls, committed, type MemberClient, type StubCall, useMember, untilEverywhere } from './member-client.js';
import { seek } from './raw-calls.js';
import { endorsersOf, partsOfPrepared } from './transaction-parts.js';

const { VALID, ENDORSEMENT_POLICY_FAILURE } = peer.TxValidationCode;
const AT_A = { endorsingOrganizations: [HOSPITAL_A] };
const AT_B = { endorsingOrganizations: [HOSPITAL_B] };
const AT_GOVERNMENT = { endorsingOrganizations: [GOVERNMENT] };
const BOTH = { endorsingOrganizations: [HOSPITAL_A, HOSPITAL_B] };

/** What collections ask for: an end of their data, endorsers of their own, members as readers of blocks. */
export function describeCollections(ledger: () => LedgerUnderTest): void {
  describeEndings(ledger);
  describePolicies(ledger);
  describePlanning(ledger);
  describeDelivery(ledger);
}

function describeEndings(ledger: () => LedgerUnderTest): void {
  describe('private data that ends', () => {
    const client = useMember(ledger, HOSPITAL_A);

    it('is gone with its hash after the blocks it has to live, unless it was written again', async () => {
      await client().submit(calls('putPrivate fleeting short x, putPrivate fleeting long x'), BOTH);
      await client().submit(calls('putPrivate fleeting long y'), BOTH);
      await client().submit(calls('put pass-1 x'));
      expect(await readAt(client(), 'private fleeting short, private fleeting long', AT_B)).toEqual(['x', 'y']);
      await client().submit(calls('put pass-2 x'));
      expect(await readAt(client(), 'private fleeting short, private fleeting long', AT_B)).toEqual(['', 'y']);
      expect(await client().evaluate(calls('privateHash fleeting short'), AT_GOVERNMENT)).toEqual(['']);
      await client().submit(calls('put pass-3 x'));
      expect(await readAt(client(), 'private fleeting long, rangePrivate fleeting a z', AT_A)).toEqual(['', []]);
    });

    it('is gone when it is purged, and can be put again', async () => {
      await client().submit(calls('putPrivate hospitals purged x, putPrivate hospitals purged-not y'), BOTH);
      expect((await client().submit(calls('purgePrivate hospitals purged'), BOTH)).code).toBe(VALID);
      expect(await readAt(client(), 'private hospitals purged, private hospitals purged-not', AT_B)).toEqual(['', 'y']);
      expect(await client().evaluate(calls('privateHash hospitals purged'), AT_GOVERNMENT)).toEqual(['']);
      await client().submit(calls('putPrivate hospitals purged again'), BOTH);
      expect(await readAt(client(), 'private hospitals purged', AT_A)).toEqual(['again']);
    });
  });
}

function describePolicies(ledger: () => LedgerUnderTest): void {
  describe('endorsement of private data', () => {
    const client = useMember(ledger, HOSPITAL_A);
    const own = `_implicit_org_${HOSPITAL_A}`;

    it.each([
      {
        name: 'by the chaincode’s policy',
        line: 'putPrivate hospitals p x',
        at: AT_A,
        code: ENDORSEMENT_POLICY_FAILURE,
      },
      { name: 'by the collection’s policy', line: 'putPrivate by-one p x', at: AT_A, code: VALID },
      {
        name: 'by another than the collection names',
        line: 'putPrivate by-one q x',
        at: AT_B,
        code: ENDORSEMENT_POLICY_FAILURE,
      },
      {
        name: 'by both, where both are written to',
        line: 'putPrivate by-one p x, put p x',
        at: AT_A,
        code: ENDORSEMENT_POLICY_FAILURE,
      },
      { name: 'by the organisation whose own collection it is', line: `putPrivate ${own} p x`, at: AT_A, code: VALID },
      { name: 'by another than it', line: `putPrivate ${own} q x`, at: AT_B, code: ENDORSEMENT_POLICY_FAILURE },
    ])('$name: $code', async ({ line, at, code }) => {
      expect((await client().submit(calls(line), at)).code).toBe(code);
    });

    it('follows the policy of a private key, which keeps its value', async () => {
      await client().submit(
        [
          ['putPrivate', 'hospitals', 'keyed', 'x'],
          ['setPrivatePolicy', 'hospitals', 'keyed', [HOSPITAL_B]],
        ],
        BOTH,
      );
      expect(await client().evaluate(calls('privatePolicy hospitals keyed'))).toEqual([[HOSPITAL_B]]);
      expect((await client().submit(calls('putPrivate hospitals keyed y'), AT_A)).code).toBe(
        ENDORSEMENT_POLICY_FAILURE,
      );
      expect((await client().submit(calls('putPrivate hospitals keyed z'), AT_B)).code).toBe(VALID);
      expect((await client().submit([['setPrivatePolicy', 'hospitals', 'keyed', [HOSPITAL_A]]], AT_B)).code).toBe(
        VALID,
      );
      expect(await readAt(client(), 'private hospitals keyed, privatePolicy hospitals keyed', AT_A)).toEqual([
        'z',
        [HOSPITAL_A],
      ]);
    });
  });
}

function describePlanning(ledger: () => LedgerUnderTest): void {
  describe('endorsement of private data, without naming anybody,', () => {
    const client = useMember(ledger, HOSPITAL_A);
    const own = `_implicit_org_${HOSPITAL_A}`;

    it('is planned: one organisation where one is enough', async () => {
      for (const line of ['putPrivate by-one planned x', `putPrivate ${own} planned x`]) {
        const transaction = await client().endorse(calls(line));
        expect(endorsersOf(partsOfPrepared(transaction.getBytes()))).toEqual([HOSPITAL_A]);
        expect((await committed(client(), transaction)).code).toBe(VALID);
      }
      expect(await readAt(client(), `private ${own} planned`, AT_A)).toEqual(['x']);
      expect(await client().evaluate(calls(`privateHash ${own} planned`), AT_B)).toEqual([sha256('x')]);
    });

    it('is planned among members where values are read', async () => {
      await client().submit(calls('putPrivate hospitals members x'), BOTH);
      for (let round = 0; round < 4; round += 1) {
        const transaction = await client().endorse(calls('private hospitals members, put members x'));
        expect(endorsersOf(partsOfPrepared(transaction.getBytes())).sort()).toEqual([HOSPITAL_A, HOSPITAL_B]);
      }
    });

    it('goes by the policy of a private key alone, also where it comes as transient data', async () => {
      const everybody = { endorsingOrganizations: [...PEERS] };
      const policy: StubCall = ['setPrivatePolicy', 'hospitals', 'shown', [...PEERS]];
      expect((await client().submit([...calls('putPrivate hospitals shown x'), policy], everybody)).code).toBe(VALID);
      const transientData = { shown: 'y' };
      const transaction = await client().endorse(calls('putSecret hospitals shown'), { transientData });
      expect(endorsersOf(partsOfPrepared(transaction.getBytes())).sort()).toEqual([...PEERS].sort());
      expect((await committed(client(), transaction)).code).toBe(VALID);
      expect(await readAt(client(), 'private hospitals shown', AT_B)).toEqual(['y']);
    });

    it('is not shown to organisations outside the collection', async () => {
      const transientData = { seen: 'by nobody else' };
      const failure = await failureOf(client().endorse(calls('putSecret alone seen'), { transientData }));
      expect(failure).toMatchObject({
        code: status.FAILED_PRECONDITION,
        message:
          'requires endorsement from organisation(s) that are not in the distribution policy of the private data ' +
          'collection(s): [alone]; retry specifying trusted endorsing organizations to protect transient data',
      });
    });
  });
}

function describeDelivery(ledger: () => LedgerUnderTest): void {
  describe('blocks with private data', () => {
    const member = useMember(ledger, HOSPITAL_A);
    const stranger = useMember(ledger, GOVERNMENT);

    it('hold it for members of the collection, and nothing for others', async () => {
      const { blockNumber } = await member().submit(calls('putPrivate hospitals delivered v'), BOTH);
      await untilEverywhere(member().network, blockNumber);
      const request = { start: blockNumber, stop: blockNumber, channel: ledger().topology.channel };
      const of = async (client: MemberClient) => {
        const { responses } = await seek(client, 'DeliverWithPrivateData', request);
        return responses[0]?.getBlockAndPrivateData()?.getPrivateDataMapMap();
      };
      const [set] = (await of(member()))?.get(0)?.getNsPvtRwsetList() ?? [];
      const [collection] = set?.getCollectionPvtRwsetList() ?? [];
      const writes = protos.rwset.kvrwset.KVRWSet.deserializeBinary(collection?.getRwset_asU8() ?? new Uint8Array());
      expect([set?.getNamespace(), collection?.getCollectionName()]).toEqual(['conformance', 'hospitals']);
      expect(
        writes.getWritesList().map((write) => [write.getKey(), Buffer.from(write.getValue_asU8()).toString()]),
      ).toEqual([['delivered', 'v']]);
      expect((await of(stranger()))?.getLength()).toBe(0);
    });
  });
}

/** Members get what they were not given some moments after the block. */
async function readAt(client: MemberClient, line: string, at: { endorsingOrganizations: string[] }): Promise<unknown> {
  return client.evaluate(calls(line), at);
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
