import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { status } from '@grpc/grpc-js';
import { common, type peer } from '@hyperledger/fabric-protos';
import { blockHeaderHash } from '../../../network/devledger/commit/block-hash.js';
import { decode, failureOf, type MemberClient } from './front-client.js';
import { type FrontNetwork, startFrontNetwork } from './front-network.js';

let network: FrontNetwork;
let client: MemberClient;
let insurer: MemberClient;
let firstTxId: string;

beforeAll(async () => {
  network = await startFrontNetwork();
  client = await network.client('HospitalAMSP');
  insurer = await network.client('InsurerMSP');
  const submitted = await client.contract.submitAsync('put', { arguments: ['first', 'canary-value'] });
  await submitted.getStatus();
  firstTxId = submitted.getTransactionId();
  await client.contract.submitTransaction('put', 'second', 'x');
});

afterAll(() => network.stop());

describe('block delivery', () => {
  it('begins at the block asked for and goes on with what commits', async () => {
    const blocks = await client.network.getBlockEvents({ startBlock: 1n });
    try {
      const committing = client.contract.submitTransaction('put', 'third', 'x');
      const received = await take(blocks, 3);
      await committing;
      expect(received.map((block) => block.getHeader()?.getNumber())).toEqual([1, 2, 3]);
      const stored = await network.ledgers.get('HospitalAMSP')?.blockByNumber(1);
      expect(Buffer.from(received[0]?.serializeBinary() ?? [])).toEqual(Buffer.from(stored ?? []));
    } finally {
      blocks.close();
    }
  });

  it('begins with the next block when no position is given', async () => {
    const height = network.ledgers.get('HospitalAMSP')?.height();
    const blocks = await client.network.getBlockEvents();
    try {
      const next = take(blocks, 1);
      await client.contract.submitTransaction('put', 'fourth', 'x');
      expect((await next)[0]?.getHeader()?.getNumber()).toBe(height);
    } finally {
      blocks.close();
    }
  });

  it('sends filtered blocks without payloads, to an organisation without a peer too', async () => {
    const blocks = await insurer.network.getFilteredBlockEvents({ startBlock: 0n });
    try {
      const [genesis, first] = await take(blocks, 2);
      expect(genesis?.getFilteredTransactionsList().map((tx) => tx.getType())).toEqual([common.HeaderType.CONFIG]);
      expect(first?.getChannelId()).toBe('medledger');
      expect(first?.getFilteredTransactionsList().map((tx) => [tx.getTxid(), tx.getTxValidationCode()])).toEqual([
        [firstTxId, 0],
      ]);
      expect(Buffer.from(first?.serializeBinary() ?? []).includes('canary-value')).toBe(false);
      const [action] =
        first?.getFilteredTransactionsList()[0]?.getTransactionActions()?.getChaincodeActionsList() ?? [];
      expect(action?.getChaincodeEvent()?.getEventName()).toBe('put');
      expect(action?.getChaincodeEvent()?.getPayload_asU8()).toHaveLength(0);
    } finally {
      blocks.close();
    }
  });

  it('sends blocks with private data, of which there is none', async () => {
    const blocks = await client.network.getBlockAndPrivateDataEvents({ startBlock: 1n });
    try {
      const [first] = await take<peer.BlockAndPrivateData>(blocks, 1);
      expect(first?.getBlock()?.getHeader()?.getNumber()).toBe(1);
    } finally {
      blocks.close();
    }
  });
});

describe('block delivery refuses', () => {
  it('whole blocks to an organisation without a peer', async () => {
    for (const open of [
      () => insurer.network.getBlockEvents({ startBlock: 0n }),
      () => insurer.network.getBlockAndPrivateDataEvents({ startBlock: 0n }),
    ]) {
      const blocks: AsyncIterable<unknown> & { close(): void } = await open();
      await expect(take(blocks, 1)).rejects.toThrow(String(common.Status.FORBIDDEN));
      blocks.close();
    }
  });

  it('a start beyond the next block', async () => {
    const blocks = await client.network.getBlockEvents({ startBlock: 1_000n });
    await expect(take(blocks, 1)).rejects.toThrow(String(common.Status.NOT_FOUND));
    blocks.close();
  });

  it('a request that is more than two minutes old', async () => {
    network.clock.offsetMs = 121_000;
    try {
      const blocks = await client.network.getBlockEvents({ startBlock: 0n });
      await expect(take(blocks, 1)).rejects.toThrow(String(common.Status.BAD_REQUEST));
      blocks.close();
    } finally {
      network.clock.offsetMs = 0;
    }
  });
});

describe('chaincode events', () => {
  it('come from the block asked for, with the payload and the peer’s own ids', async () => {
    const events = await insurer.network.getChaincodeEvents('medledger', { startBlock: 1n });
    try {
      const [first, second] = await take(events, 2);
      expect(first).toMatchObject({
        blockNumber: 1n,
        chaincodeName: 'medledger',
        eventName: 'put',
        transactionId: firstTxId,
      });
      expect(decode(first?.payload ?? new Uint8Array())).toBe('first');
      expect(decode(second?.payload ?? new Uint8Array())).toBe('second');
    } finally {
      events.close();
    }
  });

  it('go on after a transaction', async () => {
    const checkpoint = { getBlockNumber: () => 1n, getTransactionId: () => firstTxId };
    const events = await client.network.getChaincodeEvents('medledger', { checkpoint });
    try {
      const [next] = await take(events, 1);
      expect(decode(next?.payload ?? new Uint8Array())).toBe('second');
    } finally {
      events.close();
    }
  });

  it('leave out transactions that are not valid', async () => {
    const startBlock = BigInt(network.ledgers.get('HospitalAMSP')?.height() ?? 0);
    const alone = { arguments: ['invalid', 'x'], endorsingOrganizations: ['HospitalAMSP'] };
    const invalid = await client.contract.submitAsync('put', alone);
    expect((await invalid.getStatus()).successful).toBe(false);
    await client.contract.submitTransaction('put', 'valid', 'x');
    const events = await client.network.getChaincodeEvents('medledger', { startBlock });
    try {
      expect(decode((await take(events, 1))[0]?.payload ?? new Uint8Array())).toBe('valid');
    } finally {
      events.close();
    }
  });
});

describe('qscc', () => {
  const query = (who: MemberClient, ...args: (string | Uint8Array)[]) => {
    const [name, ...rest] = args;
    return who.qscc.evaluate(decode(Buffer.from(name ?? '')), { arguments: ['medledger', ...rest] });
  };

  it('tells the height and the hashes of the newest block', async () => {
    const info = common.BlockchainInfo.deserializeBinary(await query(client, 'GetChainInfo'));
    const ledger = network.ledgers.get('HospitalAMSP');
    expect(info.getHeight()).toBe(ledger?.height());
    expect(Buffer.from(info.getCurrentblockhash_asU8())).toEqual(Buffer.from(ledger?.currentBlockHash() ?? []));
    expect(Buffer.from(info.getPreviousblockhash_asU8())).toEqual(Buffer.from(ledger?.previousBlockHash() ?? []));
  });

  it('gives the same block by number, by header hash and by transaction', async () => {
    const byNumber = await query(client, 'GetBlockByNumber', '1');
    const header = common.Block.deserializeBinary(byNumber).getHeader();
    const hash = blockHeaderHash({
      number: 1,
      previousHash: header?.getPreviousHash_asU8() ?? new Uint8Array(),
      dataHash: header?.getDataHash_asU8() ?? new Uint8Array(),
    });
    expect(await query(client, 'GetBlockByHash', hash)).toEqual(byNumber);
    expect(await query(client, 'GetBlockByTxID', firstTxId)).toEqual(byNumber);
  });

  it('gives a transaction with its validation code', async () => {
    const bytes = await query(client, 'GetTransactionByID', firstTxId);
    expect(Buffer.from(bytes).includes('canary-value')).toBe(true);
  });

  it.each([
    { args: ['GetBlockByNumber', '999'], text: 'error no such block number [999] in index' },
    { args: ['GetBlockByNumber', '1e3'], text: 'Failed to parse block number' },
    { args: ['GetTransactionByID', 'ff'], text: 'error no such transaction ID [ff] in index' },
    { args: ['GetBlockByTxID', 'ff'], text: 'error no such transaction ID [ff] in index' },
    { args: ['GetBlockByNumber'], text: 'missing 3rd argument for GetBlockByNumber' },
    { args: ['Nonsense', '1'], text: 'Requested function Nonsense not found.' },
  ])('answers $args with an error', async ({ args, text }) => {
    const failure = await failureOf(query(client, ...args));
    expect(failure.code).toBe(status.UNKNOWN);
    expect(failure.details[0]?.message).toContain(text);
  });

  it.each(['GetBlockByNumber', 'GetBlockByHash', 'GetBlockByTxID', 'GetTransactionByID'])(
    'gives an organisation without a peer nothing by %s',
    async (name) => {
      const failure = await failureOf(query(insurer, name, name === 'GetBlockByNumber' ? '1' : firstTxId));
      expect(failure.details[0]?.message).toMatch(/^chaincode response 500, access denied for \[/);
    },
  );

  it('tells an organisation without a peer the height', async () => {
    expect(common.BlockchainInfo.deserializeBinary(await query(insurer, 'GetChainInfo')).getHeight()).toBeGreaterThan(
      1,
    );
  });

  it('cannot be submitted as a transaction', async () => {
    expect(await failureOf(client.qscc.submitTransaction('GetChainInfo', 'medledger'))).toMatchObject({
      code: status.FAILED_PRECONDITION,
    });
  });
});

async function take<Item>(items: AsyncIterable<Item>, count: number): Promise<Item[]> {
  const taken: Item[] = [];
  for await (const item of items) {
    taken.push(item);
    if (taken.length === count) break;
  }
  return taken;
}
