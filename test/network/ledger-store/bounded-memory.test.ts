import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SignatureCache } from '../../../network/devledger/commit/signature-cache.js';
import { MspRegistry } from '../../../network/devledger/msp.js';
import { LEDGER_NODE_FLAGS } from '../../../network/devledger/node-flags.js';
import { BlockFeed } from '../../../network/devledger/services/block-feed.js';
import type { CommittedBlock, PeerLedger } from '../../../network/devledger/peer-ledger.js';
import { DISK } from '../../../network/devledger/store/file-system.js';
import { BlockCache, type CachedPart } from '../../../network/devledger/store/tables/block-cache.js';
import type { RowBlock, RowEntry } from '../../../network/devledger/store/tables/row-block.js';
import { Table, type TableReading, tableReading } from '../../../network/devledger/store/tables/table.js';
import { writeTable } from '../../../network/devledger/store/tables/table-merge.js';
import type { TableDescription } from '../../../network/devledger/store/tables/table-writer.js';
import { createNetwork, temporaryFolder } from '../ledger-support.js';

const MEBIBYTE = 1024 * 1024;
const ROWS = 30_000;
/** A table of 3 MiB: some 400 blocks in six partitions. */
const ROW = Buffer.alloc(90, 'v');

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let description: TableDescription;

beforeAll(async () => {
  folder = await temporaryFolder();
  const written = await writeTable(new CountingRows(), {
    files: DISK,
    directory: folder.path,
    number: 1,
    dropDeleted: true,
    isStopped: () => false,
  });
  if (written === undefined) throw new Error('nobody stopped it');
  description = written;
});
afterAll(async () => {
  await folder.remove();
});

describe('what a peer keeps in memory stays within its bound, however much goes through it:', () => {
  it('blocks and partitions of tables', async () => {
    const reading: TableReading = {
      files: DISK,
      directory: folder.path,
      salvage: false,
      blocks: new BlockCache(128 * 1024),
      partitions: new BlockCache(64 * 1024),
    };
    const table = await Table.open(reading, description);
    let found = 0;
    for (let index = 0; index < ROWS; index += 5) if (table.get(keyOf(index))?.row?.equals(ROW)) found += 1;
    expect(found).toBe(ROWS / 5);
    await table.close();
    expect(reading.blocks.sizeBytes).toBeLessThanOrEqual(128 * 1024);
    expect(reading.blocks.sizeBytes).toBeGreaterThan(64 * 1024);
    expect(reading.partitions.sizeBytes).toBeLessThanOrEqual(64 * 1024);
    expect(reading.partitions.sizeBytes).toBeGreaterThan(0);
  });

  it.each([
    { name: 'blocks', cacheOf: (reading: TableReading): BlockCache<RowBlock> => reading.blocks },
    { name: 'partitions', cacheOf: (reading: TableReading): BlockCache<CachedPart> => reading.partitions },
  ])('$name of all tables of one database: 2 MiB', ({ cacheOf }) => {
    const cache = cacheOf(tableReading(DISK, folder.path, false)) as BlockCache<CachedPart>;
    for (let place = 0; place < 1_000; place += 1) cache.put(place, { sizeBytes: 8 * 1024 });
    expect(cache.sizeBytes).toBe(2 * MEBIBYTE);
    expect(Array.from({ length: 1_000 }, (_, place) => cache.get(place)).filter(Boolean)).toHaveLength(256);
  });

  it('signatures found good: 12,000', async () => {
    const { registry, client } = await createNetwork();
    const cache = new SignatureCache(registry);
    for (let index = 0; index < 12_500; index += 1) {
      cache.remember(client.serialized, Buffer.from(`transaction ${index}`), Buffer.from('signature'));
    }
    expect(cache.size).toBe(12_000);
  });

  it("garbage: Node takes the flags that the ledger's process is started with", () => {
    const { status, stderr } = spawnSync(process.execPath, [...LEDGER_NODE_FLAGS, '-e', '0'], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('certificates that were read', async () => {
    const { authorities, client, insurer, msps } = await createNetwork();
    const [authority] = authorities;
    const registry = new MspRegistry(msps, 2);
    const third = await authority?.issue('third');
    for (const { serialized } of [client, insurer, third ?? client, client]) registry.identity(serialized);
    expect(registry.identitiesRemembered).toBe(2);
  });

  it.each([
    { name: 'large blocks: 2 MiB', sizeBytes: MEBIBYTE, kept: 2 },
    { name: 'small blocks: 16', sizeBytes: 10, kept: 16 },
  ])('for those who follow the ledger, $name', async ({ sizeBytes, kept }) => {
    const followed = new FollowedLedger();
    const feed = new BlockFeed(followed as unknown as PeerLedger);
    followed.commit(20, sizeBytes);
    for (let blockNumber = 0; blockNumber < 20; blockNumber += 1) await feed.block(blockNumber);
    expect(followed.readAgain).toEqual(Array.from({ length: 20 - kept }, (_, blockNumber) => blockNumber));
  });
});

/** As much of a peer's ledger as a feed asks for. */
class FollowedLedger {
  readonly readAgain: number[] = [];
  #listener: (block: CommittedBlock) => void = () => undefined;

  onCommit(listener: (block: CommittedBlock) => void): () => void {
    this.#listener = listener;
    return () => undefined;
  }

  async blockByNumber(blockNumber: number): Promise<Uint8Array> {
    this.readAgain.push(blockNumber);
    return new Uint8Array();
  }

  commit(blocks: number, sizeBytes: number): void {
    const bytes = new Uint8Array(sizeBytes);
    for (let blockNumber = 0; blockNumber < blocks; blockNumber += 1) {
      this.#listener({ blockNumber, bytes, transactions: [] });
    }
  }
}

function keyOf(index: number): string {
  return `key${String(index).padStart(8, '0')}`;
}

class CountingRows {
  #index = 0;

  get current(): RowEntry | undefined {
    return this.#index < ROWS ? { key: keyOf(this.#index), row: ROW } : undefined;
  }

  next(): void {
    this.#index += 1;
  }
}
