import { describe, expect, it } from '@jest/globals';
import { status } from '@grpc/grpc-js';
import { common, peer } from '@hyperledger/fabric-protos';
import { blockHeaderHash } from '../../network/devledger/commit/block-hash.js';
import { failureOf } from '../network/ledger-front/front-client.js';
import { GOVERNMENT, HOSPITAL_A, HOSPITAL_B, INSURER, type LedgerUnderTest } from './ledger-under-test.js';
import { calls, connectMember, type MemberClient, useMember } from './member-client.js';
import { commitRequest } from './raw-calls.js';
import { signerOf } from './signed-messages.js';

const { VALID, ENDORSEMENT_POLICY_FAILURE } = peer.TxValidationCode;

const NOBODYS_ID = 'd'.repeat(64);

/** What a peer tells of its ledger: qscc, and the status of transactions. */
export function describeQueries(ledger: () => LedgerUnderTest): void {
  describeQscc(ledger);
  describeQsccRefusals(ledger);
  describeCommitStatus(ledger);
}

function describeQscc(ledger: () => LedgerUnderTest): void {
  describe('qscc', () => {
    const client = useMember(ledger, HOSPITAL_A);
    const insurer = useMember(ledger, INSURER);
    const ask = (who: MemberClient, name: string, ...args: (string | Uint8Array)[]) =>
      who.qscc.evaluate(name, {
        arguments: [ledger().topology.channel, ...args],
        endorsingOrganizations: [HOSPITAL_A],
      });

    it('tells height and hashes of the newest block, to every member', async () => {
      const { blockNumber } = await client().submit(calls('put height x'));
      for (const who of [client(), insurer()]) {
        const info = common.BlockchainInfo.deserializeBinary(await ask(who, 'GetChainInfo'));
        const newest = common.Block.deserializeBinary(await ask(client(), 'GetBlockByNumber', String(blockNumber)));
        expect(info.getHeight()).toBe(blockNumber + 1);
        expect(hex(info.getCurrentblockhash_asU8())).toBe(hex(hashOf(newest)));
        expect(hex(info.getPreviousblockhash_asU8())).toBe(hex(newest.getHeader()?.getPreviousHash_asU8()));
      }
    });

    it('gives a block by number, by hash and by transaction', async () => {
      const { blockNumber, txId } = await client().submit(calls('put block x'));
      const byNumber = await ask(client(), 'GetBlockByNumber', String(blockNumber));
      const block = common.Block.deserializeBinary(byNumber);
      expect(block.getHeader()?.getNumber()).toBe(blockNumber);
      expect(hex(await ask(client(), 'GetBlockByHash', hashOf(block)))).toBe(hex(byNumber));
      expect(hex(await ask(client(), 'GetBlockByTxID', txId))).toBe(hex(byNumber));
    });

    it.each([
      { endorsingOrganizations: [HOSPITAL_A, HOSPITAL_B], code: VALID },
      { endorsingOrganizations: [GOVERNMENT], code: ENDORSEMENT_POLICY_FAILURE },
    ])('gives a transaction with its code: $code', async ({ endorsingOrganizations, code }) => {
      const { txId } = await client().submit(calls('put transaction x'), { endorsingOrganizations });
      const bytes = await ask(client(), 'GetTransactionByID', txId);
      const processed = peer.ProcessedTransaction.deserializeBinary(bytes);
      expect(processed.getValidationcode()).toBe(code);
      expect(Buffer.from(processed.getTransactionenvelope()?.getPayload_asU8() ?? []).includes(txId)).toBe(true);
    });

    it('answers for the organisation that is named, not for the peer that was asked', async () => {
      const { blockNumber } = await client().submit(calls('put named x'));
      const options = { arguments: [ledger().topology.channel], endorsingOrganizations: [HOSPITAL_B] };
      for (let attempt = 0; attempt < 50; attempt += 1) {
        const info = common.BlockchainInfo.deserializeBinary(await client().qscc.evaluate('GetChainInfo', options));
        if (info.getHeight() > blockNumber) return;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      throw new Error('Hospital B did not get the block within a second');
    });
  });
}

function describeQsccRefusals(ledger: () => LedgerUnderTest): void {
  describe('qscc refuses', () => {
    const client = useMember(ledger, HOSPITAL_A);
    const insurer = useMember(ledger, INSURER);
    const ask = (who: MemberClient, name: string, ...args: string[]) =>
      failureOf(who.qscc.evaluate(name, { arguments: args, endorsingOrganizations: [GOVERNMENT] }));

    it.each([
      {
        name: 'GetBlockByNumber',
        args: ['999999'],
        text: 'Failed to get block number 999999, error no such block number [999999] in index',
      },
      {
        name: 'GetBlockByNumber',
        args: ['x'],
        text: 'Failed to parse block number with error strconv.ParseUint: parsing "x": invalid syntax',
      },
      {
        name: 'GetBlockByNumber',
        args: ['-1'],
        text: 'Failed to parse block number with error strconv.ParseUint: parsing "-1": invalid syntax',
      },
      { name: 'GetBlockByNumber', args: [], text: 'missing 3rd argument for GetBlockByNumber' },
      {
        name: 'GetBlockByHash',
        args: ['nonsense'],
        text: 'Failed to get block hash nonsense, error no such block hash [6e6f6e73656e7365] in index',
      },
      {
        name: 'GetBlockByTxID',
        args: ['ff'],
        text: 'Failed to get block for txID ff, error no such transaction ID [ff] in index',
      },
      {
        name: 'GetTransactionByID',
        args: ['ff'],
        text: 'Failed to get transaction with id ff, error no such transaction ID [ff] in index',
      },
      {
        name: 'Nonsense',
        args: ['1'],
        text: /^(Requested function Nonsense not found\.|access denied for \[Nonsense\]\[\w+\]: .*)$/s,
      },
    ])('$name $args', async ({ name, args, text }) => {
      const failure = await ask(client(), name, ledger().topology.channel, ...args);
      expect(failure.code).toBe(status.UNKNOWN);
      const [detail] = failure.details;
      const said = detail?.message.replace(/^chaincode response 500, /, '');
      expect(said).toEqual(text instanceof RegExp ? expect.stringMatching(text) : text);
      expect(failure.message).toBe(`evaluate call to endorser returned error: ${detail?.message}`);
    });

    it('a channel that is not there', async () => {
      const failure = await ask(client(), 'GetChainInfo', 'elsewhere');
      expect(failure.details[0]?.message).toBe('chaincode response 500, Invalid chain ID, elsewhere');
    });

    it.each(['GetBlockByNumber', 'GetBlockByHash', 'GetBlockByTxID', 'GetTransactionByID'])(
      '%s to an organisation without a peer',
      async (name) => {
        const failure = await ask(insurer(), name, ledger().topology.channel, '1');
        expect(failure.code).toBe(status.UNKNOWN);
        expect(failure.details[0]?.message).toMatch(
          new RegExp(`^chaincode response 500, access denied for \\[${name}\\]\\[${ledger().topology.channel}\\]: \\[`),
        );
      },
    );

    it('to be submitted as a transaction', async () => {
      const failure = await failureOf(client().qscc.submitTransaction('GetChainInfo', ledger().topology.channel));
      expect(failure.code).toBe(status.FAILED_PRECONDITION);
    });
  });
}

function describeCommitStatus(ledger: () => LedgerUnderTest): void {
  describe('the status of a transaction', () => {
    const client = useMember(ledger, HOSPITAL_A);
    const insurer = useMember(ledger, INSURER);

    it('is told at once when it is there, however often', async () => {
      const transaction = await client().endorse(calls('put status x'));
      const submitted = await transaction.submit();
      const first = await submitted.getStatus();
      expect(first).toMatchObject({ code: VALID, successful: true, transactionId: transaction.getTransactionId() });
      expect(await submitted.getStatus()).toEqual(first);
    });

    it('is told by every peer, once it has the block', async () => {
      const submitted = await (await client().endorse(calls('put awaited x'))).submit();
      const { blockNumber, code } = await submitted.getStatus();
      for (const at of [HOSPITAL_B, GOVERNMENT]) {
        const there = await connectMember(ledger(), HOSPITAL_A, { at, member: client().member });
        try {
          expect(await there.gateway.newCommit(submitted.getBytes()).getStatus()).toMatchObject({ blockNumber, code });
        } finally {
          there.close();
        }
      }
    });

    it('is waited for as long as the client wants, when there is no such transaction', async () => {
      const unknown = client().gateway.newCommit(commitRequest(client(), ledger().topology.channel, NOBODYS_ID));
      const failure = await failureOf(unknown.getStatus({ deadline: Date.now() + 500 }));
      // The peer hears of the deadline too, and what it says then may come first.
      expect([status.DEADLINE_EXCEEDED, status.CANCELLED]).toContain(failure.code);
    });

    it.each([
      { name: 'a request with a bad signature', sign: () => Buffer.from('3006020101020101', 'hex') },
      { name: 'a request that another member signed', sign: (bytes: Uint8Array) => signerOf(insurer().member)(bytes) },
    ])('is not told to $name', async ({ sign }) => {
      const submitted = await client().contract.submitAsync('run', { arguments: ['[]'] });
      await submitted.getStatus();
      const forged = client().gateway.newSignedCommit(submitted.getBytes(), sign(submitted.getDigest()));
      expect((await failureOf(forged.getStatus())).code).toBe(status.PERMISSION_DENIED);
    });
  });
}

function hashOf(block: common.Block): Uint8Array {
  const header = block.getHeader() ?? new common.BlockHeader();
  return blockHeaderHash({
    number: header.getNumber(),
    previousHash: header.getPreviousHash_asU8(),
    dataHash: header.getDataHash_asU8(),
  });
}

function hex(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString('hex');
}
