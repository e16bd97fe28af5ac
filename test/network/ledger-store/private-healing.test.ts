import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { peer } from '@hyperledger/fabric-protos';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openPeerLedger, stateDirectory } from '../../../network/devledger/commit/open-peer-ledger.js';
import type { PeerLedger } from '../../../network/devledger/peer-ledger.js';
import type { PrivateDataKeeper } from '../../../network/devledger/private-data/private-keeper.js';
import { FaultyFiles } from '../ledger-faults/faulty-files.js';
import {
  type OpenedPeer,
  openWithCollections,
  optionsWithCollections,
  privateValue,
  privateWrite,
  SHARED,
  simulated,
} from '../ledger-private.js';
import { commitAll, createNetwork, nextBlock, type TestNetwork, temporaryFolder } from '../ledger-support.js';
import { transaction } from '../ledger-transactions.js';

const { VALID } = peer.TxValidationCode;
const [A, B] = ['HospitalAMSP', 'HospitalBMSP'] as const;
/** Only its own organisation's peer ever has what is in it. */
const OWN = `_implicit_org_${A}`;
let network: TestNetwork;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  network = await createNetwork();
});
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(async () => {
  await folder.remove();
});

const directoryOf = (mspId: string) => join(folder.path, mspId);
const open = (mspId: string) => openWithCollections(network, directoryOf(mspId), mspId);

/** A transaction that writes one private value, and what the peer is given of it before it is in a block. */
async function given({ keeper }: OpenedPeer, collection: string, key: string): Promise<Uint8Array> {
  const { spec, sets } = simulated(privateWrite(collection, key, textOf(key)));
  const { txId, envelope } = transaction(network, spec);
  await keeper.storeTransient(txId, sets);
  return envelope;
}

async function commitPrivate(member: OpenedPeer, collection: string, keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    const envelope = await given(member, collection, key);
    expect(await commitAll(member.ledger, [envelope])).toEqual([VALID]);
  }
}

/** Longer than what a table reads at one go, so that one row can be damaged by itself. */
function textOf(key: string): string {
  return `${key} `.repeat(10_000);
}

/** Flips a bit of each file of A's state with this suffix, in the first row with a text or at the start. */
function damage(suffix: string, text = ''): void {
  const directory = stateDirectory(directoryOf(A));
  for (const name of readdirSync(directory).filter((other) => other.endsWith(suffix))) {
    const bytes = readFileSync(join(directory, name));
    const place = bytes.indexOf(text);
    if (place < 0) continue;
    bytes.writeUInt8(bytes.readUInt8(place) ^ 1, place);
    writeFileSync(join(directory, name), bytes);
  }
}

async function whole({ ledger }: OpenedPeer): Promise<void> {
  while (!ledger.isServing()) await new Promise((resolve) => setTimeout(resolve, 2));
}

const valuesOf = ({ ledger }: OpenedPeer, collection: string, keys: readonly string[]) =>
  Promise.all(keys.map((key) => privateValue(ledger, collection, key)));

describe('private data of a state that is made again', () => {
  const keys = ['k1', 'k2', 'k3'];

  it('is taken over while the peer runs, from what can still be read', async () => {
    const before = await open(A);
    await commitPrivate(before, OWN, keys);
    await before.ledger.close();
    const member = await open(A);
    const envelope = await given(member, OWN, 'late');
    damage('.table', textOf('k1'));
    await expect(privateValue(member.ledger, OWN, 'k1')).rejects.toThrow(/^STATE_CORRUPT/);
    expect(member.ledger.isServing()).toBe(false);
    await whole(member);
    expect(await commitAll(member.ledger, [envelope])).toEqual([VALID]);
    expect(await valuesOf(member, OWN, [...keys, 'late'])).toEqual([...keys, 'late'].map(textOf));
    expect(await member.keeper.missing()).toEqual([]);
    await member.ledger.close();
  });

  it('comes from another member where nothing of it can be read; what nobody else has is noted as missing', async () => {
    const first = await open(A);
    const other = await open(B);
    await commitPrivate(first, SHARED, ['k1']);
    const block = await first.ledger.blockByNumber(1);
    other.keeper.connect([first.keeper]);
    await other.ledger.commit(block ?? new Uint8Array());
    await commitPrivate(first, OWN, ['k2']);
    await first.ledger.close();
    damage('manifest');
    const member = await open(A);
    expect(await member.keeper.missing()).toHaveLength(2);
    member.keeper.connect([other.keeper]);
    expect(await member.keeper.reconcile()).toBe(1);
    expect(await valuesOf(member, SHARED, ['k1'])).toEqual([textOf('k1')]);
    expect(await member.keeper.missing()).toMatchObject([{ collection: OWN, blockNumber: 2 }]);
    await Promise.all([member.ledger.close(), other.ledger.close()]);
  });
});

describe('private data that a peer was given', () => {
  it.each([
    { when: 'before its block', commits: false },
    { when: 'with its block', commits: true },
  ])('$when is there when the process is killed then', async ({ commits }) => {
    const member = await open(A);
    const envelope = await given(member, OWN, 'k');
    if (commits) await commitAll(member.ledger, [envelope]);
    const killed = join(folder.path, 'killed');
    cpSync(directoryOf(A), killed, { recursive: true });
    await member.ledger.close();
    const later = await openWithCollections(network, killed, A);
    if (!commits) await commitAll(later.ledger, [envelope]);
    expect(await valuesOf(later, OWN, ['k'])).toEqual([textOf('k')]);
    expect(await later.keeper.missing()).toEqual([]);
    await later.ledger.close();
  });

  it('is still there when its block is tried again because the disk was full', async () => {
    const files = new FaultyFiles();
    const ledger = await openPeerLedger({ ...optionsWithCollections(network, directoryOf(A), A), files });
    const member = { ledger, keeper: keeperOf(ledger) };
    const block = await nextBlock(ledger, [await given(member, OWN, 'k')]);
    files.failing((_, operation) => (operation === 'write' ? 'full' : undefined));
    await expect(ledger.commit(block)).rejects.toMatchObject({ diskFull: true });
    files.healthy();
    await ledger.commit(block);
    expect(await valuesOf(member, OWN, ['k'])).toEqual([textOf('k')]);
    await ledger.close();
  });
});

function keeperOf({ privateData }: PeerLedger): PrivateDataKeeper {
  if (privateData === undefined) throw new Error('a ledger on disk keeps private data');
  return privateData;
}
