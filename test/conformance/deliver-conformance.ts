import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { common, type peer } from '@hyperledger/fabric-protos';
import { blockHeaderHash } from '../../network/devledger/commit/block-hash.js';
import { connectMember, calls, type MemberClient, useMember } from './member-client.js';
import { GOVERNMENT, HOSPITAL_A, HOSPITAL_B, INSURER, type LedgerUnderTest } from './ledger-under-test.js';
import { type DeliverMethod, type Seek, seek } from './raw-calls.js';

const { SUCCESS, BAD_REQUEST, FORBIDDEN, NOT_FOUND } = common.Status;

/** Blocks as peers hand them out. */
export function describeDeliver(ledger: () => LedgerUnderTest): void {
  describePositions(ledger);
  describeRefusals(ledger);
  describeBlocks(ledger);
}

function describePositions(ledger: () => LedgerUnderTest): void {
  describe('blocks are delivered', () => {
    const client = useMember(ledger, HOSPITAL_A);
    const ask = async (request: Omit<Seek, 'channel'>, method: DeliverMethod = 'DeliverFiltered') => {
      const { blocks, status } = await seek(client(), method, { ...request, channel: ledger().topology.channel });
      return { blocks, status };
    };

    it.each(['Deliver', 'DeliverFiltered', 'DeliverWithPrivateData'] as const)(
      'by %s, from start to stop',
      async (method) => {
        expect(await ask({ start: 0, stop: 2 }, method)).toEqual({ blocks: [0, 1, 2], status: SUCCESS });
      },
    );

    it('by the names of positions', async () => {
      const newest = (await client().submit(calls('put newest x'))).blockNumber;
      expect(await ask({ start: 'oldest', stop: 'oldest' })).toEqual({ blocks: [0], status: SUCCESS });
      expect(await ask({ start: 'newest', stop: 'newest' })).toEqual({ blocks: [newest], status: SUCCESS });
      expect(await ask({ start: newest - 1, stop: 'newest' })).toEqual({
        blocks: [newest - 1, newest],
        status: SUCCESS,
      });
      expect(await ask({ start: 1, stop: 1 })).toEqual({ blocks: [1], status: SUCCESS });
    });

    it('as they come, when more is asked for than there is', async () => {
      const { blockNumber } = await client().submit(calls('put coming x'));
      const coming = ask({ start: blockNumber, stop: blockNumber + 1 });
      await client().submit(calls('put came x'));
      expect(await coming).toEqual({ blocks: [blockNumber, blockNumber + 1], status: SUCCESS });
      expect(await ask({ start: blockNumber + 1, stop: blockNumber + 9, quietMs: 1_000 })).toEqual({
        blocks: [blockNumber + 1],
        status: undefined,
      });
    });

    it('from the next one on', async () => {
      const { blockNumber } = await client().submit(calls('put now x'));
      const next = ask({ start: 'next', stop: blockNumber + 1 });
      await client().evaluate(calls('here'));
      await client().submit(calls('put next x'));
      expect(await next).toEqual({ blocks: [blockNumber + 1], status: SUCCESS });
    });

    it('no further than there are, to who does not want to wait', async () => {
      const { blockNumber } = await client().submit(calls('put end x'));
      const failIfNotReady = true;
      expect(await ask({ start: blockNumber, stop: blockNumber + 9, failIfNotReady })).toEqual({
        blocks: [blockNumber],
        status: NOT_FOUND,
      });
      expect(await ask({ start: blockNumber + 1, stop: blockNumber + 9, failIfNotReady })).toEqual({
        blocks: [],
        status: NOT_FOUND,
      });
    });
  });
}

function describeRefusals(ledger: () => LedgerUnderTest): void {
  describe('no blocks are delivered', () => {
    const client = useMember(ledger, HOSPITAL_A);
    const insurer = useMember(ledger, INSURER);
    const ask = async (who: MemberClient, request: Partial<Seek>, method: DeliverMethod = 'DeliverFiltered') => {
      const { blocks, status } = await seek(who, method, {
        start: 0,
        stop: 0,
        channel: ledger().topology.channel,
        ...request,
      });
      return { blocks, status };
    };

    it.each([
      { name: 'of another channel', request: { channel: 'elsewhere' }, status: NOT_FOUND },
      { name: 'that end before they start', request: { start: 1, stop: 0 }, status: BAD_REQUEST },
      { name: 'without a start', request: { start: undefined }, status: BAD_REQUEST },
      { name: 'without a stop', request: { stop: undefined }, status: BAD_REQUEST },
      { name: 'from beyond the next one', request: { start: 1_000_000, stop: 1_000_001 }, status: NOT_FOUND },
    ])('$name', async ({ request, status }) => {
      expect(await ask(client(), request as Partial<Seek>)).toEqual({ blocks: [], status });
    });

    it.each([{ offsetMs: -125_000 }, { offsetMs: 125_000 }])(
      'to a request that is $offsetMs ms off',
      async ({ offsetMs }) => {
        expect(await ask(client(), { timestampMs: Date.now() + offsetMs })).toEqual({
          blocks: [],
          status: BAD_REQUEST,
        });
      },
    );

    it('whole to an organisation without a peer, which gets filtered ones', async () => {
      expect(await ask(insurer(), {}, 'Deliver')).toEqual({ blocks: [], status: FORBIDDEN });
      expect(await ask(insurer(), {}, 'DeliverWithPrivateData')).toEqual({ blocks: [], status: FORBIDDEN });
      expect(await ask(insurer(), {}, 'DeliverFiltered')).toEqual({ blocks: [0], status: SUCCESS });
    });

    it('to a member whose certificate was taken back', async () => {
      const revoked = await connectMember(ledger(), HOSPITAL_A, { member: ledger().revoked });
      try {
        expect(await ask(revoked, {})).toEqual({ blocks: [], status: FORBIDDEN });
      } finally {
        revoked.close();
      }
    });
  });
}

function describeBlocks(ledger: () => LedgerUnderTest): void {
  describe('a block', () => {
    const client = useMember(ledger, HOSPITAL_A);
    const other = useMember(ledger, HOSPITAL_B);
    const blocksFrom = async (who: MemberClient, start: number, stop: number): Promise<common.Block[]> => {
      const { responses } = await seek(who, 'Deliver', { start, stop, channel: ledger().topology.channel });
      return responses.map((response) => response.getBlock() ?? new common.Block());
    };

    it('names the hash of the one before it, and of its data', async () => {
      const { blockNumber } = await client().submit(calls('put hashed x'));
      const blocks = await blocksFrom(client(), 0, blockNumber);
      expect(blocks[0]?.getHeader()?.getPreviousHash_asU8()).toHaveLength(0);
      for (const [index, block] of blocks.entries()) {
        const previous = blocks[index - 1];
        if (previous !== undefined)
          expect(hex(block.getHeader()?.getPreviousHash_asU8())).toBe(hex(headerHash(previous)));
        const data = Buffer.concat(block.getData()?.getDataList_asU8() ?? []);
        expect(hex(block.getHeader()?.getDataHash_asU8())).toBe(createHash('sha256').update(data).digest('hex'));
      }
    });

    it('is the same on every peer, with a code for each transaction and a commit hash', async () => {
      const alone = { endorsingOrganizations: [GOVERNMENT] };
      const { blockNumber, txId } = await client().submit(calls('put alone x'), alone);
      await other().submit(calls('put settle x'));
      const [mine] = await blocksFrom(client(), blockNumber, blockNumber);
      const [theirs] = await blocksFrom(other(), blockNumber, blockNumber);
      expect(hex(headerHash(mine))).toBe(hex(headerHash(theirs)));
      const metadata = mine?.getMetadata()?.getMetadataList_asU8() ?? [];
      expect([...(metadata[common.BlockMetadataIndex.TRANSACTIONS_FILTER] ?? [])]).toEqual([10]);
      const commitHash = metadata[common.BlockMetadataIndex.COMMIT_HASH];
      expect(common.Metadata.deserializeBinary(commitHash ?? new Uint8Array()).getValue_asU8()).toHaveLength(32);
      expect(hex(commitHash)).toBe(
        hex(theirs?.getMetadata()?.getMetadataList_asU8()[common.BlockMetadataIndex.COMMIT_HASH]),
      );
      expect(
        JSON.stringify(
          mine
            ?.getData()
            ?.getDataList_asU8()
            .map((bytes) => Buffer.from(bytes).includes(txId)),
        ),
      ).toBe('[true]');
    });

    it('when filtered has ids, types, codes and events, and no payloads', async () => {
      const { blockNumber, txId } = await client().submit([
        ['put', 'secret', 'canary'],
        ['event', 'told', 'canary'],
      ]);
      const filtered = { start: blockNumber, stop: blockNumber, channel: ledger().topology.channel };
      const [response] = (await seek(client(), 'DeliverFiltered', filtered)).responses;
      const block = response?.getFilteredBlock();
      expect(block?.getChannelId()).toBe(ledger().topology.channel);
      const [transaction, ...more] = block?.getFilteredTransactionsList() ?? [];
      expect(more).toEqual([]);
      expect(summary(transaction)).toEqual({
        txId,
        type: common.HeaderType.ENDORSER_TRANSACTION,
        code: 0,
        events: [{ name: 'told', txId, chaincode: ledger().topology.chaincode.name, payloadBytes: 0 }],
      });
      expect(Buffer.from(block?.serializeBinary() ?? []).includes('canary')).toBe(false);
    });
  });
}

function summary(transaction: peer.FilteredTransaction | undefined) {
  const actions = transaction?.getTransactionActions()?.getChaincodeActionsList() ?? [];
  return {
    txId: transaction?.getTxid(),
    type: transaction?.getType(),
    code: transaction?.getTxValidationCode(),
    events: actions.map((action) => {
      const event = action.getChaincodeEvent();
      return {
        name: event?.getEventName(),
        txId: event?.getTxId(),
        chaincode: event?.getChaincodeId(),
        payloadBytes: event?.getPayload_asU8().length,
      };
    }),
  };
}

function headerHash(block: common.Block | undefined): Uint8Array {
  const header = block?.getHeader() ?? new common.BlockHeader();
  return blockHeaderHash({
    number: header.getNumber(),
    previousHash: header.getPreviousHash_asU8(),
    dataHash: header.getDataHash_asU8(),
  });
}

function hex(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString('hex');
}
