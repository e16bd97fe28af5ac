import { describe, expect, it } from '@jest/globals';
import { common, peer } from '@hyperledger/fabric-protos';
import { failureOf } from '../network/ledger-front/front-client.js';
import { codesBetween, codesOf } from './committed-blocks.js';
import { GOVERNMENT, HOSPITAL_A, type LedgerUnderTest, PEERS } from './ledger-under-test.js';
import { type Committed, calls, committed, type MemberClient, useMember } from './member-client.js';
import { orderersSaid } from './orderer-answers.js';
import { submitPayload } from './raw-calls.js';
import { alteredTransaction, signerOf, type TransactionChange } from './signed-messages.js';

const { VALID, DUPLICATE_TXID, BAD_PROPOSAL_TXID, INVALID_ENDORSER_TRANSACTION, ENDORSEMENT_POLICY_FAILURE } =
  peer.TxValidationCode;

/** What the orderer takes, and what peers find of it in a block. */
export function describeSubmission(ledger: () => LedgerUnderTest): void {
  describeOrderer(ledger);
  describeReplay(ledger);
  describeTampering(ledger);
}

function describeOrderer(ledger: () => LedgerUnderTest): void {
  describe('the orderer refuses', () => {
    const client = useMember(ledger, HOSPITAL_A);
    const other = useMember(ledger, HOSPITAL_A);

    it.each([
      { name: 'a bad signature', sign: () => () => Buffer.from('3006020101020101', 'hex') },
      { name: 'another member’s signature', sign: () => signerOf(other().member) },
    ])('a transaction with $name', async ({ sign }) => {
      const honest = await client().endorse(calls('put refused x'));
      const forged = alteredTransaction(client(), honest, { sign: sign() });
      for (const said of orderersSaid(await failureOf(forged.submit()))) {
        expect(said).toMatch(/^received unsuccessful response from orderer: status=FORBIDDEN, info=/);
      }
    });

    it.each([
      {
        name: 'for a channel that it does not serve',
        payload: () => payloadOf('elsewhere'),
        text: 'status=BAD_REQUEST',
      },
      { name: 'without a header', payload: () => new common.Payload().serializeBinary(), text: 'status=BAD_REQUEST' },
      { name: 'whose payload is none', payload: () => Buffer.from('ffff', 'hex'), text: 'status=BAD_REQUEST' },
    ])('an envelope $name', async ({ payload, text }) => {
      for (const said of await refusalsOf(client(), ledger().topology.channel, payload())) {
        expect(said).toContain(`received unsuccessful response from orderer: ${text}`);
      }
    });

    it('what is larger than it takes', async () => {
      const channel = ledger().topology.channel;
      const large = payloadOf(channel, new Uint8Array(17 * 1024 * 1024));
      for (const said of await refusalsOf(client(), channel, large)) {
        expect(said).toMatch(
          /status=BAD_REQUEST, info=message payload is \d+ bytes and exceeds maximum allowed \d+ bytes$/,
        );
      }
    });
  });
}

function describeReplay(ledger: () => LedgerUnderTest): void {
  describe('a transaction that is submitted twice', () => {
    const client = useMember(ledger, HOSPITAL_A);

    /** Orderers that agree by BFT know for a while what they took, and keep a second copy out of the blocks. */
    const expectOnce = async ({ txId, code, blockNumber: from }: Committed) => {
      const { blockNumber: to } = await client().submit(calls('put after x'));
      const codes = await codesBetween(client(), txId, { from, to });
      const twice = [code, DUPLICATE_TXID];
      if (ledger().topology.consensus === 'bft') expect([[code], twice]).toContainEqual(codes);
      else expect(codes).toEqual(twice);
    };

    it('counts once; if the second is in a block it is a duplicate, and the answer stays the first’s', async () => {
      const transaction = await client().endorse(calls('put replayed x'));
      const first = await committed(client(), transaction);
      expect(first.code).toBe(VALID);
      expect(await committed(client(), transaction)).toEqual(first);
      await expectOnce(first);
      expect(await client().evaluate(calls('get replayed'))).toEqual(['x']);
    });

    it('counts once also within one block', async () => {
      const transaction = await client().endorse(calls('put doubled x'));
      const [first, second] = await Promise.all([committed(client(), transaction), committed(client(), transaction)]);
      expect(first.code).toBe(VALID);
      expect(second).toEqual(first);
      await expectOnce(first);
    });

    it('stays invalid when it was invalid', async () => {
      const transaction = await client().endorse(calls('put alone x'), { endorsingOrganizations: [GOVERNMENT] });
      const first = await committed(client(), transaction);
      expect(first.code).toBe(ENDORSEMENT_POLICY_FAILURE);
      expect(await committed(client(), transaction)).toEqual(first);
    });
  });
}

function describeTampering(ledger: () => LedgerUnderTest): void {
  describe('peers find a transaction invalid', () => {
    const client = useMember(ledger, HOSPITAL_A);

    const cases: readonly { name: string; change: TransactionChange; code: number }[] = [
      {
        name: 'whose read/write set was changed',
        change: { action: ({ chaincodeAction }) => chaincodeAction.setResults('') },
        code: ENDORSEMENT_POLICY_FAILURE,
      },
      {
        name: 'whose answer was changed',
        change: { action: ({ chaincodeAction }) => chaincodeAction.getResponse()?.setMessage('else') },
        code: ENDORSEMENT_POLICY_FAILURE,
      },
      {
        name: 'whose arguments were changed',
        change: { action: ({ action }) => action.setChaincodeProposalPayload(new Uint8Array([10, 0])) },
        code: INVALID_ENDORSER_TRANSACTION,
      },
      {
        name: 'whose endorsement by one peer counts twice',
        change: { endorsements: ([first]) => (first ? [first, first] : []) },
        code: ENDORSEMENT_POLICY_FAILURE,
      },
      { name: 'without endorsements', change: { endorsements: () => [] }, code: ENDORSEMENT_POLICY_FAILURE },
    ];
    it.each(cases)('$name: $code', async ({ change, code }) => {
      const transaction = alteredTransaction(client(), await client().endorse(calls('put tampered x')), change);
      expect((await committed(client(), transaction)).code).toBe(code);
      expect(await client().evaluate(calls('get tampered'))).toEqual(['']);
    });

    it('whose id is not its own', async () => {
      const foreignTxId = 'e'.repeat(64);
      const honest = await client().endorse(calls('put tampered x'));
      const { blockNumber } = await client().submit(calls('put before x'));
      const change: TransactionChange = { header: ({ channelHeader }) => channelHeader.setTxId(foreignTxId) };
      await alteredTransaction(client(), honest, change).submit();
      expect(await codesOf(client(), foreignTxId, { from: blockNumber + 1, count: 1 })).toEqual([BAD_PROPOSAL_TXID]);
    });

    it('only where it is: one bad endorsement beside two good ones does no harm', async () => {
      const honest = await client().endorse(calls('put harmless x'), { endorsingOrganizations: [...PEERS] });
      const transaction = alteredTransaction(client(), honest, {
        endorsements: ([bad, ...good]) => {
          bad?.setSignature(Buffer.from('3006020101020101', 'hex'));
          return [...(bad === undefined ? [] : [bad]), ...good];
        },
      });
      expect((await committed(client(), transaction)).code).toBe(VALID);
    });

    it('but not because it took long from endorsement to commit', async () => {
      const transaction = await client().endorse(calls('put slow x'));
      await client().submit(calls('put between x'));
      expect((await committed(client(), transaction)).code).toBe(VALID);
    });
  });
}

async function refusalsOf(client: MemberClient, channel: string, payload: Uint8Array): Promise<readonly string[]> {
  const failure = await submitPayload(client, channel, payload);
  if (failure === undefined) throw new Error('the orderers took it');
  return orderersSaid(failure);
}

function payloadOf(channel: string, data = new Uint8Array()): Uint8Array {
  const channelHeader = new common.ChannelHeader();
  channelHeader.setType(common.HeaderType.ENDORSER_TRANSACTION);
  channelHeader.setChannelId(channel);
  const header = new common.Header();
  header.setChannelHeader(channelHeader.serializeBinary());
  header.setSignatureHeader(new common.SignatureHeader().serializeBinary());
  const payload = new common.Payload();
  payload.setHeader(header);
  payload.setData(data);
  return payload.serializeBinary();
}
