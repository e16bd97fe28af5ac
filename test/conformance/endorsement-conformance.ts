import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { status } from '@grpc/grpc-js';
import { peer } from '@hyperledger/fabric-protos';
import { failureOf } from '../network/ledger-front/front-client.js';
import { GOVERNMENT, HOSPITAL_A, HOSPITAL_B, INSURER, type LedgerUnderTest, PEERS } from './ledger-under-test.js';
import { committed, connectMember, type MemberClient, parseResults, type StubCall } from './member-client.js';
import { endorsersOf, partsOfPrepared } from './transaction-parts.js';

const MISMATCH = 'ProposalResponsePayloads do not match';
/** The other organisations are asked in random order; often enough that each has been first. */
const ROUNDS = 6;

/** Who endorses, and what happens when endorsers fail or disagree. */
export function describeEndorsement(ledger: () => LedgerUnderTest): void {
  let hospitalA: MemberClient;
  let hospitalB: MemberClient;
  let insurer: MemberClient;

  beforeAll(async () => {
    hospitalA = await connectMember(ledger(), HOSPITAL_A);
    hospitalB = await connectMember(ledger(), HOSPITAL_B);
    insurer = await connectMember(ledger(), INSURER);
  });

  afterAll(() => {
    for (const client of [hospitalA, hospitalB, insurer]) client.close();
  });

  const endorsers = async (client: MemberClient, calls: readonly StubCall[], named?: readonly string[]) => {
    const transaction = await client.endorse(calls, named === undefined ? {} : { endorsingOrganizations: [...named] });
    return endorsersOf(partsOfPrepared(transaction.getBytes()));
  };

  describe('endorsement by policy', () => {
    it('takes the peer that was asked, and one other', async () => {
      const seconds = new Set<string>();
      for (let round = 0; round < ROUNDS; round += 1) {
        const mspIds = await endorsers(hospitalA, [['put', 'e', 'x']]);
        expect(mspIds).toHaveLength(2);
        expect(mspIds[0]).toBe(HOSPITAL_A);
        seconds.add(mspIds[1] ?? '');
      }
      expect([HOSPITAL_B, GOVERNMENT]).toEqual(expect.arrayContaining([...seconds]));
    });

    it('begins with the host’s peer for a member whose organisation has none', async () => {
      expect((await endorsers(insurer, [['put', 'e', 'x']]))[0]).toBe(GOVERNMENT);
      expect(await insurer.submit([['put', 'e', 'x']])).toMatchObject({ code: peer.TxValidationCode.VALID });
    });

    it('answers with what the first endorser’s chaincode answered', async () => {
      const transaction = await hospitalA.endorse([['here'], ['call']]).catch((error: unknown) => error);
      expect(transaction).toMatchObject({ code: status.ABORTED });
      const agreed = await hospitalA.endorse([['call']]);
      expect(parseResults(agreed.getResult())).toEqual([
        expect.objectContaining({ txId: agreed.getTransactionId(), mspId: HOSPITAL_A, channel: 'medledger' }),
      ]);
    });

    it('asks the third organisation when the second answers something else', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        expect(await endorsers(hospitalA, [['differ', HOSPITAL_B]])).toEqual([HOSPITAL_A, GOVERNMENT]);
      }
    });

    it('asks the third organisation when the second refuses', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        expect(await endorsers(hospitalA, [['refuse', HOSPITAL_B, 'NO: not here']])).toEqual([HOSPITAL_A, GOVERNMENT]);
      }
    });
  });

  describe('endorsement when the peer that was asked is the odd one', () => {
    it('fails when its answer differs, naming both others', async () => {
      const failure = await failureOf(hospitalB.endorse([['differ', HOSPITAL_B]]));
      expect(failure).toMatchObject({
        code: status.ABORTED,
        message: 'failed to collect enough transaction endorsements, see attached details for more info',
      });
      expect(failure.details.map(({ mspId, message }) => [mspId, message]).sort()).toEqual([
        [GOVERNMENT, MISMATCH],
        [HOSPITAL_A, MISMATCH],
      ]);
    });

    it('fails when it refuses, though the others would not', async () => {
      const failure = await failureOf(hospitalB.endorse([['refuse', HOSPITAL_B, 'CHAIN_BROKEN: entry 3']]));
      expect(failure).toMatchObject({
        code: status.ABORTED,
        message: 'failed to endorse transaction, see attached details for more info',
        details: [{ mspId: HOSPITAL_B, message: 'chaincode response 500, CHAIN_BROKEN: entry 3' }],
      });
    });

    it('works when the client names the others', async () => {
      const named = [HOSPITAL_A, GOVERNMENT];
      expect((await endorsers(hospitalB, [['refuse', HOSPITAL_B, 'NO']], named)).sort()).toEqual([...named].sort());
    });
  });

  describe('endorsement by organisations that the client names', () => {
    it.each([{ named: [GOVERNMENT, HOSPITAL_B] }, { named: [...PEERS] }, { named: [HOSPITAL_B] }])(
      'takes exactly $named',
      async ({ named }) => {
        expect((await endorsers(hospitalA, [['put', 'e', 'named']], named)).sort()).toEqual([...named].sort());
      },
    );

    it('fails when one of them differs', async () => {
      const failure = await failureOf(
        hospitalA.endorse([['differ', HOSPITAL_B]], { endorsingOrganizations: [...PEERS] }),
      );
      expect(failure.code).toBe(status.ABORTED);
      // Whoever answers last is at odds with the one before, so it is either the odd one or both others.
      const named = failure.details.map(({ mspId, message }) => [mspId, message]);
      expect(named.length).toBeGreaterThan(0);
      expect(named.every(([, message]) => message === MISMATCH)).toBe(true);
    });

    it('fails when one of them refuses', async () => {
      const named = { endorsingOrganizations: [HOSPITAL_A, HOSPITAL_B] };
      expect(await failureOf(hospitalA.endorse([['refuse', HOSPITAL_B, 'NO']], named))).toMatchObject({
        code: status.ABORTED,
        message: 'failed to collect enough transaction endorsements, see attached details for more info',
        details: [{ mspId: HOSPITAL_B, message: 'chaincode response 500, NO' }],
      });
    });

    it('fails for an organisation without a peer', async () => {
      expect(await failureOf(hospitalA.endorse([], { endorsingOrganizations: [INSURER] }))).toMatchObject({
        code: status.UNAVAILABLE,
        message: `failed to find any endorsing peers for org(s): ${INSURER}`,
        details: [],
      });
    });
  });

  describe('the endorsement policy at commit', () => {
    it.each([
      { named: [HOSPITAL_A], code: peer.TxValidationCode.ENDORSEMENT_POLICY_FAILURE },
      { named: [HOSPITAL_B, GOVERNMENT], code: peer.TxValidationCode.VALID },
      { named: [...PEERS], code: peer.TxValidationCode.VALID },
    ])('gives $code to a transaction endorsed by $named', async ({ named, code }) => {
      const transaction = await hospitalA.endorse([['put', `policy-${named.length}`, 'x']], {
        endorsingOrganizations: named,
      });
      expect(await committed(transaction)).toMatchObject({ code, txId: transaction.getTransactionId() });
    });

    it('leaves the state as it was where it is not satisfied', async () => {
      expect(
        await hospitalA.evaluate([
          ['get', 'policy-1'],
          ['get', 'policy-2'],
        ]),
      ).toEqual(['', 'x']);
    });
  });
}
