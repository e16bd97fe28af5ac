import { beforeEach, describe, expect, it } from '@jest/globals';
import { limits } from '@medledger/chaincode/domain';
import { addRecords } from '../../../gateway/services/add-records.js';
import { RecordCircle, recordsToAdd } from './record-circle.js';

let circle: RecordCircle;

beforeEach(() => {
  circle = new RecordCircle();
});

describe('adding records', () => {
  it('is one transaction for a batch, in sets of the size that one key holds', async () => {
    const texts = Array.from({ length: limits.RECORDS_PER_SET_MAX + 1 }, (_, at) => `record ${at}`);
    const { records, transactionId } = await addRecords(circle.ports, recordsToAdd(texts));
    expect([circle.transactions, transactionId]).toEqual([1, 't0']);
    const sets = new Set(records.map(({ recordId }) => recordId.slice(0, 32)));
    expect([sets.size, new Set(records.map(({ recordId }) => recordId)).size]).toEqual([2, texts.length]);
    expect([...circle.recorded.keys()]).toEqual(records.map(({ recordId }) => recordId));
    for (const { held } of circle.custodians) expect(held.size).toBe(texts.length);
  });

  it('says nothing on the chain when fewer than two custodians took their shares', async () => {
    circle.setMoods('well', 'down', 'down');
    const adding = addRecords(circle.ports, recordsToAdd(['one']));
    await expect(adding).rejects.toMatchObject({
      code: 'CUSTODIANS_UNAVAILABLE',
      extra: {
        custodians: [
          { custodian: 'HospitalBMSP', reason: 'connection refused' },
          { custodian: 'GovernmentMSP', reason: 'connection refused' },
        ],
      },
    });
    expect(circle.transactions).toBe(0);
  });

  it.each(['down', 'silent'] as const)(
    'goes on without one custodian that is %s, and keeps its shares',
    async (mood) => {
      circle.setMoods('well', mood, 'well');
      await addRecords(circle.ports, recordsToAdd(['one']));
      expect([circle.transactions, circle.missed]).toEqual([1, ['HospitalBMSP']]);
    },
  );

  it('says nothing on the chain when no vault took the ciphertext', async () => {
    const storeCiphertexts = () => Promise.reject(new Error('no vault'));
    await expect(addRecords({ ...circle.ports, storeCiphertexts }, recordsToAdd(['one']))).rejects.toThrow('no vault');
    expect(circle.transactions).toBe(0);
  });
});

describe('the same key again', () => {
  it('after a lost answer finds the records of the first try and adds none', async () => {
    circle.losesAnswer = true;
    await expect(addRecords(circle.ports, recordsToAdd(['one', 'two']))).rejects.toMatchObject({
      code: 'OUTCOME_UNKNOWN',
    });
    circle.losesAnswer = false;
    const first = [...circle.recorded.values()];
    const again = await addRecords(circle.ports, recordsToAdd(['one', 'two']));
    expect(again.transactionId).toBe('t0');
    const found = again.records.map(({ recordId, stored }) => [recordId, stored.sha256]);
    expect(found).toEqual(first.map(({ recordId, sha256 }) => [recordId, sha256]));
    expect([circle.transactions, circle.recorded.size]).toEqual([1, 2]);
  });

  it('leaves two shares for two ciphertexts; the chain says which one counts', async () => {
    await addRecords(circle.ports, recordsToAdd(['one']));
    const { records } = await addRecords(circle.ports, recordsToAdd(['one']));
    const held = circle.custodians[0]?.held.get(records[0]?.recordId ?? '') ?? [];
    expect(new Set(held.map(({ ciphertextSha256 }) => ciphertextSha256)).size).toBe(2);
    expect(held.some(({ ciphertextSha256 }) => ciphertextSha256 === records[0]?.stored.sha256)).toBe(true);
  });

  it('with another secret, another author or another key there are other record ids', async () => {
    const idsOf = async (ports = circle.ports, input = recordsToAdd(['one'])) =>
      (await addRecords(ports, input)).records.map(({ recordId }) => recordId);
    const otherSecret = { ...circle.ports, idSecret: new Uint8Array(32).fill(8) };
    const ids = [
      ...(await idsOf()),
      ...(await idsOf(otherSecret)),
      ...(await idsOf(circle.ports, recordsToAdd(['one'], 'other'))),
    ];
    expect(new Set(ids).size).toBe(3);
  });

  it('where the first try cannot be read: refused, because whose records those are is not known', async () => {
    await addRecords(circle.ports, recordsToAdd(['one']));
    const query = async () => [];
    const chain = { ...circle.chain, query } as unknown as typeof circle.chain;
    const again = addRecords({ ...circle.ports, chain }, recordsToAdd(['one']));
    await expect(again).rejects.toMatchObject({ code: 'RECORD_EXISTS' });
  });
});
