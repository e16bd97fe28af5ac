import { createHash } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { describe, expect, it } from '@jest/globals';
import { ledger as protos, peer } from '@hyperledger/fabric-protos';
import { failureOf } from '../network/ledger-front/front-client.js';
import { GOVERNMENT, HOSPITAL_A, HOSPITAL_B, type LedgerUnderTest } from './ledger-under-test.js';
import { calls, committed, type MemberClient, type StubCall, useMember } from './member-client.js';
import { endorsersOf, partsOfPrepared } from './transaction-parts.js';

const { VALID, MVCC_READ_CONFLICT } = peer.TxValidationCode;
const AT_A = { endorsingOrganizations: [HOSPITAL_A] };
const AT_B = { endorsingOrganizations: [HOSPITAL_B] };
const AT_GOVERNMENT = { endorsingOrganizations: [GOVERNMENT] };
const BOTH = { endorsingOrganizations: [HOSPITAL_A, HOSPITAL_B] };

/** Private data: values for members, hashes for all. */
export function describePrivateData(ledger: () => LedgerUnderTest): void {
  describeValues(ledger);
  describeTransactions(ledger);
  describeMembers(ledger);
}

function describeValues(ledger: () => LedgerUnderTest): void {
  describe('private data', () => {
    const client = useMember(ledger, HOSPITAL_A);

    it('is with every member, and its hash with everybody', async () => {
      expect((await client().submit(calls('putPrivate hospitals k secret'), BOTH)).code).toBe(VALID);
      for (const at of [AT_A, AT_B]) expect(await readAt(client(), 'private hospitals k', at)).toEqual(['secret']);
      for (const at of [AT_A, AT_B, AT_GOVERNMENT]) {
        expect(await client().evaluate(calls('privateHash hospitals k'), at)).toEqual([sha256('secret')]);
      }
      expect(await client().evaluate([['attempt', ['private', 'hospitals', 'k']]], AT_GOVERNMENT)).toEqual([
        {
          failed: expect.stringMatching(
            /^GET_STATE failed: transaction ID: [0-9a-f]{64}: private data matching public hash version is not available. Public hash version = \{BlockNum: \d+, TxNum: 0\}, Private data version = <nil>$/,
          ),
        },
      ]);
    });

    it('can be changed and deleted, and comes in order', async () => {
      await client().submit(
        calls('putPrivate hospitals r1 a, putPrivate hospitals r2 b, putPrivate hospitals r3 c'),
        BOTH,
      );
      await client().submit(calls('putPrivate hospitals r1 aa, deletePrivate hospitals r2'), BOTH);
      expect(await readAt(client(), 'private hospitals r2, rangePrivate hospitals r s', AT_B)).toEqual([
        '',
        [
          ['r1', 'aa'],
          ['r3', 'c'],
        ],
      ]);
      expect(await client().evaluate(calls('privateHash hospitals r2'))).toEqual(['']);
    });

    it('comes from the transient map, and stands in no block', async () => {
      const transientData = { sealed: 'nobody-else-sees-this' };
      const transaction = await client().endorse(calls('putSecret hospitals sealed'), { transientData });
      expect(endorsersOf(partsOfPrepared(transaction.getBytes())).sort()).toEqual([HOSPITAL_A, HOSPITAL_B]);
      expect(Buffer.from(transaction.getBytes()).includes('nobody-else')).toBe(false);
      expect((await committed(client(), transaction)).code).toBe(VALID);
      expect(await readAt(client(), 'private hospitals sealed', AT_A)).toEqual(['nobody-else-sees-this']);
    });

    it('is another collection’s under the same key, and nobody’s in public', async () => {
      await client().submit(calls('putPrivate hospitals same one, putPrivate by-one same two'), BOTH);
      expect(await readAt(client(), 'private hospitals same, private by-one same, get same', AT_A)).toEqual([
        'one',
        'two',
        '',
      ]);
    });
  });
}

function describeTransactions(ledger: () => LedgerUnderTest): void {
  describe('a transaction with private data', () => {
    const client = useMember(ledger, HOSPITAL_A);

    it('holds hashes of keys and values, and of all that is written', async () => {
      const transaction = await client().endorse(calls('private hospitals absent, putPrivate hospitals written v'));
      const { readWriteSet } = partsOfPrepared(transaction.getBytes());
      const [hashed] = protos.rwset.TxReadWriteSet.deserializeBinary(readWriteSet)
        .getNsRwsetList()
        .flatMap((set) => set.getCollectionHashedRwsetList());
      const set = protos.rwset.kvrwset.HashedRWSet.deserializeBinary(hashed?.getHashedRwset_asU8() ?? new Uint8Array());
      expect(set.getHashedReadsList().map((read) => [hex(read.getKeyHash_asU8()), read.getVersion()])).toEqual([
        [sha256('absent'), undefined],
      ]);
      expect(
        set.getHashedWritesList().map((write) => [hex(write.getKeyHash_asU8()), hex(write.getValueHash_asU8())]),
      ).toEqual([[sha256('written'), sha256('v')]]);
      const write = new protos.rwset.kvrwset.KVWrite();
      write.setKey('written');
      write.setValue(Buffer.from('v'));
      const all = new protos.rwset.kvrwset.KVRWSet();
      all.setWritesList([write]);
      expect(hex(hashed?.getPvtRwsetHash_asU8() ?? new Uint8Array())).toBe(sha256(all.serializeBinary()));
    });

    it.each([
      { read: 'private hospitals raced', code: MVCC_READ_CONFLICT },
      { read: 'privateHash hospitals raced', code: MVCC_READ_CONFLICT },
      { read: 'privatePolicy hospitals raced', code: MVCC_READ_CONFLICT },
      { read: 'private hospitals other', code: VALID },
    ])('that reads "$read" before it is written: $code', async ({ read, code }) => {
      await client().submit(calls('putPrivate hospitals raced 1'), BOTH);
      const late = await client().endorse(calls(`${read}, put raced-${read.length} x`), BOTH);
      await client().submit(calls('putPrivate hospitals raced 2'), BOTH);
      expect((await committed(client(), late)).code).toBe(code);
    });

    it('may not range over it and write', async () => {
      const range: StubCall = ['attempt', ['rangePrivate', 'hospitals', '', '']];
      const write: StubCall = ['attempt', ['put', 'ranged', 'x']];
      const refused = (words: string) => ({
        failed: expect.stringMatching(new RegExp(`unsuppored transaction. ${words}$`)),
      });
      expect((await client().evaluate([write, range])).at(1)).toEqual(
        refused('Queries on pvt data is supported only in a read-only transaction'),
      );
      expect((await client().evaluate([range, write])).at(1)).toEqual(
        refused('Transaction has already performed queries on pvt data. Writes are not allowed'),
      );
    });

    it('is refused where too few members are there to be given it', async () => {
      const failure = await failureOf(client().endorse(calls('putPrivate demanding k v')));
      expect(failure.code).toBe(status.ABORTED);
      expect(failure.details.map(({ message }) => message)).toEqual([
        expect.stringMatching(
          /^error in simulation: failed to distribute private collection, txID [0-9a-f]{64}, channel medledger: could not build private data dissemination plan for chaincode conformance and collection demanding: required to disseminate to at least 2 peers, but know of only 1 eligible peers$/,
        ),
      ]);
    });
  });
}

function describeMembers(ledger: () => LedgerUnderTest): void {
  describe('a collection for its members only', () => {
    const member = useMember(ledger, HOSPITAL_A);
    const stranger = useMember(ledger, GOVERNMENT, { at: HOSPITAL_A });

    it.each([
      { line: 'private closed k', right: 'read' },
      { line: 'rangePrivate closed a b', right: 'read' },
      { line: 'privatePolicy closed k', right: 'read' },
      { line: 'queryPrivate closed {}', right: 'read' },
      { line: 'putPrivate closed k v', right: 'write' },
      { line: 'deletePrivate closed k', right: 'write' },
      { line: 'purgePrivate closed k', right: 'write' },
    ])('lets no other member of the channel $right it with "$line"', async ({ line, right }) => {
      const [outcome] = await stranger().evaluate([['attempt', calls(line)[0] ?? []]]);
      expect(outcome).toEqual({
        failed: expect.stringMatching(
          new RegExp(
            `: tx creator does not have ${right} access permission on privatedata in chaincodeName:conformance collectionName: closed$`,
          ),
        ),
      });
    });

    it('lets members, and everybody see hashes', async () => {
      expect((await member().submit(calls('putPrivate closed k v'), BOTH)).code).toBe(VALID);
      expect(await readAt(member(), 'private closed k', AT_B)).toEqual(['v']);
      expect(await stranger().evaluate(calls('privateHash closed k'))).toEqual([sha256('v')]);
    });

    it('that is not there is told by its name', async () => {
      const attempts = await member().evaluate([
        ['attempt', ['private', 'nowhere', 'k']],
        ['attempt', ['privateHash', 'nowhere', 'k']],
      ]);
      expect(attempts).toEqual([
        { failed: expect.stringMatching(/: collection medledger\/conformance\/nowhere could not be found$/) },
        {
          failed: expect.stringMatching(
            /: collection \[nowhere\] not defined in the collection config for chaincode \[conformance\]$/,
          ),
        },
      ]);
    });
  });
}

/** Members get what they were not given some moments after the block. */
async function readAt(client: MemberClient, line: string, at: { endorsingOrganizations: string[] }): Promise<unknown> {
  return client.evaluate(calls(line), at);
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
