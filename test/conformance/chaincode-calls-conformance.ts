import { describe, expect, it } from '@jest/globals';
import { peer } from '@hyperledger/fabric-protos';
import { CALLEE, HOSPITAL_A, type LedgerUnderTest } from './ledger-under-test.js';
import { calls, committed, type StubCall, useMember } from './member-client.js';
import { namespaceSets, partsOfPrepared } from './transaction-parts.js';

const { VALID, ENDORSEMENT_POLICY_FAILURE, MVCC_READ_CONFLICT } = peer.TxValidationCode;

/** One chaincode calls another, within one transaction; what else a chaincode may ask its peer for. */
export function describeChaincodeCalls(ledger: () => LedgerUnderTest): void {
  describeAnswers(ledger);
  describeRefusedCalls(ledger);
  describeOtherRequests(ledger);
}

const invoke = (line: string): StubCall => ['invoke', CALLEE, ['run', JSON.stringify(calls(line))]];
const answer = (results: readonly unknown[]) => ({ status: 200, message: '', payload: JSON.stringify(results) });

function describeAnswers(ledger: () => LedgerUnderTest): void {
  describe('a chaincode that calls another', () => {
    const client = useMember(ledger, HOSPITAL_A);

    it('gets its answer, and each keeps its own keys', async () => {
      const transaction = await client().endorse([['put', 'both', 'mine'], invoke('put both theirs')]);
      const namespaces = namespaceSets(partsOfPrepared(transaction.getBytes()).readWriteSet);
      expect(namespaces.map(({ namespace }) => namespace)).toEqual(['_lifecycle', CALLEE, 'conformance']);
      expect((await committed(client(), transaction)).code).toBe(VALID);
      expect(await client().evaluate([['get', 'both'], invoke('get both')])).toEqual(['mine', answer(['theirs'])]);
      const other = await client()
        .network.getContract(CALLEE)
        .evaluate('run', { arguments: ['[["get","both"]]'] });
      expect(Buffer.from(other).toString()).toBe('["theirs"]');
    });

    it('rests on what the other one read', async () => {
      const late = await client().endorse([invoke('get contended'), ['put', 'contender', 'x']]);
      await client().submit([invoke('put contended y')]);
      expect((await committed(client(), late)).code).toBe(MVCC_READ_CONFLICT);
    });

    it('needs the endorsers of both', async () => {
      const transaction = await client().endorse([invoke('put both alone')], {
        endorsingOrganizations: [HOSPITAL_A],
      });
      expect((await committed(client(), transaction)).code).toBe(ENDORSEMENT_POLICY_FAILURE);
    });

    it('gets an error as an answer, and may go on', async () => {
      expect(await client().evaluate([invoke('answer 404 MISSING:'), ['here']])).toEqual([
        { status: 404, message: 'MISSING:', payload: '' },
        HOSPITAL_A,
      ]);
    });

    it('only its own event counts', async () => {
      const transaction = await client().endorse([['event', 'caller', 'x'], invoke('event callee y')]);
      const { chaincodeAction } = partsOfPrepared(transaction.getBytes());
      const event = peer.ChaincodeEvent.deserializeBinary(chaincodeAction.getEvents_asU8());
      expect([event.getChaincodeId(), event.getEventName()]).toEqual(['conformance', 'caller']);
      expect((await committed(client(), transaction)).code).toBe(VALID);
    });
  });
}

function describeRefusedCalls(ledger: () => LedgerUnderTest): void {
  describe('a chaincode', () => {
    const client = useMember(ledger, HOSPITAL_A);

    it('cannot call itself', async () => {
      expect(await client().evaluate([['attempt', ['invoke', 'conformance', ['run', '[]']]]])).toEqual([
        {
          failed: expect.stringMatching(
            /^INVOKE_CHAINCODE failed: transaction ID: [0-9a-f]{64}: execute failed: error sending: txid: [0-9a-f]{64}\(medledger\) exists$/,
          ),
        },
      ]);
    });

    it('cannot call one that is not there', async () => {
      expect(await client().evaluate([['attempt', ['invoke', 'nobody', ['run', '[]']]]])).toEqual([
        {
          failed: expect.stringMatching(
            /^INVOKE_CHAINCODE failed: transaction ID: [0-9a-f]{64}: execute failed: invalid invocation: \[channel medledger\] failed to get chaincode container info for nobody: /,
          ),
        },
      ]);
    });

    it('cannot call into a channel that is not there', async () => {
      const [outcome] = await client().evaluate([['attempt', ['invoke', CALLEE, ['run', '[]'], 'elsewhere']]]);
      expect(outcome).toEqual({
        failed: expect.stringMatching(/^INVOKE_CHAINCODE failed: transaction ID: [0-9a-f]{64}: .*elsewhere/),
      });
    });
  });
}

function describeOtherRequests(ledger: () => LedgerUnderTest): void {
  describe('rich queries', () => {
    const client = useMember(ledger, HOSPITAL_A);

    it.each([
      { name: 'of public keys', call: ['query', '{"selector":{}}'] as const },
      { name: 'of private keys', call: ['queryPrivate', 'hospitals', '{"selector":{}}'] as const },
    ])('$name need another state database', async ({ call }) => {
      expect(await client().evaluate([['attempt', call]])).toEqual([
        {
          failed: expect.stringMatching(
            /^GET_QUERY_RESULT failed: transaction ID: [0-9a-f]{64}: ExecuteQuery not supported for leveldb$/,
          ),
        },
      ]);
    });
  });

  describe('transient data', () => {
    const client = useMember(ledger, HOSPITAL_A);

    it('reaches the chaincode, and not the transaction', async () => {
      const transientData = { word: 'hush-hush' };
      const transaction = await client().endorse(calls('transient word, put transient x'), { transientData });
      expect(Buffer.from(transaction.getResult()).toString()).toBe('["hush-hush",null]');
      const { action } = partsOfPrepared(transaction.getBytes());
      expect(Buffer.from(action.getChaincodeProposalPayload_asU8()).includes('hush-hush')).toBe(false);
      expect(await client().evaluate(calls('transient word'), { transientData })).toEqual(['hush-hush']);
    });
  });
}
