import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { status } from '@grpc/grpc-js';
import { peer } from '@hyperledger/fabric-protos';
import { decode, failureOf, type MemberClient } from './front-client.js';
import { type FrontNetwork, startFrontNetwork } from './front-network.js';

const { TxValidationCode } = peer;

let network: FrontNetwork;
let client: MemberClient;

beforeAll(async () => {
  network = await startFrontNetwork();
  client = await network.client('HospitalAMSP');
});

afterAll(() => network.stop());

describe('a client of the embedded ledger', () => {
  it('reads back what it submitted', async () => {
    const result = await client.contract.submitTransaction('put', 'k1', 'hello');
    expect(decode(result)).toBe('k1');
    expect(decode(await client.contract.evaluateTransaction('get', 'k1'))).toBe('hello');
  });

  it('learns the block of its transaction from its own peer', async () => {
    const before = network.ledgers.get('HospitalAMSP')?.height();
    const submitted = await client.contract.submitAsync('put', { arguments: ['k2', 'x'] });
    const commit = await submitted.getStatus();
    expect(commit).toMatchObject({ code: TxValidationCode.VALID, successful: true });
    expect(Number(commit.blockNumber)).toBe(before);
    const location = await network.ledgers.get('HospitalAMSP')?.transaction(submitted.getTransactionId());
    expect(location).toEqual({ blockNumber: before, txNumber: 0, validationCode: 0 });
  });

  it('leaves all peers with the same commit hash', async () => {
    await client.contract.submitTransaction('put', 'k3', 'x');
    const government = await network.client('GovernmentMSP');
    await government.contract.submitTransaction('put', 'k4', 'y');
    const hashes = [...network.ledgers.values()].map((ledger) => Buffer.from(ledger.commitHash()).toString('hex'));
    expect(new Set(hashes).size).toBe(1);
  });

  it('does not see its own writes before they are committed', async () => {
    await client.contract.submitTransaction('put', 'counter', '5');
    expect(decode(await client.contract.submitTransaction('add', 'counter', '2'))).toBe('5');
    expect(decode(await client.contract.evaluateTransaction('get', 'counter'))).toBe('7');
  });
});

describe('conflicts', () => {
  it('gets MVCC_READ_CONFLICT for the second of two transactions that read the same version', async () => {
    await client.contract.submitTransaction('put', 'contended', '0');
    const first = await client.contract.newProposal('add', { arguments: ['contended', '1'] }).endorse();
    const second = await client.contract.newProposal('add', { arguments: ['contended', '1'] }).endorse();
    const statuses = await Promise.all([first, second].map(async (tx) => (await tx.submit()).getStatus()));
    expect(statuses.map(({ code }) => code).sort((left, right) => left - right)).toEqual([
      TxValidationCode.VALID,
      TxValidationCode.MVCC_READ_CONFLICT,
    ]);
    expect(decode(await client.contract.evaluateTransaction('get', 'contended'))).toBe('1');
  });

  it('gets PHANTOM_READ_CONFLICT when a key appeared in a range it scanned', async () => {
    const counted = await client.contract.newProposal('countInto', { arguments: ['p~', 'p~~', 'total'] }).endorse();
    await client.contract.submitTransaction('put', 'p~new', 'x');
    const commit = await (await counted.submit()).getStatus();
    expect(commit.code).toBe(TxValidationCode.PHANTOM_READ_CONFLICT);
  });
});

describe('what a chaincode answers', () => {
  it('is told what the chaincode answered, with UNKNOWN, when a query fails', async () => {
    const failure = await failureOf(client.contract.evaluateTransaction('fail', 'NO_GRANT: not yours'));
    expect(failure).toEqual({
      code: status.UNKNOWN,
      message: 'evaluate call to endorser returned error: chaincode response 500, NO_GRANT: not yours',
      details: [
        expect.objectContaining({ mspId: 'HospitalAMSP', message: 'chaincode response 500, NO_GRANT: not yours' }),
      ],
    });
  });

  it('is told what the chaincode answered, with ABORTED, when a transaction fails', async () => {
    const failure = await failureOf(client.contract.submitTransaction('fail', 'STALE_HEAD: again'));
    expect(failure.code).toBe(status.ABORTED);
    expect(failure.message).toBe('failed to endorse transaction, see attached details for more info');
    expect(failure.details).toEqual([
      {
        address: `peer0.hospital-a.medledger.example:${network.nodes.endpoints[0]?.port}`,
        mspId: 'HospitalAMSP',
        message: 'chaincode response 500, STALE_HEAD: again',
      },
    ]);
  });
});

describe('ranges and history', () => {
  it('scans more rows than fit one message, in UTF-8 order', async () => {
    await client.contract.submitTransaction('putMany', 'many~', '250');
    await client.contract.submitTransaction('put', 'many~\u{1F600}', 'astral');
    await client.contract.submitTransaction('put', 'many~\uFFEE', 'below it');
    const rows: [string, string][] = JSON.parse(
      decode(await client.contract.evaluateTransaction('range', 'many~', 'many~\u{10FFFF}')),
    );
    expect(rows).toHaveLength(252);
    expect(rows[249]).toEqual(['many~0249', '249']);
    expect(rows.slice(250).map(([key]) => key)).toEqual(['many~\uFFEE', 'many~\u{1F600}']);
  });

  it('pages through a range by bookmark', async () => {
    await client.contract.submitTransaction('putMany', 'page~', '5');
    const page = async (bookmark: string) =>
      JSON.parse(decode(await client.contract.evaluateTransaction('page', 'page~', 'page~~', '3', bookmark)));
    const first = await page('');
    expect(first).toMatchObject({ fetched: 3, bookmark: 'page~0003' });
    const second = await page(first.bookmark);
    expect(second).toMatchObject({ fetched: 2, bookmark: '' });
    expect([...first.rows, ...second.rows].map(([, value]) => value)).toEqual(['0', '1', '2', '3', '4']);
  });

  it('may not write in a transaction that pages', async () => {
    const failure = await failureOf(client.contract.submitTransaction('pageThenPut', 'page~', 'page~~'));
    expect(failure.details[0]?.message).toContain('Transaction has already performed a paginated query');
  });

  it('sees the history of a key, newest first, with its deletion', async () => {
    await client.contract.submitTransaction('put', 'old', 'one');
    await client.contract.submitTransaction('put', 'old', 'two');
    await client.contract.submitTransaction('remove', 'old');
    const changes: { value: string; isDelete: boolean; txId: string; seconds: number }[] = JSON.parse(
      decode(await client.contract.evaluateTransaction('history', 'old')),
    );
    expect(changes.map(({ value, isDelete }) => [value, isDelete])).toEqual([
      ['', true],
      ['two', false],
      ['one', false],
    ]);
    expect(changes[0]?.txId).toMatch(/^[0-9a-f]{64}$/);
    expect(Math.abs((changes[0]?.seconds ?? 0) - Date.now() / 1000)).toBeLessThan(60);
    expect(decode(await client.contract.evaluateTransaction('get', 'old'))).toBe('');
  });
});

describe('a client', () => {
  it('is known to the chaincode by its certificate', async () => {
    const insurer = await network.client('InsurerMSP');
    const answer = JSON.parse(decode(await insurer.contract.evaluateTransaction('whoami')));
    expect(answer).toEqual({
      mspId: 'InsurerMSP',
      channel: 'medledger',
      txId: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  it('submits many transactions at once', async () => {
    await Promise.all(
      Array.from({ length: 40 }, (_, index) => client.contract.submitTransaction('put', `burst${index}`, 'x')),
    );
    const rows = JSON.parse(decode(await client.contract.evaluateTransaction('range', 'burst', 'bursu')));
    expect(rows).toHaveLength(40);
  });

  it('is told that private data is not there', async () => {
    const failure = await failureOf(client.contract.evaluateTransaction('secret', 'collection', 'k'));
    expect(failure.details[0]?.message).toContain('collection medledger/medledger/collection could not be found');
  });
});
