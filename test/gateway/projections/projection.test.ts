import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Projection, startProjection } from '../../../gateway/projections/projection.js';
import type { BlockSource } from '../../../gateway/projections/projected-block.js';
import { entryWrite, memberWrite, testChain, type TestChain } from './chain-of-blocks.js';

let folder: string;
let path: string;
let running: Projection[];
let logged: object[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'projection-'));
  path = join(folder, 'gateway', 'projection.db');
  running = [];
  logged = [];
});
afterEach(async () => {
  for (const projection of running) await projection.stop();
  rmSync(folder, { recursive: true });
});

function follow(source: BlockSource): Projection {
  const note = (fields: object) => void logged.push(fields);
  const projection = startProjection({
    path,
    source,
    logger: { info: note, warn: note, error: note },
    backoff: { firstMs: 1, lastMs: 4 },
  });
  running.push(projection);
  return projection;
}

async function stop(projection: Projection): Promise<void> {
  running.splice(running.indexOf(projection), 1);
  await projection.stop();
}

/** Genesis, and then one opening of p-1 in each block. */
function chainOf(height: number, seed?: string): TestChain {
  const chain = testChain(seed);
  for (let number = 0; number < height; number += 1) chain.add(openingIn(number));
  return chain;
}

function openingIn(number: number) {
  if (number === 0) return { transaction: 'members:registerPatient', writes: [memberWrite('p-1')] };
  const outcome = { action: 'register', outcome: 'permit' };
  return { writes: [entryWrite({ patientId: 'p-1', memberId: 'p-1', sequence: number - 1, outcome })] };
}

describe('startProjection', () => {
  it('reads what is there and follows what comes', async () => {
    const chain = chainOf(3);
    const projection = follow(chain);
    await projection.awaitBlock(2);
    expect(projection.height()).toBe(3);
    const waiting = projection.awaitBlock(3);
    chain.add(openingIn(3));
    await waiting;
    expect(projection.accessLog({ patientId: 'p-1', limit: 10 }).items.map(({ sequence }) => sequence)).toEqual([
      2, 1, 0,
    ]);
  });

  it('rejects at the deadline for a block that does not come, and when it is stopped', async () => {
    const projection = follow(chainOf(1));
    await expect(projection.awaitBlock(5, 20)).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE', retryAfterS: 1 });
    const rejected = expect(projection.awaitBlock(5, 10_000)).rejects.toThrow('stopping');
    await stop(projection);
    await rejected;
  });

  it('goes on from its checkpoint after a restart and counts nothing twice', async () => {
    const chain = chainOf(4);
    const first = follow(chain);
    await first.awaitBlock(3);
    await stop(first);
    chain.add(openingIn(4));
    chain.asked.length = 0;
    const second = follow(chain);
    await second.awaitBlock(4);
    expect(chain.asked).toEqual([0, 3]);
    expect(second.accessLog({ patientId: 'p-1', limit: 10 }).items).toHaveLength(4);
    expect(logged).toEqual([]);
  });

  it('goes on after a stream that breaks', async () => {
    const chain = chainOf(2);
    const projection = follow(chain);
    await projection.awaitBlock(1);
    chain.breakStreams();
    chain.add(openingIn(2));
    await projection.awaitBlock(2);
    expect(projection.height()).toBe(3);
    expect(logged).toHaveLength(1);
  });

  it('keeps its file from other users', async () => {
    const projection = follow(chainOf(1));
    await projection.awaitBlock(0);
    expect(statSync(path).mode & 0o077).toBe(0);
  });
});

describe('a chain that is not the stored one', () => {
  it('is read anew when its first block is another', async () => {
    const first = follow(chainOf(4, 'first'));
    await first.awaitBlock(3);
    await stop(first);
    const other = chainOf(2, 'second');
    const second = follow(other);
    while (second.block(1)?.hash !== other.blocks[1]?.headerHash) await new Promise((done) => setTimeout(done, 1));
    expect(second.height()).toBe(2);
    expect(second.accessLog({ patientId: 'p-1', limit: 10 }).items).toHaveLength(1);
    expect(logged).toMatchObject([{ reason: 'block 0 is another one' }]);
  });

  it('is read anew when its last stored block is another', async () => {
    const chain = chainOf(4);
    const first = follow(chain);
    await first.awaitBlock(3);
    await stop(first);
    chain.cutTo(3);
    const replaced = chain.add({ writes: [] });
    const second = follow(chain);
    while (second.block(3)?.hash !== replaced.headerHash) await new Promise((done) => setTimeout(done, 1));
    expect(second.accessLog({ patientId: 'p-1', limit: 10 }).items).toHaveLength(2);
  });

  it('is read anew when it was cut short, where its height is known', async () => {
    const chain = chainOf(4);
    const first = follow(chain);
    await first.awaitBlock(3);
    await stop(first);
    chain.cutTo(2);
    const second = follow({ ...chain, height: async () => chain.blocks.length });
    while (second.height() !== 2) await new Promise((done) => setTimeout(done, 1));
    expect(second.blockNumberOf(chain.blocks[1]?.transactions[0]?.txId ?? '')).toBe(1);
  });

  it('is read anew when a block does not name the one before', async () => {
    const chain = chainOf(2);
    const projection = follow(chain);
    await projection.awaitBlock(1);
    chain.cutTo(1);
    chain.add({ writes: [] });
    const last = chain.add({ writes: [] });
    while (projection.block(2)?.hash !== last.headerHash) await new Promise((done) => setTimeout(done, 1));
    expect(logged).toMatchObject([{ reason: 'block 2 does not fit what is stored' }]);
    expect(projection.block(1)?.hash).toBe(chain.blocks[1]?.headerHash);
  });
});

describe('a file that cannot be used', () => {
  it('is thrown away and made anew from the chain', async () => {
    const chain = chainOf(3);
    const first = follow(chain);
    await first.awaitBlock(2);
    await stop(first);
    writeFileSync(path, 'this is no database any more, whatever it was before');
    const second = follow(chain);
    await second.awaitBlock(2);
    expect(second.accessLog({ patientId: 'p-1', limit: 10 }).items).toHaveLength(2);
  });
});
