import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { peer } from '@hyperledger/fabric-protos';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { stateDirectory } from '../../../network/devledger/commit/open-peer-ledger.js';
import { decodeErasure } from '../../../network/devledger/store/erasure-due.js';
import { ERASURE_KEY } from '../../../network/devledger/store/row-keys.js';
import { StateDatabase } from '../../../network/devledger/store/state-database.js';
import { rebuildPeer } from '../../../network/devledger/store/rebuild-peer.js';
import { verifyPeer } from '../../../network/devledger/store/verify-peer.js';
import { untilTrue } from '../../support/eventually.js';
import { commitAll, createNetwork, type TestNetwork, temporaryFolder } from '../ledger-support.js';
import {
  FLEETING,
  type OpenedPeer,
  openWithCollections,
  optionsWithCollections,
  privateHash,
  privateValue,
  privateWrite,
  SHARED,
  simulated,
} from '../ledger-private.js';
import { transaction } from '../ledger-transactions.js';

const { VALID } = peer.TxValidationCode;
const SECRET = 'a secret that nobody else may see';
const [A, B, GOVERNMENT] = ['HospitalAMSP', 'HospitalBMSP', 'GovernmentMSP'] as const;
let network: TestNetwork;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let peers: Map<string, OpenedPeer>;

beforeAll(async () => {
  network = await createNetwork();
});
beforeEach(async () => {
  folder = await temporaryFolder();
  peers = new Map();
  for (const mspId of [A, B, GOVERNMENT]) await open(mspId);
});
afterEach(async () => {
  for (const { ledger } of peers.values()) await ledger.close();
  await folder.remove();
});

const directoryOf = (mspId: string) => join(folder.path, mspId);

async function open(mspId: string): Promise<void> {
  peers.set(mspId, await openWithCollections(network, directoryOf(mspId), mspId));
  const keepers = [...peers.values()].map(({ keeper }) => keeper);
  for (const keeper of keepers) keeper.connect(keepers.filter((other) => other.mspId !== keeper.mspId));
}

function at(mspId: string): OpenedPeer {
  const found = peers.get(mspId);
  if (found === undefined) throw new Error(`${mspId} is not open`);
  return found;
}

/** One block with one transaction; its private writes are with some peers before. */
async function commit(writes: Parameters<typeof simulated>[0], given: readonly string[] = [A]): Promise<void> {
  const { spec, sets } = simulated(writes);
  const { txId, envelope } = transaction(network, spec);
  for (const mspId of given) await at(mspId).keeper.storeTransient(txId, sets);
  for (const { ledger } of peers.values()) expect(await commitAll(ledger, [envelope])).toEqual([VALID]);
}

async function pass(blocks: number): Promise<void> {
  for (let block = 0; block < blocks; block += 1)
    await commit((record) => record.namespace('medledger').writes.set('k', Buffer.from('x')), []);
}

async function reopen(mspId: string): Promise<void> {
  await at(mspId).ledger.close();
  await open(mspId);
}

/** Whether any live row of a peer's database holds some text; closes the peer. */
async function databaseHolds(mspId: string, text: string): Promise<boolean> {
  await at(mspId).ledger.close();
  peers.delete(mspId);
  const database = await StateDatabase.open(stateDirectory(directoryOf(mspId)), mspId);
  try {
    for await (const { payload } of database.rows({ gte: Buffer.of(0), lt: Buffer.of(0xff) })) {
      if (payload.includes(text)) return true;
    }
    return false;
  } finally {
    await database.close();
  }
}

function filesHold(mspId: string, text: string): boolean {
  return readdirSync(directoryOf(mspId), { recursive: true, encoding: 'utf8' })
    .map((name) => join(directoryOf(mspId), name))
    .some((path) => statSync(path).isFile() && readFileSync(path).includes(text));
}

describe('private data at commit', () => {
  it('comes from who has it, and stays away from who is no member', async () => {
    await commit(privateWrite(SHARED, 'k', SECRET));
    for (const mspId of [A, B]) expect(await privateValue(at(mspId).ledger, SHARED, 'k')).toBe(SECRET);
    expect(await privateValue(at(GOVERNMENT).ledger, SHARED, 'k')).toBeUndefined();
    const hashes = await Promise.all([A, B, GOVERNMENT].map((mspId) => privateHash(at(mspId).ledger, SHARED, 'k')));
    expect(new Set(hashes).size).toBe(1);
    expect(filesHold(A, SECRET)).toBe(true);
    expect(filesHold(GOVERNMENT, SECRET)).toBe(false);
    const [hashA, hashGovernment] = [A, GOVERNMENT].map((mspId) => at(mspId).ledger.commitHash());
    expect(hashA).toEqual(hashGovernment);
  });

  it('is not kept twice once it is in a block', async () => {
    const { spec, sets } = simulated(privateWrite(SHARED, 'k', SECRET), { endorsers: [] });
    const { txId, envelope } = transaction(network, spec);
    await at(A).keeper.storeTransient(txId, sets);
    await commitAll(at(A).ledger, [envelope]);
    expect(await databaseHolds(A, SECRET)).toBe(false);
  });

  it('is noted as missing when nobody has it, and found later, but never something else', async () => {
    const { spec, sets } = simulated(privateWrite(SHARED, 'k', SECRET));
    const { txId, envelope } = transaction(network, spec);
    const forged = simulated(privateWrite(SHARED, 'k', 'forged')).sets;
    await at(B).keeper.storeTransient(txId, forged);
    await commitAll(at(A).ledger, [envelope]);
    expect(await at(A).keeper.missing()).toMatchObject([{ blockNumber: 1, txNumber: 0, collection: SHARED }]);
    expect(await privateValue(at(A).ledger, SHARED, 'k')).toBeUndefined();
    expect(await at(A).keeper.reconcile()).toBe(0);
    await at(B).keeper.storeTransient(txId, sets);
    expect(await at(A).keeper.reconcile()).toBe(1);
    expect(await privateValue(at(A).ledger, SHARED, 'k')).toBe(SECRET);
    expect(await at(A).keeper.missing()).toEqual([]);
  });

  it('of a peer that is closed is missing for the moment, and the others go on', async () => {
    const { spec, sets } = simulated(privateWrite(SHARED, 'k', SECRET));
    const { txId, envelope } = transaction(network, spec);
    await at(B).keeper.storeTransient(txId, sets);
    await at(B).ledger.close();
    expect(await commitAll(at(A).ledger, [envelope])).toEqual([VALID]);
    expect(await at(A).keeper.missing()).toHaveLength(1);
    await open(B);
    expect(await at(A).keeper.reconcile()).toBe(1);
    expect(await privateValue(at(A).ledger, SHARED, 'k')).toBe(SECRET);
  });

  it('that is found late does not overwrite what was written since', async () => {
    const { spec, sets } = simulated(privateWrite(SHARED, 'k', 'early'));
    const early = transaction(network, spec);
    for (const { ledger } of peers.values()) await commitAll(ledger, [early.envelope]);
    await commit(privateWrite(SHARED, 'k', 'late'));
    await at(GOVERNMENT).keeper.storeTransient(early.txId, sets);
    expect(await at(A).keeper.reconcile()).toBe(1);
    expect(await privateValue(at(A).ledger, SHARED, 'k')).toBe('late');
  });
});

describe('the bytes of private data', () => {
  it('leave every file when the data are purged, and those of what ended before with them', async () => {
    await commit((record) => {
      privateWrite(FLEETING, 'k', `${SECRET}, for a while`)(record);
      privateWrite(SHARED, 'k', SECRET)(record);
    });
    await pass(3);
    for (const mspId of [A, B]) await reopen(mspId);
    expect(at(A).keeper.isErasing()).toBe(false);
    expect(filesHold(A, SECRET)).toBe(true);
    expect(filesHold(A, 'for a while')).toBe(true);
    // Given to nobody before, so that no table is written for it, and no merge comes by.
    await commit(privateWrite(SHARED, 'k', undefined, true), []);
    for (const mspId of [A, B]) {
      await untilTrue(
        async () => at(mspId).keeper.isErasing(),
        (isErasing) => !isErasing,
      );
      expect(filesHold(mspId, SECRET)).toBe(false);
      await reopen(mspId);
      expect(filesHold(mspId, SECRET)).toBe(false);
    }
  });

  it('that ended by itself wait for the blocks that Fabric lets pass, too', async () => {
    await commit(privateWrite(FLEETING, 'k', SECRET));
    await pass(3);
    const height = at(A).ledger.height();
    await at(A).ledger.close();
    peers.delete(A);
    const database = await StateDatabase.open(stateDirectory(directoryOf(A)), A);
    const due = database.get(ERASURE_KEY);
    await database.close();
    expect(due && decodeErasure(due)).toEqual({ dueBlock: height - 1 + 100, askedBy: height - 1 });
  });

  it('are erased by the next start where the peer was stopped right after the purge', async () => {
    await commit(privateWrite(SHARED, 'k', SECRET));
    await reopen(A);
    await commit(privateWrite(SHARED, 'k', undefined, true));
    await reopen(A);
    await untilTrue(
      async () => at(A).keeper.isErasing(),
      (isErasing) => !isErasing,
    );
    expect(filesHold(A, SECRET)).toBe(false);
  });
});

describe('private data that ends', () => {
  it.each([
    { name: 'purged', collection: SHARED, end: () => commit(privateWrite(SHARED, 'k', undefined, true)) },
    { name: 'expired', collection: FLEETING, end: () => pass(3) },
  ])('leaves no row behind when it is $name, and no hash', async ({ collection, end }) => {
    await commit(privateWrite(collection, 'k', SECRET));
    await end();
    for (const mspId of [A, GOVERNMENT]) expect(await privateHash(at(mspId).ledger, collection, 'k')).toBeUndefined();
    expect(await privateValue(at(A).ledger, collection, 'k')).toBeUndefined();
    for (const mspId of [A, B]) expect(await databaseHolds(mspId, SECRET)).toBe(false);
  });

  it('lives to its last block, and longer when it is written again', async () => {
    await commit(privateWrite(FLEETING, 'k', 'first'));
    await pass(1);
    await commit(privateWrite(FLEETING, 'k', 'second'));
    await pass(2);
    expect(await privateValue(at(A).ledger, FLEETING, 'k')).toBe('second');
    await pass(1);
    expect(await privateValue(at(A).ledger, FLEETING, 'k')).toBeUndefined();
  });

  it.each([A, GOVERNMENT])('leaves %s a ledger in which every check finds what the blocks say', async (mspId) => {
    await commit(privateWrite(FLEETING, 'k', SECRET));
    await commit(privateWrite(SHARED, 'k', SECRET));
    await pass(2);
    await at(mspId).ledger.close();
    peers.delete(mspId);
    const options = optionsWithCollections(network, directoryOf(mspId), mspId);
    const rules = { ...options, signatures: network.signatureCache };
    expect((await verifyPeer(options, rules)).findings).toEqual([]);
  });
});

describe('a member whose state was made again', () => {
  beforeEach(async () => {
    await commit((record) => {
      privateWrite(SHARED, 'kept', 'kept value')(record);
      privateWrite(SHARED, 'purged', SECRET)(record);
    });
    await commit(privateWrite(SHARED, 'purged', undefined, true));
    await at(A).ledger.close();
    peers.delete(A);
  });

  it('takes over from the old state what fits the blocks, and what was purged stays away', async () => {
    await rebuildPeer(optionsWithCollections(network, directoryOf(A), A));
    const alone = await openWithCollections(network, directoryOf(A), A);
    expect(await privateValue(alone.ledger, SHARED, 'kept')).toBe('kept value');
    await alone.ledger.close();
    await open(A);
    await at(A).keeper.reconcile();
    expect(await privateValue(at(A).ledger, SHARED, 'purged')).toBeUndefined();
    expect(await databaseHolds(A, SECRET)).toBe(false);
  });

  it('gets it back from the others where the old state is lost', async () => {
    rmSync(stateDirectory(directoryOf(A)), { recursive: true });
    await open(A);
    expect(await privateValue(at(A).ledger, SHARED, 'kept')).toBeUndefined();
    expect(await at(A).keeper.reconcile()).toBeGreaterThan(0);
    expect(await privateValue(at(A).ledger, SHARED, 'kept')).toBe('kept value');
    expect(await privateValue(at(A).ledger, SHARED, 'purged')).toBeUndefined();
    expect(await databaseHolds(A, SECRET)).toBe(false);
  });
});
