import { describe, expect, it } from '@jest/globals';
import { status } from '@grpc/grpc-js';
import { untilTrue } from '../support/eventually.js';
import { failureOf } from '../network/ledger-front/front-client.js';
import { GOVERNMENT, HOSPITAL_A, HOSPITAL_B, type LedgerUnderTest, PEERS } from './ledger-under-test.js';
import { calls, type MemberClient, useMember } from './member-client.js';

const FIRST_FAILED = 'failed to endorse transaction, see attached details for more info';
const RETURNED = 'evaluate call to endorser returned error: ';

/** Status and details of calls that fail, and chaincodes that go away. */
export function describeFailures(ledger: () => LedgerUnderTest): void {
  describeAnswers(ledger);
  describeUnknown(ledger);
  describeStub(ledger);
  describeAbsence(ledger);
}

function describeAnswers(ledger: () => LedgerUnderTest): void {
  describe('what a chaincode answers', () => {
    const client = useMember(ledger, HOSPITAL_A);

    it.each([
      { answer: 500, message: 'NO_GRANT: not yours' },
      { answer: 404, message: 'not here' },
      { answer: 400, message: 'a bad request' },
      { answer: 500, message: 'ünïcode: “quoted”\nand a second line' },
    ])('$answer $message: is an error, with the peer that said so', async ({ answer, message }) => {
      const run = [['answer', answer, message]] as const;
      const text = `chaincode response ${answer}, ${message}`;
      const { address } = ledger().endpointOf(HOSPITAL_A);
      const detail = {
        address: expect.stringContaining(address.slice(address.lastIndexOf(':'))),
        mspId: HOSPITAL_A,
        message: text,
      };
      expect(await failureOf(client().evaluate(run))).toEqual({
        code: status.UNKNOWN,
        message: RETURNED + text,
        details: [detail],
      });
      expect(await failureOf(client().endorse(run))).toEqual({
        code: status.ABORTED,
        message: FIRST_FAILED,
        details: [detail],
      });
    });

    it('399 is no error, and what it answers is endorsed', async () => {
      expect(
        (
          await client().submit([
            ['put', 'odd-status', 'x'],
            ['event', 'odd', 'x'],
          ])
        ).code,
      ).toBe(0);
      const { details } = await failureOf(client().evaluate([['answer', 199, 'too low']]));
      expect(details).toMatchObject([{ message: 'chaincode response 199, too low' }]);
      expect(
        await client().contract.evaluate('run', { arguments: [JSON.stringify([['answer', 399, 'fine']])] }),
      ).toHaveLength(0);
    });

    it('an unknown function is the chaincode’s own error', async () => {
      expect(await failureOf(client().contract.evaluateTransaction('walk'))).toMatchObject({
        code: status.UNKNOWN,
        message: `${RETURNED}chaincode response 500, UNKNOWN_FUNCTION: walk`,
      });
    });
  });
}

function describeUnknown(ledger: () => LedgerUnderTest): void {
  describe('what is not there', () => {
    const client = useMember(ledger, HOSPITAL_A);
    const channel = () => ledger().topology.channel;

    it('a chaincode that is not defined', async () => {
      const contract = client().network.getContract('nonsense');
      expect(await failureOf(contract.evaluateTransaction('run', '[]'))).toMatchObject({
        code: status.FAILED_PRECONDITION,
        message: `no peers available to evaluate chaincode nonsense in channel ${channel()}`,
        details: [],
      });
      expect(await failureOf(contract.submitTransaction('run', '[]'))).toMatchObject({
        code: status.FAILED_PRECONDITION,
        message: expect.stringMatching(
          /^no combination of peers can be derived which satisfy the endorsement policy: /,
        ),
        details: [],
      });
      expect(
        await failureOf(contract.submit('run', { endorsingOrganizations: [HOSPITAL_B, GOVERNMENT] })),
      ).toMatchObject({
        code: status.UNAVAILABLE,
        message: `failed to find any endorsing peers for org(s): ${HOSPITAL_B}, ${GOVERNMENT}`,
      });
    });

    it('a channel', async () => {
      const contract = client().gateway.getNetwork('elsewhere').getContract(ledger().topology.chaincode.name);
      expect(await failureOf(contract.evaluateTransaction('run', '[]'))).toMatchObject({ code: status.UNAVAILABLE });
      expect(await failureOf(contract.submitTransaction('run', '[]'))).toMatchObject({
        code: status.FAILED_PRECONDITION,
      });
      const events = await client().gateway.getNetwork('elsewhere').getChaincodeEvents('any');
      expect((await failureOf(events[Symbol.asyncIterator]().next())).code).toBe(status.PERMISSION_DENIED);
    });

    it('an organisation that is asked', async () => {
      expect(
        await failureOf(client().evaluate(calls('here'), { endorsingOrganizations: ['NobodyMSP'] })),
      ).toMatchObject({
        code: status.FAILED_PRECONDITION,
        message: `no peers available to evaluate chaincode ${ledger().topology.chaincode.name} in channel ${channel()}`,
      });
    });
  });
}

function describeStub(ledger: () => LedgerUnderTest): void {
  describe('what a chaincode cannot do', () => {
    const client = useMember(ledger, HOSPITAL_A);

    it.each([
      {
        name: 'a rich query',
        call: ['query', '{"selector":{}}'],
        text: /^GET_QUERY_RESULT failed: transaction ID: [0-9a-f]{64}: ExecuteQuery not supported for leveldb$/,
      },
      {
        name: 'private data of a collection that is not defined',
        call: ['private', 'secrets', 'k'],
        text: /^GET_STATE failed: transaction ID: [0-9a-f]{64}: collection .*secrets.* could not be found$/,
      },
    ])('$name', async ({ call, text }) => {
      const [result] = await client().evaluate([['attempt', call]]);
      expect(result).toEqual({ failed: expect.stringMatching(text) });
    });

    it('the peer’s answer to what it cannot do leaves the transaction as it is', async () => {
      const { code } = await client().submit([
        ['attempt', ['query', '{}']],
        ['put', 'after-refusal', 'x'],
      ]);
      expect(code).toBe(0);
    });

    it('what a client hands over beside the arguments reaches it and is in no block', async () => {
      const transientData = { secret: Buffer.from('canary-transient') };
      const proposal = { arguments: [JSON.stringify([['transient', 'secret']])], transientData };
      expect(JSON.parse(Buffer.from(await client().contract.evaluate('run', proposal)).toString())).toEqual([
        'canary-transient',
      ]);
      const write = { arguments: [JSON.stringify([['put', 'with-transient', 'x']])], transientData };
      const transaction = await client()
        .contract.newProposal('run', { ...write, endorsingOrganizations: [HOSPITAL_A, HOSPITAL_B] })
        .endorse();
      expect(Buffer.from(transaction.getBytes()).includes('canary-transient')).toBe(false);
    });
  });
}

function describeAbsence(ledger: () => LedgerUnderTest): void {
  describe('a chaincode that goes away', () => {
    const client = useMember(ledger, HOSPITAL_A);

    it('fails what runs on it; queries go elsewhere, endorsement by others goes on, and it is used again', async () => {
      const running = failureOf(client().endorse([['sleepAt', HOSPITAL_A, 20_000]]));
      const sleeping = () => client().evaluate(calls('sleeping'), { endorsingOrganizations: [HOSPITAL_A] });
      await untilTrue(sleeping, ([count]) => count === 1);
      await ledger().stopChaincode(HOSPITAL_A);
      const failure = await running;
      expect(failure).toMatchObject({ code: status.ABORTED, message: FIRST_FAILED });
      expect(failure.details).toMatchObject([
        { mspId: HOSPITAL_A, message: expect.stringMatching(/chaincode stream terminated$/) },
      ]);
      expect([HOSPITAL_B, GOVERNMENT]).toContain((await client().evaluate(calls('here')))[0]);
      const others = { endorsingOrganizations: [HOSPITAL_B, GOVERNMENT] };
      expect((await client().submit(calls('put meanwhile x'), others)).code).toBe(0);
      await ledger().startChaincode(HOSPITAL_A);
      await untilHere(client(), HOSPITAL_A);
      expect((await client().submit(calls('put again x'), { endorsingOrganizations: [...PEERS] })).code).toBe(0);
    });
  });
}

async function untilHere(client: MemberClient, mspId: string): Promise<void> {
  const here = () => client.evaluate(calls('here'), { endorsingOrganizations: [mspId] });
  await untilTrue(here, ([found]) => found === mspId);
}
