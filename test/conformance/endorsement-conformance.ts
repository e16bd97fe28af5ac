import { describe, expect, it } from '@jest/globals';
import { status } from '@grpc/grpc-js';
import { peer } from '@hyperledger/fabric-protos';
import { failureOf } from '../network/ledger-front/front-client.js';
import { GOVERNMENT, HOSPITAL_A, HOSPITAL_B, INSURER, type LedgerUnderTest, PEERS } from './ledger-under-test.js';
import { calls, committed, type MemberClient, parseResults, type StubCall, useMember } from './member-client.js';
import { endorsersOf, partsOfPrepared } from './transaction-parts.js';

const { VALID, ENDORSEMENT_POLICY_FAILURE } = peer.TxValidationCode;
const MISMATCH = 'ProposalResponsePayloads do not match';
const FIRST_FAILED = 'failed to endorse transaction, see attached details for more info';
const TOO_FEW = 'failed to collect enough transaction endorsements, see attached details for more info';
/** The other organisations are asked in random order; often enough that each has been first. */
const ROUNDS = 6;

/** Who endorses, and what happens when endorsers fail or disagree. */
export function describeEndorsement(ledger: () => LedgerUnderTest): void {
  describeByPolicy(ledger);
  describeOddOne(ledger);
  describeNamed(ledger);
  describePolicy(ledger);
}

function describeByPolicy(ledger: () => LedgerUnderTest): void {
  describe('endorsement by policy', () => {
    const hospitalA = useMember(ledger, HOSPITAL_A);
    const insurer = useMember(ledger, INSURER);

    it('takes the peer that was asked, and one other', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const [first, second, ...more] = await endorsers(hospitalA(), calls('put e x'));
        expect([first, more]).toEqual([HOSPITAL_A, []]);
        expect([HOSPITAL_B, GOVERNMENT]).toContain(second);
      }
    });

    it('begins with the host’s peer for a member whose organisation has none', async () => {
      expect((await endorsers(insurer(), calls('put e x')))[0]).toBe(GOVERNMENT);
      expect(await insurer().submit(calls('put e x'))).toMatchObject({ code: VALID });
    });

    it('answers with what the chaincode answered, which knows who calls', async () => {
      const transaction = await hospitalA().endorse(calls('call'));
      const txId = transaction.getTransactionId();
      const { channel } = ledger().topology;
      expect(parseResults(transaction.getResult())).toEqual([
        expect.objectContaining({ txId, mspId: HOSPITAL_A, channel }),
      ]);
    });

    it.each([
      { name: 'answers something else', line: `differ ${HOSPITAL_B}` },
      { name: 'refuses', line: `refuse ${HOSPITAL_B} NO` },
    ])('asks the third organisation when the second $name', async ({ line }) => {
      for (let round = 0; round < ROUNDS; round += 1) {
        expect(await endorsers(hospitalA(), calls(line))).toEqual([HOSPITAL_A, GOVERNMENT]);
      }
    });
  });
}

function describeOddOne(ledger: () => LedgerUnderTest): void {
  describe('endorsement when the peer that was asked is the odd one', () => {
    const hospitalB = useMember(ledger, HOSPITAL_B);

    it('fails when its answer differs, naming both others', async () => {
      const failure = await failureOf(hospitalB().endorse(calls(`differ ${HOSPITAL_B}`)));
      expect(failure).toMatchObject({ code: status.ABORTED, message: TOO_FEW });
      expect(failure.details.map(({ mspId, message }) => [mspId, message]).sort()).toEqual([
        [GOVERNMENT, MISMATCH],
        [HOSPITAL_A, MISMATCH],
      ]);
    });

    it('fails when it refuses, though the others would not', async () => {
      expect(await failureOf(hospitalB().endorse([['refuse', HOSPITAL_B, 'CHAIN_BROKEN: entry 3']]))).toMatchObject({
        code: status.ABORTED,
        message: FIRST_FAILED,
        details: [{ mspId: HOSPITAL_B, message: 'chaincode response 500, CHAIN_BROKEN: entry 3' }],
      });
    });

    it('works when the client names the others', async () => {
      const named = [GOVERNMENT, HOSPITAL_A];
      expect((await endorsers(hospitalB(), calls(`refuse ${HOSPITAL_B} NO`), named)).sort()).toEqual(named);
    });
  });
}

function describeNamed(ledger: () => LedgerUnderTest): void {
  describe('endorsement by organisations that the client names', () => {
    const hospitalA = useMember(ledger, HOSPITAL_A);

    it.each([{ named: [GOVERNMENT, HOSPITAL_B] }, { named: [...PEERS] }, { named: [HOSPITAL_B] }])(
      'takes exactly $named',
      async ({ named }) => {
        expect((await endorsers(hospitalA(), calls('put e x'), named)).sort()).toEqual([...named].sort());
      },
    );

    it('fails when one of them differs', async () => {
      const all = { endorsingOrganizations: [...PEERS] };
      const failure = await failureOf(hospitalA().endorse(calls(`differ ${HOSPITAL_B}`), all));
      expect(failure).toMatchObject({ code: status.ABORTED, message: TOO_FEW });
      // All are asked at once and the first to answer is the measure: either the odd one is named, or both others.
      const messages = new Set(failure.details.map(({ message }) => message));
      expect([...messages]).toEqual([MISMATCH]);
    });

    it('fails when one of them refuses', async () => {
      const named = { endorsingOrganizations: [HOSPITAL_A, HOSPITAL_B] };
      expect(await failureOf(hospitalA().endorse(calls(`refuse ${HOSPITAL_B} NO`), named))).toMatchObject({
        code: status.ABORTED,
        message: TOO_FEW,
        details: [{ mspId: HOSPITAL_B, message: 'chaincode response 500, NO' }],
      });
    });

    it('fails for an organisation without a peer', async () => {
      const named = { endorsingOrganizations: [INSURER] };
      expect(await failureOf(hospitalA().endorse(calls('put e x'), named))).toMatchObject({
        code: status.UNAVAILABLE,
        message: `failed to find any endorsing peers for org(s): ${INSURER}`,
        details: [],
      });
    });
  });
}

function describePolicy(ledger: () => LedgerUnderTest): void {
  describe('the endorsement policy at commit', () => {
    const hospitalA = useMember(ledger, HOSPITAL_A);

    it.each([
      { named: [HOSPITAL_A], code: ENDORSEMENT_POLICY_FAILURE, after: '' },
      { named: [HOSPITAL_B, GOVERNMENT], code: VALID, after: 'x' },
      { named: [...PEERS], code: VALID, after: 'x' },
    ])('gives $code to a transaction endorsed by $named', async ({ named, code, after }) => {
      const key = `policy-${named.length}`;
      const transaction = await hospitalA().endorse(calls(`put ${key} x`), { endorsingOrganizations: named });
      expect(await committed(hospitalA(), transaction)).toMatchObject({ code, txId: transaction.getTransactionId() });
      expect(await hospitalA().evaluate(calls(`get ${key}`))).toEqual([after]);
    });
  });
}

async function endorsers(client: MemberClient, run: readonly StubCall[], named?: readonly string[]): Promise<string[]> {
  const transaction = await client.endorse(run, named === undefined ? {} : { endorsingOrganizations: [...named] });
  return endorsersOf(partsOfPrepared(transaction.getBytes()));
}
